"""The cases of `cases/`, each played on the real Kafka and the real database."""

import re
from pathlib import Path

import psycopg
import pytest

from schemas.settings import Settings
from tests.scenario.case import CASES, Case, all_cases
from tests.scenario.pipeline import Agents, Worker

pytestmark = pytest.mark.stack

# From end to end through a worker; the others through its agents alone.
THROUGH_A_WORKER = ("late-hand-over",)
# In `make e2e`.
THROUGH_IT_AS_WELL = ("channel-moves-to-another-unit", "plain-hour", "unknown-channel-registered-later")


@pytest.mark.parametrize("case", all_cases(alarms=False), ids=lambda case: case.folder.name)
def test_case(case: Case, settings: Settings, archive: psycopg.Connection) -> None:
    with Agents(settings) as agents:
        case.play(archive, agents, stepwise=True)
    assert case.differences(archive) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [*THROUGH_A_WORKER, *(pytest.param(name, marks=pytest.mark.e2e) for name in THROUGH_IT_AS_WELL)]
)
def test_case_through_a_worker(name: str, settings: Settings, archive: psycopg.Connection, tmp_path: Path) -> None:
    case = Case(CASES / name)
    with Worker(settings, tmp_path / "worker.log") as worker:
        case.play(archive, worker, stepwise=False)
    assert case.differences(archive) == []


def every_case() -> list[Case]:
    return sorted([*all_cases(alarms=False), *all_cases(alarms=True)], key=lambda case: case.folder.name)


def test_every_case_says_what_is_given_when_and_then() -> None:
    for case in every_case():
        words = re.findall(r"^\*\*(\w+)\*\*", (case.folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
        assert words == ["Given", "When", "Then"], case.folder.name


def test_every_case_stands_in_the_list() -> None:
    listed = re.findall(r"^\| \[([a-z0-9-]+)\]", (CASES / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == [case.folder.name for case in every_case()]
