"""The cases of `cases/`, each played on the real Kafka and the real database."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from connectors.database import connect
from infra.stack.stack import Addresses
from schemas.settings import Settings
from tests.scenario.case import CASES, Case, all_cases
from tests.scenario.pipeline import Agents, Worker, made, settings_of

pytestmark = pytest.mark.stack

PARTITIONS = 2
# From end to end through a worker; the others through its agents alone.
THROUGH_A_WORKER = ("channel-moves-to-another-unit", "late-hand-over", "plain-hour", "unknown-channel-registered-later")


@pytest.fixture
def settings(home: Path, stack: Addresses, space: str) -> Settings:
    return settings_of(home, stack, space, PARTITIONS)


@pytest.fixture
def archive(settings: Settings) -> Iterator[psycopg.Connection]:
    with made(settings) as url, closing(connect(url)) as connection:
        yield connection


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.folder.name)
def test_case(case: Case, settings: Settings, archive: psycopg.Connection) -> None:
    with Agents(settings) as agents:
        case.play(archive, agents, stepwise=True)
    assert case.differences(archive) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", THROUGH_A_WORKER)
def test_case_through_a_worker(name: str, settings: Settings, archive: psycopg.Connection, tmp_path: Path) -> None:
    case = Case(CASES / name)
    with Worker(settings, tmp_path / "worker.log") as worker:
        case.play(archive, worker, stepwise=False)
    assert case.differences(archive) == []


def test_every_case_says_what_is_given_when_and_then() -> None:
    for case in all_cases():
        words = re.findall(r"^\*\*(\w+)\*\*", (case.folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
        assert words == ["Given", "When", "Then"], case.folder.name


def test_every_case_stands_in_the_list() -> None:
    listed = re.findall(r"^\| \[([a-z0-9-]+)\]", (CASES / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == [case.folder.name for case in all_cases()]
