"""Tests of streams.incoming."""

import pytest

from streams.incoming import gather, unreadable
from streams.registry import FOREIGN, UNKNOWN
from tests.streams.making import NOON, Channel, Part, arrival, message, registry, us

REGISTRY = registry(Channel("A"), Channel("B"), Channel("O", dctu="D2"))


def test_the_frames_of_a_batch_become_columns_of_readings() -> None:
    incoming = gather(
        REGISTRY,
        "D1",
        [
            arrival(message(Part(NOON, [("B", 1), ("A", None, 1)]), Part(NOON - 1, [("A", 3)])), 4),
            arrival(message(seq=2), 5),
            arrival(message(Part(NOON, [("O", 4), ("Z", 5)]), seq=3), 6),
        ],
    )
    assert incoming is not None
    assert incoming.row.tolist() == [1, 0, 0, FOREIGN, UNKNOWN]
    assert incoming.wh.tolist() == [1, 0, 3, 4, 5]
    assert incoming.has_value.tolist() == [True, False, True, True, True]
    assert incoming.status.tolist() == [0, 1, 0, 0, 0]
    assert incoming.slot.tolist() == [NOON, NOON, NOON - 1, NOON, NOON]
    assert incoming.frame.tolist() == [0, 0, 0, 2, 2]
    assert [incoming.channel(i) for i in range(5)] == ["B", "A", "A", "O", "Z"]
    assert [incoming.arrival(i).position for i in range(5)] == [4, 4, 4, 6, 6]


@pytest.mark.parametrize("frames", [[], [message()], [message(), message(seq=2)]])
def test_frames_without_slices_are_nothing(frames: list[bytes]) -> None:
    assert gather(REGISTRY, "D1", [arrival(frame) for frame in frames]) is None


def test_slices_without_readings_are_no_readings() -> None:
    incoming = gather(REGISTRY, "D1", [arrival(message(Part(NOON, []), Part(NOON, [])))])
    assert incoming is not None
    assert (len(incoming.row), len(incoming.slot), len(incoming.frame)) == (0, 0, 0)


def test_a_frame_comes_at_the_time_of_the_stream_or_before_any_at_the_senders() -> None:
    raw = message(Part(NOON, [("A", 1)]))
    assert arrival(raw, time_us=us(NOON, 99)).received_us == us(NOON, 99)
    assert arrival(raw).received_us == us(NOON, 16)


def test_a_readable_frame_has_no_problem() -> None:
    assert unreadable(REGISTRY, arrival(message(Part(NOON, [("A", 1)]), Part(NOON, []))).frame) is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b'["A"]', b"[1]", "slices.1.channels: Expected `str`, got `int` - at `$[0]`"),
        (b'["A"]', b'"A"', "slices.1.channels: Expected `array`, got `str`"),
        (b'["A"]', b"[]", "slices.1: 0 channels but 1 values"),
        (b'["A"]', b'["A","A"]', "slices.1: 2 channels but 1 values"),
        (b'["A"]', b'["\xff"]', "slices.1.channels: 'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_what_is_wrong_with_channels_is_told_with_their_place(old: bytes, new: bytes, problem: str) -> None:
    raw = message(Part(NOON, [("B", 1)]), Part(NOON, [("A", 1)])).replace(old, new)
    found = unreadable(REGISTRY, arrival(raw).frame)
    assert found is not None
    assert found.startswith(problem)
