"""Tests of streams.plain: it must come to nothing else than validation and comparison do."""

import functools
import itertools
import operator
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.time import FIRST_SLOT, LAST_SLOT
from streams import batch
from streams.batch import Rules, Writes
from streams.matrix import Block
from streams.plain import PlainCells, enter
from tests.streams.making import MINUTE, NOON, Channel, Ints, Part, arrival, at, message, registry, tick, us

RING = 4
RULES = Rules(1, 5 * MINUTE, 5 * MINUTE, RING)
REGISTRY = registry(
    Channel("A", 1, max_wh=10), Channel("B", 2, -1, max_wh=10), Channel("G", 1, end=NOON, max_wh=10),
    Channel("O", dctu="D2", max_wh=10),
)  # fmt: skip


def a_block() -> Block:
    found = REGISTRY.layout("D1")
    assert found is not None
    return Block(found, RING, NOON)


def enters(raw: bytes, into: Block | None = None) -> bool:
    cells = PlainCells()
    entered = enter(cells, REGISTRY, into or a_block(), arrival(raw, time_us=us(NOON, 20)), RULES.grace_us)
    assert (entered is None) == (not cells.versions() and entered != [])
    return entered is not None


def test_a_plain_frame_enters_as_it_is() -> None:
    cells, block = PlainCells(), a_block()
    raw = message(Part(NOON, [("B", 3), ("A", 2)]), Part(NOON - 1, [("A", 1)]), seq=7)
    entered = enter(cells, REGISTRY, block, arrival(raw, time_us=us(NOON, 20)), RULES.grace_us)
    assert entered is not None
    assert [(e.rows.tolist(), e.slot, e.on_time) for e in entered] == [([1, 0], NOON, False), ([0], NOON - 1, False)]
    (versions,) = cells.versions()
    assert versions.channel_id.tolist() == [2, 1, 1]
    assert versions.wh.tolist() == [3, 2, 1]
    assert versions.ts_us.tolist() == [us(NOON), us(NOON), us(NOON - 1)]
    assert set(versions.seq.tolist()) == {7}
    assert set(versions.received_us.tolist()) == {us(NOON, 20)}
    assert block.present(NOON).tolist() == [True, True, False]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(message(Part(NOON, [("A", 11)])), id="over its maximum"),
        pytest.param(message(Part(NOON, [("A", -1)])), id="below zero"),
        pytest.param(message(Part(NOON, [("A", None, 1)])), id="without a value"),
        pytest.param(message(Part(NOON, [("A", 5, 1)])), id="suspect"),
        pytest.param(message(Part(NOON, [("A", 5), ("A", 5)])), id="a channel twice"),
        pytest.param(message(Part(NOON, [("A", 5)]), Part(NOON, [("B", 5)])), id="an interval twice"),
        pytest.param(message(Part(NOON, [("A", 5), ("Z", 5)])), id="an unknown channel"),
        pytest.param(message(Part(NOON, [("A", 5), ("O", 5)])), id="a channel of another DCTU"),
        pytest.param(message(Part(NOON, [("G", 5)])), id="a channel that is gone"),
        pytest.param(message(Part(NOON - RING, [("A", 5)])), id="older than the ring"),
        pytest.param(message(Part(NOON + 9, [("A", 5)]), Part(NOON, [("B", 5)])), id="wider than the ring"),
        pytest.param(message(Part(NOON, [("A", 5)]), sent=at(NOON, 14)), id="sent too early"),
        pytest.param(message(Part(NOON, [])), id="an empty slice"),
        pytest.param(message(Part(NOON, [("A", 5)])).replace(b"12:00:00", b"12:00:01"), id="beside the grid"),
        pytest.param(message(Part(LAST_SLOT, [("A", 5)]), sent=at(LAST_SLOT, 60)), id="after the calendar"),
        pytest.param(message(Part(FIRST_SLOT - 1, [("A", 5)])), id="before the calendar"),
    ],
)  # fmt: skip
def test_what_is_not_plain_changes_nothing(raw: bytes) -> None:
    block = a_block()
    before = block.mark.copy(), block.wh.copy(), block.newest
    assert not enters(raw, block)
    assert (block.mark == before[0]).all()
    assert (block.wh == before[1]).all()
    assert block.newest == before[2]


