"""Tests of schemas.event."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from schemas.event import EVENT, BalancesClosed, ConflictSeen, Event, GapChanged

MARCH = datetime(2026, 3, 2, tzinfo=UTC)
GAP = GapChanged(
    change="healed", dctu="D1", first_start=MARCH, last_end=MARCH, channels=4, declared=False, at=MARCH, late_by_s=90
)
EVENTS: list[Event] = [
    BalancesClosed(
        start=MARCH, newest=True, node_kind=["unit"], node=["UG"], imbalance_wh=[-(2**62)], completeness=[0.1]
    ),
    GAP,
    ConflictSeen(dctu="D1", channel="E1/01", start=MARCH, sent_at=MARCH, seq=7),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_an_event_survives_the_wire_as_what_it_was(event: Event) -> None:
    assert EVENT.validate_json(event.model_dump_json()) == event


@pytest.mark.parametrize("change", [{"change": "closed"}, {"at": "2026-03-02T00:00:00"}, {"kind": "hole"}, {"x": 1}])
def test_what_is_no_event_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EVENT.validate_python(GAP.model_dump() | change)
