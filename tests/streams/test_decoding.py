"""Tests of streams.decoding."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.frame import Frame, Tick
from schemas.time import to_us
from streams.decoding import FrameColumns, Malformed, TickSeen, decode
from streams.incoming import unreadable
from tests.streams.making import Channel, registry
from tests.thorough import examples

REGISTRY = registry(Channel("E1/01"))
FRAME = {
    "dctu": "D1",
    "seq": 7,
    "sent_at": "2026-03-02T00:20:00Z",
    "slices": [{"start": "2026-03-02T00:00:00Z", "channels": ["E1/01", "E1/02"], "wh": [5, None], "status": [0, 1]}],
}
TEXT = json.dumps(FRAME)
NESTED = "[" * 100_000


def with_slice(**changed: Any) -> bytes:
    return json.dumps(FRAME | {"slices": [FRAME["slices"][0] | changed]}).encode()  # type: ignore[index]


def with_text(old: str, new: str) -> bytes:
    assert old in TEXT
    return TEXT.replace(old, new, 1).encode()


def read(message: bytes) -> Frame | Tick | str:
    """What `decode`, and the look at its channels, make of a message; a problem as its text."""
    match decode(message):
        case Malformed(problem):
            return problem
        case TickSeen(now_us):
            return Tick(now=datetime.fromtimestamp(0, UTC) + timedelta(microseconds=now_us))
        case FrameColumns() as frame:
            if unread := unreadable(REGISTRY, frame):
                return unread
            return plain(frame)


def plain(frame: FrameColumns) -> Frame:
    slices = []
    for part in frame.slices:
        has_value = np.ones(len(part.wh), np.bool_) if part.has_value is None else part.has_value
        wh = [value if has else None for value, has in zip(part.wh.tolist(), has_value.tolist(), strict=True)]
        start = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=part.start_us)
        slices.append({"start": start, "channels": part.codes(), "wh": wh, "status": part.status.tolist()})
    sent_at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=frame.sent_us)
    return Frame.model_validate({"dctu": frame.dctu, "seq": frame.seq, "sent_at": sent_at, "slices": slices})


def by_the_models(message: bytes) -> Frame | Tick | None:
    """What the models that specify the messages make of one; None: they refuse it, or it lies outside the calendar."""
    for model in (Frame, Tick):
        try:
            found = model.model_validate_json(message, strict=True)
        except ValidationError:
            continue
        instants = [found.now] if isinstance(found, Tick) else [found.sent_at, *(part.start for part in found.slices)]
        try:
            assert [instant.astimezone(UTC) for instant in instants]
        except OverflowError:
            return None
        return found
    return None


def test_a_frame_comes_as_columns() -> None:
    frame = decode(TEXT.encode())
    assert isinstance(frame, FrameColumns)
    assert (frame.dctu, frame.seq, frame.sent_us) == ("D1", 7, to_us(datetime(2026, 3, 2, 0, 20, tzinfo=UTC)))
    (part,) = frame.slices
    assert part.codes() == ["E1/01", "E1/02"]
    assert part.wh.tolist() == [5, 0]
    assert part.has_value is not None
    assert part.has_value.tolist() == [True, False]
    assert part.status.tolist() == [0, 1]


def test_a_frame_without_empty_values_needs_no_mask() -> None:
    frame = decode(with_slice(wh=[1, 2]))
    assert isinstance(frame, FrameColumns)
    assert frame.slices[0].has_value is None


@pytest.mark.parametrize("text", ['{"now":"2026-03-02T05:00:00+05:00"}', ' {\n"now" : "2026-03-02T00:00Z" } '])
def test_a_tick_is_read_however_it_is_written(text: str) -> None:
    assert decode(text.encode()) == TickSeen(to_us(datetime(2026, 3, 2, tzinfo=UTC)))


def test_a_dctu_of_the_name_now_is_no_tick() -> None:
    message = with_text('"D1"', '"now"').replace(b"00:20:00Z", b"00:20Z")
    assert isinstance(decode(message), FrameColumns)


def test_instants_may_be_of_any_offset() -> None:
    here = decode(with_text("2026-03-02T00:20:00Z", "2026-03-02T05:20:00+05:00"))
    assert here.sent_us == decode(TEXT.encode()).sent_us  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"frame"', id="text"),
        pytest.param(TEXT.encode()[:-1], id="cut off"),
        pytest.param(TEXT.encode() + b"x", id="more behind it"),
        pytest.param(b"\xef\xbb\xbf" + TEXT.encode(), id="byte order mark"),
        pytest.param(TEXT.encode("utf-16"), id="UTF-16"),
        pytest.param(TEXT.encode().replace(b"D1", b"\xff"), id="DCTU not UTF-8"),
        pytest.param(TEXT.encode().replace(b"E1/01", b"\xff"), id="channel not UTF-8"),
        pytest.param(TEXT.encode().replace(b"E1/01", b"\x01"), id="control character"),
        pytest.param(with_text('"E1/01"', r'"\ud800"'), id="half a surrogate pair"),
        pytest.param(with_text('"E1/01"', r'"\x"'), id="bad escape"),
        pytest.param(with_text('"D1"', r'"D1\n"'), id="DCTU with a line feed"),
        pytest.param(with_text('"D1"', '""'), id="no DCTU"),
        pytest.param(with_text('"D1"', '"D 1"'), id="DCTU with a blank"),
        pytest.param(with_text('"D1"', f'"{"D" * 65}"'), id="DCTU too long"),
        pytest.param(with_text("7", "-1"), id="seq below zero"),
        pytest.param(with_text("7", "9223372036854775808"), id="seq too large"),
        pytest.param(with_text("7", "true"), id="seq a boolean"),
        pytest.param(with_text("7", "7.0"), id="seq a float"),
        pytest.param(with_text("00:20:00Z", "00:20:00"), id="sent_at without an offset"),
        pytest.param(with_text("2026-03-02T00:20:00Z", "0001-01-01T00:00:00+05:00"), id="sent_at before the year 1"),
        pytest.param(with_text("2026-03-02T00:20:00Z", "9999-12-31T23:59:59-05:00"), id="sent_at after the year 9999"),
        pytest.param(with_text("2026-03-02T00:00:00Z", "0001-01-01T00:00:00+05:00"), id="start before the year 1"),
        pytest.param(with_text("2026-03-02T00:00:00Z", "2026-02-30T00:00:00Z"), id="no such day"),
        pytest.param(with_text("2026-03-02T00:00:00Z", "2026-03-02T24:00:00Z"), id="hour 24"),
        pytest.param(with_text("[5, null]", "[5.5, null]"), id="Wh a fraction"),
        pytest.param(with_text("[5, null]", "[5.0, null]"), id="Wh a float"),
        pytest.param(with_text("[5, null]", "[5e3, null]"), id="Wh with an exponent"),
        pytest.param(with_text("[5, null]", "[NaN, null]"), id="Wh not a number"),
        pytest.param(with_text("[5, null]", "[Infinity, null]"), id="Wh infinite"),
        pytest.param(with_text("[5, null]", '["5", null]'), id="Wh text"),
        pytest.param(with_text("[5, null]", "[true, null]"), id="Wh a boolean"),
        pytest.param(with_text("[5, null]", "[9223372036854775808, null]"), id="Wh too large"),
        pytest.param(with_text("[5, null]", f"[{'9' * 5000}, null]"), id="Wh of 5000 digits"),
        pytest.param(with_text("[0, 1]", "[0, null]"), id="status null"),
        pytest.param(with_text("[0, 1]", "[0, 9223372036854775808]"), id="status too large"),
        pytest.param(with_text("[0, 1]", "[0, 1.0]"), id="status a float"),
        pytest.param(with_slice(wh=[5]), id="fewer values than channels"),
        pytest.param(with_slice(status=[0]), id="fewer status than channels"),
        pytest.param(with_slice(channels=["E1/01"]), id="fewer channels than values"),
        pytest.param(with_slice(channels={"a": 1}), id="channels no list"),
        pytest.param(with_slice(channels=[1, 2]), id="channels no text"),
        pytest.param(with_slice(channels=None), id="channels null"),
        pytest.param(with_text('["E1/01", "E1/02"]', NESTED + "]" * 100_000), id="deeply nested channels"),
        pytest.param(with_text("[0, 1]", NESTED + "]" * 100_000), id="deeply nested status"),
        pytest.param(with_text("[5, null]", NESTED + "]" * 100_000), id="deeply nested Wh"),
        pytest.param(NESTED.encode(), id="deeply nested and never closed"),
        pytest.param(b'{"now":' + NESTED.encode(), id="a deeply nested tick"),
        pytest.param(with_text('"seq"', '"more": 1, "seq"'), id="an unknown field"),
        pytest.param(with_slice(more=1), id="an unknown field of a slice"),
        pytest.param(b'{"now":"2026-03-02T00:00:00Z","dctu":"D1"}', id="a tick with more in it"),
        pytest.param(b'{"now":"2026-03-02T00:00:00"}', id="a tick without an offset"),
        pytest.param(b'{"now":null}', id="an empty tick"),
        pytest.param(b'{"now":"9999-12-31T23:59:59-05:00"}', id="a tick after the year 9999"),
    ],
)
def test_what_is_neither_a_frame_nor_a_tick_is_told_in_words(message: bytes) -> None:
    problem = read(message)
    assert isinstance(problem, str)
    assert problem
    assert by_the_models(message) is None


@pytest.mark.parametrize("name", sorted(FRAME))
def test_a_frame_without_a_part_is_malformed(name: str) -> None:
    message = json.dumps({key: value for key, value in FRAME.items() if key != name}).encode()
    assert decode(message) == Malformed(f"{name}: Field required")


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(with_text('"D1"', r'"D\u0000"'), id="NUL in the DCTU"),
        pytest.param(with_text('"E1/01"', r'"\u0000"'), id="NUL in a channel"),
        pytest.param(with_text('"E1/01"', '""'), id="a channel without a name"),
        pytest.param(with_slice(wh=[-(2**63), 2**63 - 1], status=[-(2**63), 2**63 - 1]), id="any int64"),
        pytest.param(with_slice(channels=[], wh=[], status=[]), id="an empty slice"),
        pytest.param(with_text("2026-03-02T00:20:00Z", "2026-03-02 00:20:00.123456+0500"), id="looser ISO 8601"),
        pytest.param(b'{"dctu":"D9",' + TEXT.encode()[1:], id="a key twice: the last one counts"),
        pytest.param(b"  " + TEXT.encode() + b"\n", id="blanks around"),
    ],
)
def test_odd_frames_are_read_as_the_models_read_them(message: bytes) -> None:
    assert read(message) == by_the_models(message)


def test_a_frame_of_eight_megabytes_is_read() -> None:
    n = 500_000
    frame = decode(with_slice(channels=["E1/01"] * n, wh=[123] * n, status=[0] * n))
    assert isinstance(frame, FrameColumns)
    assert int(frame.slices[0].wh.sum()) == 123 * n


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(2**64), 2**64) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
INSTANTS = st.one_of(
    st.datetimes(
        timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=5)), timezone(-timedelta(hours=12))])
    ).map(datetime.isoformat),
    st.sampled_from(["2026-03-02T00:00Z", "2026-03-02 00:00:00Z", "2026-03-02t00:00:00z", "2026-03-02", "", "now"]),
)
CODES = st.text(max_size=3) | st.sampled_from(["D1", "D1\n", "\x1c", "\u00a0", "\u2028", "x" * 64, "x" * 65, "\0"])
SLICES = st.fixed_dictionaries(
    {
        "start": INSTANTS,
        "channels": st.lists(CODES, min_size=1, max_size=2),
        "wh": st.lists(st.integers(-(2**64), 2**64) | st.none() | JSON, min_size=1, max_size=2),
        "status": st.lists(st.integers(-1, 2) | JSON, min_size=1, max_size=2),
    },
    optional={"more": JSON},
)
ANY = st.one_of(
    st.fixed_dictionaries(
        {
            "dctu": CODES,
            "seq": st.integers(-1, 2**63) | JSON,
            "sent_at": INSTANTS | JSON,
            "slices": st.lists(SLICES, max_size=2) | JSON,
        },
        optional={"now": INSTANTS, "more": JSON},
    ),
    st.fixed_dictionaries({"now": INSTANTS | JSON}, optional={"more": JSON}),
    JSON,
)


@settings(max_examples=examples(600), deadline=None)
@given(ANY, st.sampled_from([None, 1]))
@example(FRAME | {"dctu": "now"}, 1)
def test_no_message_is_read_in_another_way_than_the_models_say(message: Any, indent: int | None) -> None:
    raw = json.dumps(message, indent=indent).encode()
    found, expected = read(raw), by_the_models(raw)
    assert expected is None if isinstance(found, str) else found == expected


@settings(max_examples=examples(600), deadline=None)
@given(st.data())
def test_damaged_messages_are_read_as_the_models_say_or_refused(data: st.DataObject) -> None:
    raw = bytearray(TEXT.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(("replace", "cut", "insert", "double"))):
            case "replace":
                raw[place] = data.draw(st.integers(0, 255))
            case "cut":
                del raw[place : place + data.draw(st.integers(1, 20))]
            case "insert":
                raw[place:place] = data.draw(
                    st.sampled_from([b'"', b",", b"}", b"]", b"0", b"\\u0000", b"\xff", b"null"])
                )
            case "double":
                raw[place:place] = raw[place : place + data.draw(st.integers(1, 40))]
        if not raw:
            break
    found, expected = read(bytes(raw)), by_the_models(bytes(raw))
    assert expected is None if isinstance(found, str) else found == expected
