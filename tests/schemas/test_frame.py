"""Tests of schemas.frame."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.frame import INT64, Frame, Tick

SLICE = {"start": "2026-03-02T00:00:00Z", "channels": ["E1/01", "E1/02"], "wh": [5, None], "status": [0, 1]}
FRAME = {"dctu": "D1", "seq": 7, "sent_at": "2026-03-02T05:16:00+05:00", "slices": [SLICE]}


def frame(**changed: Any) -> Frame:
    return Frame.model_validate(FRAME | changed)


def of_slice(**changed: Any) -> Frame:
    return frame(slices=[SLICE | changed])


def test_a_frame_is_read_as_it_was_sent() -> None:
    read = frame()
    assert read.sent_at == datetime(2026, 3, 2, 0, 16, tzinfo=UTC)
    assert read.slices[0].wh == [5, None]


def test_a_frame_survives_the_wire() -> None:
    assert Frame.model_validate_json(frame().model_dump_json()) == frame()


def test_a_frame_may_hold_nothing_and_any_int64() -> None:
    assert frame(slices=[]).slices == []
    assert of_slice(wh=[INT64, -INT64 - 1]).slices[0].wh == [INT64, -INT64 - 1]


@pytest.mark.parametrize(
    "changed",
    [
        {"dctu": ""},
        {"dctu": "D 1"},
        {"dctu": "D" * 65},
        {"dctu": 1},
        {"seq": -1},
        {"seq": 2**63},
        {"seq": "7"},
        {"seq": 7.0},
        {"sent_at": "2026-03-02T00:16:00"},
        {"sent_at": "soon"},
        {"slices": None},
        {"slices": {}},
        {"more": 1},
    ],
)
def test_a_frame_that_cannot_be_understood_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        frame(**changed)


@pytest.mark.parametrize("missing", sorted(FRAME))
def test_a_frame_without_a_part_is_refused(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        Frame.model_validate({name: value for name, value in FRAME.items() if name != missing})


@pytest.mark.parametrize(
    "changed",
    [
        {"start": "2026-03-02T00:00:00"},
        {"channels": [1, 2]},
        {"wh": [5, 2**63]},
        {"wh": [5, -(2**63) - 1]},
        {"wh": [5, 1.5]},
        {"wh": [5, "6"]},
        {"wh": [5, True]},
        {"status": [0, None]},
        {"status": [0, "1"]},
        {"more": []},
    ],
)
def test_a_slice_that_cannot_be_understood_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        of_slice(**changed)


@pytest.mark.parametrize("changed", [{"channels": ["E1/01"]}, {"wh": [5]}, {"status": [0, 1, 0]}])
def test_a_ragged_slice_is_refused_with_its_lengths(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="must be of one length, not "):
        of_slice(**changed)


def test_a_tick_is_an_instant() -> None:
    assert Tick.model_validate_json('{"now":"2026-03-02T05:00:00+05:00"}').now == datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize("message", ["{}", '{"now":null}', '{"now":"2026-03-02T00:00:00"}', '{"now":"x","then":1}'])
def test_what_is_no_instant_is_no_tick(message: str) -> None:
    with pytest.raises(ValidationError):
        Tick.model_validate_json(message)
