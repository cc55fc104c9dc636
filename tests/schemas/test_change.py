"""Tests of schemas.change."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from schemas.change import CHANGE, Change, PartialsChanged, RegistryChanged, ScheduleChanged, TimePassed

MARCH = datetime(2026, 3, 2, tzinfo=UTC)
CHANGES: list[Change] = [
    PartialsChanged(units={MARCH: ["UG", "UC"]}),
    TimePassed(partition=3, until=MARCH),
    ScheduleChanged(units=["UG"], first_hour=MARCH, last_hour=MARCH),
    RegistryChanged(version=2),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.kind)
def test_a_change_survives_the_wire_as_what_it_was(change: Change) -> None:
    assert CHANGE.validate_json(change.model_dump_json()) == change


@pytest.mark.parametrize(
    "message",
    [
        '{"version":2}',
        '{"kind":"weather","version":2}',
        '{"kind":"registry"}',
        '{"kind":"registry","version":2,"x":1}',
        '{"kind":"partials","units":{"2026-03-02T00:00:00":["UG"]}}',
    ],
)
def test_what_is_no_change_is_refused(message: str) -> None:
    with pytest.raises(ValidationError):
        CHANGE.validate_json(message)
