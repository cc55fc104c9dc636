"""Campaigns: on a stack of their own for what ends servers, on the shared one for what ends workers only."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from infra.stack import stack as local
from infra.stack.stack import Addresses
from schemas.settings import Settings
from tests.chaos.campaign import Campaign, campaign
from tests.homes import beside

# So that a dead worker's partitions are given to another soon.
SESSION_S = 6


@dataclass(slots=True)
class Books:
    """What all campaigns of a run have come to."""

    campaigns: int = 0
    kills: int = 0
    failpoints: int = 0
    fenced: int = 0
    messages: int = 0
    frames: int = 0
    readings: int = 0
    seconds: float = 0.0
    lost: int = 0
    wrong: int = 0

    def enter(self, done: Campaign) -> None:
        """Add a campaign."""
        self.campaigns += 1
        self.kills += done.kills
        self.failpoints += done.failpoints
        self.fenced += done.fenced
        self.lost += done.lost
        self.wrong += done.wrong
        self.messages += len(done.load.entries)
        self.frames += done.load.frames
        self.readings += done.load.readings
        self.seconds += done.load.seconds

    @property
    def readings_per_s(self) -> int:
        """Readings that the broker acknowledged, a second of sending."""
        return round(self.readings / self.seconds) if self.seconds else 0


@pytest.fixture(scope="session")
def build(pytestconfig: pytest.Config) -> Path:
    """Where ledgers, logs and the summary go."""
    folder = Path(pytestconfig.rootpath, "build")
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def books(build: Path, say: local.Say) -> Iterator[Books]:
    """The sums of the run, told at its end."""
    kept = Books()
    yield kept
    summary = asdict(kept) | {"readings_per_s": kept.readings_per_s}
    del summary["seconds"]
    (build / "chaos.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    say("\nchaos: " + ", ".join(f"{name} {value:,}" for name, value in summary.items()))


@pytest.fixture(scope="session")
def own_home(home: Path, stack: Addresses, say: local.Say) -> Iterator[Path]:
    """A home with the programs of the shared one, by hard links, and nothing else."""
    with beside(home, "chaos", say) as own:
        yield own


@pytest.fixture
def own_stack(own_home: Path, say: local.Say) -> Addresses:
    """The stack that may be broken, every server running."""
    return local.up(own_home, Addresses(), say)


@pytest.fixture
def own_settings(own_home: Path, own_stack: Addresses, space: str) -> Settings:
    """A space in the stack that may be broken."""
    return settings_of(own_home, own_stack, space)


@pytest.fixture
def under_load(own_settings: Settings, build: Path, request: pytest.FixtureRequest, books: Books) -> Iterator[Campaign]:
    """A campaign in the stack that may be broken."""
    with campaign(own_settings, folder_of(build, request)) as made:
        yield made
    books.enter(made)


@pytest.fixture
def beside_others(
    home: Path, stack: Addresses, space: str, build: Path, request: pytest.FixtureRequest
) -> Iterator[Campaign]:
    """A campaign in the stack that everybody uses: only its own workers and connections may suffer."""
    with campaign(settings_of(home, stack, space), folder_of(build, request), size=24, pace_s=0.6) as made:
        yield made


def settings_of(home: Path, servers: Addresses, space: str) -> Settings:
    """The settings of a space whose time comes from its load."""
    return Settings(home=home, **asdict(servers), space=space, clock="none", session_s=SESSION_S, log_format="json")


def folder_of(build: Path, request: pytest.FixtureRequest) -> Path:
    """An empty folder for the ledger and the logs of a test."""
    folder = build / "chaos" / str(request.node.name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
