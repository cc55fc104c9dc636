"""Tests of streams.comparison, beside a model in plain Python."""

from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.quality import Quality
from streams.comparison import Cells, Compared, compare_and_apply
from streams.matrix import Block
from tests.streams.making import NOON, block

MEASURED, SUSPECT = int(Quality.MEASURED), int(Quality.SUSPECT)
RING = 4


class Frame(NamedTuple):
    """A frame of one reading or more, where it stands in the stream."""

    sent: int
    seq: int
    on_time: bool
    readings: list[tuple[int, int, int, int]]  # row, slot, Wh, quality


def cells_of(frames: list[Frame]) -> Cells:
    rows = [
        (*reading, number, 10 * number, frame.on_time)
        for number, frame in enumerate(frames)
        for reading in frame.readings
    ]
    row, slot, wh, quality, frame, position, on_time = np.array(rows, np.int64).reshape(-1, 7).T
    sent = np.array([frame.sent for frame in frames], np.int64)
    seq = np.array([frame.seq for frame in frames], np.int64)
    return Cells(row, slot, wh, quality, frame, position, on_time.astype(np.bool_), sent, seq)


def compare(to: Block, *frames: Frame) -> Compared:
    return compare_and_apply(to, cells_of(list(frames)))


def frame(
    wh: int = 5, *, sent: int = 1, seq: int = 1, row: int = 0, slot: int = NOON, quality: int = MEASURED
) -> Frame:
    return Frame(sent, seq, True, [(row, slot, wh, quality)])


def held(of: Block, row: int = 0, slot: int = NOON) -> tuple[int, ...]:
    return tuple(int(column[0]) for column in of.versions(np.array([row]), np.array([slot])))[1:]


def test_a_value_of_an_empty_cell_is_fresh() -> None:
    cells = block(ring=RING)
    found = compare(cells, frame())
    assert (found.fresh.tolist(), found.staged.tolist(), found.duplicates) == ([0], [], 0)
    assert (found.filled_row.tolist(), found.filled_slot.tolist()) == ([0], [NOON])
    assert found.touched_slots.tolist() == [NOON]


def test_the_same_version_again_is_a_duplicate() -> None:
    cells = block(ring=RING)
    compare(cells, frame())
    found = compare(cells, frame(), frame())
    assert (len(found.fresh), len(found.staged), found.duplicates) == (0, 0, 2)
    assert not len(found.touched_slots)


def test_a_later_version_wins_and_the_database_decides() -> None:
    cells = block(ring=RING)
    compare(cells, frame(5))
    found = compare(cells, frame(6, sent=2))
    assert (len(found.fresh), found.staged.tolist(), found.touched_slots.tolist()) == (0, [0], [NOON])
    assert held(cells) == (2, 1, MEASURED, 6)
    assert not len(found.filled_row)


def test_an_earlier_version_is_kept_but_changes_nothing() -> None:
    cells = block(ring=RING)
    compare(cells, frame(6, sent=2))
    found = compare(cells, frame(5))
    assert (found.staged.tolist(), len(found.touched_slots)) == ([0], 0)
    assert held(cells) == (2, 1, MEASURED, 6)


def test_versions_are_compared_by_sending_then_number_then_quality_then_value() -> None:
    rising = [
        frame(9, sent=1, seq=9), frame(1, sent=2, seq=1, quality=SUSPECT), frame(2, sent=2, seq=1, quality=SUSPECT),
        frame(0, sent=2, seq=1), frame(1, sent=2, seq=1), frame(0, sent=2, seq=2, quality=SUSPECT),
    ]  # fmt: skip
    cells = block(ring=RING)
    for one in rising:
        compare(cells, one)
        assert held(cells) == (one.sent, one.seq, one.readings[0][3], one.readings[0][2])
    for one in rising[:-1]:
        assert not len(compare(cells, one).touched_slots)


def test_two_versions_of_an_empty_cell_in_one_batch_are_left_to_the_database() -> None:
    cells = block(ring=RING)
    found = compare(cells, frame(5), frame(6, sent=2))
    assert (len(found.fresh), sorted(found.staged.tolist())) == (0, [0, 1])
    assert held(cells)[-1] == 6
    assert found.filled_position.tolist() == [0]


