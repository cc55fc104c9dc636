"""Gaps of the DCTUs of a batch: what `gaps.judge` needs, from the matrix and, for what is older, from the archive."""

from datetime import datetime

import numpy as np
import psycopg

from connectors import gaps as stored
from schemas.time import slot_of, slot_start
from streams.batch import GapInput
from streams.gaps import BEFORE, NEVER, Column, Gap, GapChange, judge
from streams.matrix import Block

_MISSING = Column(np.ones(1, np.bool_), np.full(1, NEVER, np.int64), np.zeros(1, np.bool_))


async def keep(
    cursor: psycopg.AsyncCursor, block: Block, open_gaps: list[Gap], given: GapInput, times: dict[int, int], now_us: int
) -> list[GapChange]:
    """Judge one DCTU's gaps and write those that changed.

    `times` gives the stream's time by position; `now_us` stands for positions it does not have. The partial sums of
    what is older than the ring must have been written before.
    """
    if not open_gaps and not given.deadlines:
        return []
    columns = _recent(block, open_gaps, given)
    older = await _older(cursor, block, open_gaps, given)
    await _date_fillings(cursor, block, open_gaps, older, times)
    columns |= older
    before = [(gap, gap.declared) for gap in open_gaps]
    changes = [
        change._replace(at_us=times.get(change.at_us, now_us)) if change.kind == "healed" else change
        for change in judge(open_gaps, given.deadlines, columns)
    ]
    for change in changes:
        if change.kind == "healed":
            change.gap.healed_us = change.at_us
    changed = {id(change.gap): change.gap for change in changes}
    changed |= {id(gap): gap for gap, declared in before if gap.declared != declared}
    dctu_id = block.layout.dctu_id
    await stored.write(
        cursor,
        [
            stored.StoredGap(dctu_id, g.first, g.end, g.channels, g.declared, g.opened_us, g.healed_us)
            for g in changed.values()
        ],
    )
    return changes


def _recent(block: Block, open_gaps: list[Gap], given: GapInput) -> dict[int, Column]:
    slots = {deadline.slot for deadline in given.deadlines}
    for gap in open_gaps:
        slots.update(range(max(gap.first, block.oldest), gap.end))
    columns = {}
    for slot in slots:
        if slot >= block.oldest:
            filled_at = np.where(block.present(slot), BEFORE, NEVER).astype(np.int64)
            columns[slot] = Column(block.layout.at(slot).expected, filled_at, block.declared(slot))
    for rows, filled, positions in zip(given.row, given.slot, given.position, strict=True):
        if not len(filled):
            continue
        order = np.argsort(filled, kind="stable")
        distinct, starts = np.unique(filled[order], return_index=True)
        for slot, of_slot in zip(distinct.tolist(), np.split(order, starts[1:]), strict=True):
            if slot in columns:
                columns[slot].filled_at[rows[of_slot]] = positions[of_slot]
    return columns


async def _older(cursor: psycopg.AsyncCursor, block: Block, open_gaps: list[Gap], given: GapInput) -> dict[int, Column]:
    """What lies before the ring, from the partial sums: how many are missing, how many came late, not which."""
    slots = [deadline.slot for deadline in given.deadlines if deadline.slot < block.oldest]
    starts = []
    columns = {}
    for gap in open_gaps:
        if gap.first < block.oldest:
            # A meter may be dead for months: while any of that is missing, the rest of it does not matter.
            if await stored.is_missing(cursor, block.layout.dctu_id, gap.first, min(gap.end, block.oldest)):
                columns[gap.first] = _MISSING
            else:
                starts.append(gap.first)
    if not slots and not starts:
        return columns
    first, end = slot_start(min(slots + starts)), slot_start(block.oldest)
    await cursor.execute(
        "select ts, sum(expected)::int, sum(least(present, expected))::int, sum(on_time)::int from partial"
        " where dctu_id = %s and ts >= %s and ts < %s group by ts",
        [block.layout.dctu_id, first, end],
    )
    rows: list[tuple[datetime, int, int, int]] = await cursor.fetchall()
    for ts, expected, present, on_time in rows:
        late = max(present - on_time, 0)
        filled_at = np.concatenate(
            (
                np.full(max(expected - present, 0), NEVER, np.int64),
                np.full(late, given.last_position, np.int64),
                np.full(min(on_time, expected), BEFORE, np.int64),
            )
        )
        nobody = np.zeros(len(filled_at), np.bool_)
        columns.setdefault(slot_of(ts), Column(~nobody, filled_at, nobody))
    for slot in slots:
        columns.setdefault(slot, Column(np.zeros(0, np.bool_), np.zeros(0, np.int64), np.zeros(0, np.bool_)))
    return columns


async def _date_fillings(
    cursor: psycopg.AsyncCursor, block: Block, open_gaps: list[Gap], older: dict[int, Column], times: dict[int, int]
) -> None:
    """Where nothing older than the ring is missing in a gap any more, give its late cells the position of the last."""
    for gap in open_gaps:
        columns = [older[slot] for slot in range(gap.first, min(gap.end, block.oldest)) if slot in older]
        if not columns or any((column.filled_at == NEVER).any() for column in columns):
            continue
        received_us = await stored.last_filled(cursor, block.layout.dctu_id, gap.first, min(gap.end, block.oldest))
        position = max((p for p, us in times.items() if us == received_us), default=BEFORE)
        for column in columns:
            column.filled_at[column.filled_at > BEFORE] = position


def open_gap(row: stored.StoredGap) -> Gap:
    """A gap as the archive has it."""
    return Gap(row.first, row.end, row.channels, row.declared, row.opened_us)