def test_a_filled_cell_is_left_to_comparison() -> None:
    block = a_block()
    assert enters(message(Part(NOON, [("A", 5)])), block)
    assert not enters(message(Part(NOON, [("A", 5)])), block)
    assert enters(message(Part(NOON, [("B", 5)])), block)


READING = st.tuples(st.sampled_from(["A", "B", "A", "B", "G", "O"]), st.sampled_from([1, 2, 10, 1, 2, 10, 11, None]))
PARTS = st.lists(
    st.builds(Part, st.integers(NOON - 2, NOON + 2), st.lists(READING, min_size=1, max_size=2)), max_size=3
)
FRAMES = st.builds(
    lambda parts, seq, late: message(*parts, seq=seq, sent=at(max((p.slot for p in parts), default=NOON), 16 + late)),
    PARTS, st.integers(1, 2), st.sampled_from([0, 60]),
)  # fmt: skip
TICKS = st.integers(1, 6).map(lambda minutes: tick(NOON, 15 * minutes))


@contextmanager
def without_plain() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "enter", lambda *_: None)
        yield


def compute(messages: list[bytes], cut: int) -> tuple[Block, list[tuple[object, ...]]]:
    """The block after two batches, and what each of them writes."""
    found = REGISTRY.layout("D1"), REGISTRY.layout("D2")
    assert found[0] is not None
    assert found[1] is not None
    # Long enough that nothing leaves it: what does goes another way to the same end.
    block = Block(found[0], 3 * RING, NOON)
    rules = Rules(1, RULES.grace_us, us(96), 3 * RING)
    times: dict[int, int | None] = {0: us(NOON)}
    outcome = []
    for first, end in ((0, cut), (cut, len(messages))):
        stream = [(0, first + i, raw) for i, raw in enumerate(messages[first:end])]
        sorted_ = batch.sort_messages(stream, times, REGISTRY, rules)
        deadlines = batch.deadlines_of(sorted_, times, {}, rules)
        blocks = {"D1": block, "D2": Block(found[1], 3 * RING, NOON)}
        writes = batch.compute(sorted_, deadlines, REGISTRY, blocks, {"D1"}, rules)
        times |= sorted_.times
        outcome.append(described(writes, blocks))
    return block, outcome


def described(writes: Writes, blocks: dict[str, Block]) -> tuple[object, ...]:
    """Versions, whichever way they go; partial sums; what is left to the archive; fillings of cells."""
    versions = [
        version for v in (*writes.new, *itertools.chain(*writes.staged.values())) for version in rows_of(v.columns())
    ]
    gaps = [writes.gaps[dctu] for dctu in sorted(writes.gaps)]
    fillings = [rows_of([row, slot, position]) for gap in gaps for row, slot, position in zip(
        gap.row, gap.slot, gap.position, strict=True)]  # fmt: skip
    partials = rows_of(writes.partials(blocks).columns())
    assert len(set(versions)) == len(versions)
    return set(versions), sorted(partials), writes.cold, sorted(functools.reduce(operator.iadd, fillings, []))


def rows_of(columns: list[Ints]) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in columns), strict=True))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(FRAMES, FRAMES, TICKS), min_size=1, max_size=6), st.data())
def test_plain_frames_end_in_the_same_archive_as_when_they_are_compared(
    messages: list[bytes], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(messages)))
    block, outcome = compute(messages, cut)
    with without_plain():
        compared_block, compared_outcome = compute(messages, cut)
    for slot in range(block.oldest, block.newest + 1):
        assert block.newest == compared_block.newest
        for look in (Block.present, Block.on_time, Block.declared):
            assert (look(block, slot) == look(compared_block, slot)).all()
        rows = np.arange(3)
        for mine, compared in zip(
            block.versions(rows, np.full(3, slot)), compared_block.versions(rows, np.full(3, slot)), strict=True
        ):
            assert (mine[block.present(slot)] == compared[block.present(slot)]).all()
    assert outcome == compared_outcome