def test_what_is_older_than_the_ring_is_cold() -> None:
    cells = block(ring=RING)
    found = compare(cells, frame(slot=NOON - RING), frame(slot=NOON - RING), frame(slot=NOON - RING + 1))
    assert (found.cold.tolist(), found.fresh.tolist(), found.duplicates) == ([0], [2], 1)


def test_a_correction_that_comes_late_leaves_the_cell_on_time() -> None:
    cells = block(ring=RING)
    compare(cells, frame())
    compare(cells, frame(6, sent=2)._replace(on_time=False))
    assert cells.on_time(NOON)[0]


def test_a_cell_is_on_time_if_any_of_its_first_versions_was() -> None:
    cells = block(ring=RING)
    compare(cells, frame(5, sent=1), frame(6, sent=2)._replace(on_time=False))
    assert cells.on_time(NOON)[0]


READING = st.tuples(
    st.integers(0, 1), st.integers(NOON - RING - 1, NOON), st.sampled_from([0, 1]), st.sampled_from([SUSPECT, MEASURED])
)
FRAMES = st.builds(Frame, st.integers(0, 1), st.integers(0, 1), st.booleans(), st.lists(READING, max_size=3))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(FRAMES, min_size=1, max_size=4), max_size=5))
def test_any_batches_come_to_what_a_set_of_versions_says(batches: list[list[Frame]]) -> None:
    cells = block(2, RING)
    known: dict[tuple[int, int], set[tuple[int, ...]]] = {}
    was_on_time: dict[tuple[int, int], bool] = {}
    # Time goes one way: what comes after a late frame is late, too.
    once_late = False
    for drawn in batches:
        batch = []
        for one in drawn:
            once_late |= not one.on_time
            batch.append(one._replace(on_time=not once_late))
        flat: list[tuple[tuple[int, int], tuple[int, ...], int, bool]] = [
            ((row, slot), (frame.sent, frame.seq, quality, wh), 10 * number, frame.on_time)
            for number, frame in enumerate(batch)
            for row, slot, wh, quality in frame.readings
        ]
        found = compare(cells, *batch)
        hot = [one for one in flat if one[0][1] >= cells.oldest]
        check_outcomes(found, flat, known)
        filled = {
            cell: min(position for c, _, position, _ in hot if c == cell) for cell, *_ in hot if cell not in known
        }
        assert dict(zip(zip(found.filled_row.tolist(), found.filled_slot.tolist(), strict=True),
                        found.filled_position.tolist(), strict=True)) == filled  # fmt: skip
        touched = set()
        for cell in {cell for cell, *_ in hot}:
            versions = {version for c, version, *_ in hot if c == cell}
            if cell not in known:
                was_on_time[cell] = any(on_time for c, _, _, on_time in hot if c == cell)
            if cell not in known or max(versions) > max(known[cell]):
                touched.add(cell[1])
            known[cell] = known.get(cell, set()) | versions
            assert held(cells, *cell) == max(known[cell])
            assert cells.on_time(cell[1])[cell[0]] == was_on_time[cell]
        assert set(found.touched_slots.tolist()) == touched


def check_outcomes(
    found: Compared,
    flat: list[tuple[tuple[int, int], tuple[int, ...], int, bool]],
    known: dict[tuple[int, int], set[tuple[int, ...]]],
) -> None:
    """Every distinct version goes one way, once: straight in, to the database's decision, or nowhere."""
    oldest = NOON - RING + 1
    went = [flat[i][:2] for i in (*found.fresh, *found.staged, *found.cold)]
    assert len(set(went)) == len(went)
    assert found.duplicates == len(flat) - len(went)
    in_batch = {cell: {version for c, version, *_ in flat if c == cell} for cell, *_ in flat}
    for cell, versions in in_batch.items():
        ways = {
            "fresh": {flat[i][1] for i in found.fresh if flat[i][0] == cell},
            "staged": {flat[i][1] for i in found.staged if flat[i][0] == cell},
            "cold": {flat[i][1] for i in found.cold if flat[i][0] == cell},
        }
        way = "cold" if cell[1] < oldest else "fresh" if cell not in known and len(versions) == 1 else "staged"
        current = {max(known[cell])} if cell in known and way == "staged" else set()
        assert ways == {"fresh": set(), "staged": set(), "cold": set()} | {way: versions - current}
