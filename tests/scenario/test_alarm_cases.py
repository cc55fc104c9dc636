"""The cases of alarms, each played on the real Kafka and the real database."""

import psycopg
import pytest

from schemas.settings import Settings
from tests.scenario.case import Case, all_cases
from tests.scenario.pipeline import Agents

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("case", all_cases(alarms=True), ids=lambda case: case.folder.name)
def test_case(case: Case, settings: Settings, archive: psycopg.Connection) -> None:
    with Agents(settings) as agents:
        case.play(archive, agents, stepwise=True)
    assert case.differences(archive) == []
