"""Tests of streams.matrix."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.quality import Quality
from streams.matrix import Block, Stored
from tests.streams.making import MINUTE, NOON, Ints, block, us

MEASURED = int(Quality.MEASURED)
GRACE = 5 * MINUTE


def ints(*values: int) -> Ints:
    return np.array(values, np.int64)


def put(to: Block, row: int, slot: int, wh: int, *, sent: int = 0, seq: int = 0, on_time: bool = True) -> None:
    stamp = to.add_stamps(ints(0), ints(sent), ints(seq))
    to.put(ints(row), ints(slot), ints(wh), ints(MEASURED), stamp, np.array([on_time]))


def version(of: Block, row: int, slot: int) -> tuple[int, ...]:
    return tuple(int(column[0]) for column in of.versions(ints(row), ints(slot)))


def test_a_new_block_is_empty() -> None:
    empty = block(3, 4)
    for slot in range(NOON - 3, NOON + 1):
        assert not empty.present(slot).any()
        assert not empty.declared(slot).any()
        assert not empty.on_time(slot).any()


def test_a_cell_holds_its_version() -> None:
    cells = block()
    put(cells, 1, NOON, -7, sent=123, seq=2**62)
    assert version(cells, 1, NOON) == (0, 123, 2**62, MEASURED, -7)
    assert cells.present(NOON).tolist() == [False, True]


def test_the_ring_ends_with_the_newest_interval() -> None:
    cells = block(ring=8)
    assert (cells.oldest, cells.newest) == (NOON - 7, NOON)
    cells.advance(NOON + 3)
    assert (cells.oldest, cells.newest) == (NOON - 4, NOON + 3)


@pytest.mark.parametrize("steps", [1, 7, 8, 9, 1000])
def test_what_falls_out_of_the_ring_is_forgotten(steps: int) -> None:
    cells = block(ring=8)
    for slot in range(NOON - 7, NOON + 1):
        put(cells, 0, slot, slot)
        cells.declare(ints(1), ints(slot))
    cells.advance(NOON + steps)
    for slot in range(cells.oldest, cells.newest + 1):
        kept = slot <= NOON
        assert cells.present(slot).tolist() == [kept, False]
        assert cells.declared(slot).tolist() == [False, kept]
        assert not kept or version(cells, 0, slot)[4] == slot


def test_a_block_never_moves_back() -> None:
    cells = block()
    put(cells, 0, NOON, 1)
    cells.advance(NOON - 5)
    assert cells.newest == NOON
    assert cells.present(NOON)[0]


def test_the_first_arrival_decides_what_was_on_time() -> None:
    cells = block()
    put(cells, 0, NOON, 1, on_time=True)
    put(cells, 0, NOON, 2, on_time=False)
    put(cells, 1, NOON, 1, on_time=False)
    put(cells, 1, NOON, 2, on_time=True)
    assert cells.on_time(NOON).tolist() == [True, False]


def test_a_declared_cell_stays_declared_when_it_is_filled() -> None:
    cells = block()
    cells.declare(ints(0), ints(NOON))
    assert not cells.present(NOON)[0]
    put(cells, 0, NOON, 1)
    assert cells.declared(NOON)[0]
    assert cells.present(NOON)[0]


def test_a_block_loads_what_lies_within_its_ring() -> None:
    cells = block(ring=4)
    stored = Stored(
        ints(1, 2, 1, 1), ints(NOON, NOON, NOON - 3, NOON - 4), ints(5, 6, 7, 8), ints(4, 2, 4, 4), ints(0, 0, 0, 0),
        ints(11, 12, 11, 11), ints(1, 1, 1, 1), ints(us(NOON, 20) - 1, us(NOON, 20), us(NOON), us(NOON)),
    )  # fmt: skip
    cells.load(stored, GRACE)
    assert version(cells, 0, NOON) == (0, 11, 1, 4, 5)
    assert version(cells, 1, NOON) == (0, 12, 1, 2, 6)
    assert version(cells, 0, NOON - 3)[4] == 7
    assert cells.on_time(NOON).tolist() == [True, False]
    assert [int(cells.present(slot).sum()) for slot in range(NOON - 3, NOON + 1)] == [1, 0, 0, 2]


def test_a_block_of_a_hundred_channels_takes_thirteen_bytes_a_cell() -> None:
    cells = block(100, 104)
    fill_for(cells, 104, frames=1)
    assert cells.nbytes <= 13 * 100 * 104


def test_with_a_correction_of_every_frame_it_takes_hardly_more() -> None:
    cells = block(100, 104)
    fill_for(cells, 104, frames=3)
    assert cells.nbytes <= 13.5 * 100 * 104


def test_memory_is_flat_over_thousands_of_intervals() -> None:
    cells = block(100, 104)
    fill_for(cells, 200, frames=3)
    after_two_days = cells.nbytes
    most = 0
    for _ in range(30):
        fill_for(cells, 100, frames=3)
        most = max(most, cells.nbytes)
    assert most <= after_two_days * 1.05


def fill_for(cells: Block, intervals: int, *, frames: int) -> None:
    """Every channel of every interval, brought by several frames that correct one another."""
    rows = np.arange(len(cells.layout.channel_id))
    for slot in range(cells.newest + 1, cells.newest + 1 + intervals):
        cells.advance(slot)
        for frame in range(frames):
            stamp = np.repeat(cells.add_stamps(ints(0), ints(us(slot) + frame), ints(slot)), len(rows))
            slots, quality = np.full(len(rows), slot), np.full(len(rows), MEASURED)
            cells.put(rows, slots, rows + frame, quality, stamp, np.ones(len(rows), np.bool_))


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 2), st.integers(0, 5), st.integers(-(2**63), 2**63 - 1)),
        st.tuples(st.just("advance"), st.integers(1, 8)),
        st.tuples(st.just("declare"), st.integers(0, 2), st.integers(0, 5)),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(ACTIONS)
def test_a_block_remembers_like_a_table(actions: list[tuple[str, *tuple[int, ...]]]) -> None:
    cells = block(3, 6)
    table: dict[tuple[int, int], tuple[int, int, int]] = {}
    declared: set[tuple[int, int]] = set()
    for number, (action, *rest) in enumerate(actions):
        if action == "advance":
            cells.advance(cells.newest + rest[0])
        elif action == "declare":
            declared.add((rest[0], cells.newest - rest[1]))
            cells.declare(ints(rest[0]), ints(cells.newest - rest[1]))
        else:
            put(cells, rest[0], cells.newest - rest[1], rest[2], sent=number, seq=-number)
            table[rest[0], cells.newest - rest[1]] = (number, -number, rest[2])
    for slot in range(cells.oldest, cells.newest + 1):
        assert np.flatnonzero(cells.present(slot)).tolist() == [row for row in range(3) if (row, slot) in table]
        assert np.flatnonzero(cells.declared(slot)).tolist() == [row for row in range(3) if (row, slot) in declared]
        for row in np.flatnonzero(cells.present(slot)).tolist():
            sent, seq, wh = table[row, slot]
            assert version(cells, row, slot) == (0, sent, seq, MEASURED, wh)
