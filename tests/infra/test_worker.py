"""Tests of infra.worker: a real worker, whose agents are killed."""

import json
import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from connectors.database import connect, space_url
from infra import space as spaces
from infra.stack.stack import Addresses
from infra.worker import environment, free_port
from schemas.settings import Settings
from tests.running import Running, running_worker, wait_until

AGENTS = ["alarm", "balance", "collect"]


@dataclass(frozen=True)
class Supervised:
    """A worker, and what it keeps alive."""

    running: Running
    settings: Settings

    @property
    def targets(self) -> Path:
        return (
            self.settings.home
            / "targets"
            / f"{self.settings.space}-{socket.gethostname()}-{self.running.process.pid}.json"
        )

    def agents(self) -> dict[str, int]:
        """The agents that run, and their process ids."""
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                    words = (folder / "cmdline").read_text().split("\0")
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if parent == self.running.process.pid and "streams.run" in words:
                    found[words[words.index("streams.run") + 1]] = int(folder.name)
        return found

    def metric(self, process: str, name: str) -> float | None:
        """A metric of the worker or an agent, by its line up to the value."""
        groups = json.loads(self.targets.read_text())
        target = next(group["targets"][0] for group in groups if group["labels"]["process"] == process)
        try:
            with urllib.request.urlopen(f"http://{target}/metrics", timeout=10) as answer:
                lines: list[str] = answer.read().decode().splitlines()
        except OSError:
            return None
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), None)

    def tries(self, agent: str) -> set[int]:
        """How many deaths the partitions of an agent have seen without moving on."""
        with connect(space_url(self.settings.database, self.settings.space)) as connection:
            rows = connection.execute("select tries from ingest_offset where agent = %s", [agent]).fetchall()
        return {tries for (tries,) in rows}


@pytest.fixture(scope="module")
def settings(stack: Addresses, home: Path) -> Iterator[Settings]:
    """Settings of a space in which no clock ticks."""
    own = Settings(home=home, space=f"t{os.urandom(6).hex()}", partitions=2, clock="none", session_s=6, **asdict(stack))
    yield own
    spaces.remove(own)


@pytest.fixture(scope="module")
def supervised(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    """A worker that is ready."""
    stale = settings.home / "targets" / f"gone-{socket.gethostname()}-4194305.json"
    stale.parent.mkdir(parents=True, exist_ok=True)
    stale.write_text("[]")
    with running_worker(environment(settings, 0), tmp_path_factory.mktemp("worker") / "log") as running:
        yield Supervised(running, settings)


def test_an_agent_is_told_every_setting_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(space="own", kafka="here:1", grace_s=7, metrics_port=0)
    for name, value in environment(settings, 1234).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings.model_copy(update={"metrics_port": 1234})


def test_a_free_port_can_be_had() -> None:
    assert free_port() != free_port()


@pytest.mark.stack
@pytest.mark.slow
def test_its_targets_are_itself_and_its_agents(supervised: Supervised) -> None:
    groups = json.loads(supervised.targets.read_text())
    assert [group["labels"] for group in groups] == [
        {"job": "tengerim", "space": supervised.settings.space, "process": process}
        for process in ("worker", "collect", "balance", "alarm")
    ]
    assert supervised.metric("worker", 'tengerim_worker_restarts_total{agent="collect"}') is not None
    assert supervised.metric("collect", 'tengerim_partitions{agent="collect"}') == 2
    assert supervised.metric("balance", 'tengerim_partitions{agent="balance"}') == 1
    assert supervised.metric("alarm", 'tengerim_partitions{agent="alarm"}') == 1


@pytest.mark.stack
@pytest.mark.slow
def test_the_targets_of_a_worker_that_was_killed_are_forgotten(supervised: Supervised) -> None:
    assert not list(supervised.targets.parent.glob("gone-*"))


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.parametrize("agent", AGENTS)
def test_an_agent_that_dies_is_started_again(supervised: Supervised, agent: str) -> None:
    name = f'tengerim_worker_restarts_total{{agent="{agent}"}}'
    before, restarts = supervised.agents(), supervised.metric("worker", name)
    assert restarts is not None
    os.kill(before[agent], signal.SIGKILL)
    wait_until(lambda: supervised.agents().get(agent, before[agent]) != before[agent])
    wait_until(lambda: supervised.metric(agent, f'tengerim_partitions{{agent="{agent}"}}') is not None)
    after = supervised.agents()
    assert sorted(after) == AGENTS
    assert {other for other in AGENTS if after[other] == before[other]} == set(AGENTS) - {agent}
    assert supervised.metric("worker", name) == restarts + 1
    assert supervised.tries(agent) == {1}
    assert f"an agent died and is started again agent={agent} in_s=0.2 status=-9" in supervised.running.said()


@pytest.mark.stack
@pytest.mark.slow
def test_agents_end_with_a_worker_that_is_killed(settings: Settings, tmp_path: Path) -> None:
    with running_worker(environment(settings, 0), tmp_path / "log") as running:
        supervised = Supervised(running, settings)
        pids = supervised.agents().values()
        running.stop(signal.SIGKILL)
    assert len(pids) == len(AGENTS)
    wait_until(lambda: not any(is_alive(pid) for pid in pids))
    assert not any(is_alive(pid) for pid in pids)
    supervised.targets.unlink()


@pytest.mark.stack
@pytest.mark.slow
def test_a_worker_stops_at_once_while_an_agent_waits_to_be_started_again(settings: Settings, tmp_path: Path) -> None:
    with running_worker(environment(settings, 0), tmp_path / "log") as running:
        supervised = Supervised(running, settings)
        for _ in range(2):
            pid = supervised.agents()["balance"]
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda pid=pid: supervised.agents().get("balance", pid) != pid)  # type: ignore[misc]
        status, seconds = running.stop()
    assert status == 0
    assert seconds < 10


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
