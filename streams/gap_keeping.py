"""Gaps of the DCTUs of a batch: what `gaps.judge` needs, from the matrix and, for what is older, from the archive."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import numpy as np
import psycopg

from connectors import gaps as stored
from connectors import recompute
from connectors.sending import Letter, letter_of
from schemas.event import GapChanged
from schemas.partitioning import partition_of
from schemas.time import INTERVAL_US, from_us, slot_of, slot_start
from schemas.topics import Topics
from streams import metrics
from streams.batch import GapInput, Sorted, Writes
from streams.gaps import BEFORE, NEVER, Column, Gap, GapChange, judge
from streams.matrix import Block
from streams.registry import Registry

_MISSING = Column(np.ones(1, np.bool_), np.full(1, NEVER, np.int64), np.zeros(1, np.bool_))


class GapKeeper:
    """The open gaps of the DCTUs whose blocks are in memory."""

    def __init__(self, topics: Topics, partitions: int) -> None:
        """Know of no gap yet. `partitions`: how many `frames` has."""
        self._topics = topics
        self._partitions = partitions
        self._open: dict[str, list[Gap]] = {}
        # DCTUs whose gaps are to be looked at again after an import; those that have no channels any more.
        self.recheck: set[str] = set()
        self._withdrawn: set[str] = set()

    def forget(self) -> None:
        """Discard the gaps: the database knows better."""
        self._open.clear()

    def look_again(self, registry: Registry, partitions: Iterable[int]) -> None:
        """Other master data: what is expected may have changed under any open gap of these partitions."""
        self.recheck = set(registry.dctus_of(partitions))
        self._withdrawn = set(registry.withdrawn)

    def with_open(self) -> set[str]:
        """The DCTUs that have an open gap."""
        return {dctu for dctu, found in self._open.items() if found}

    async def load(self, cursor: psycopg.AsyncCursor, dctus: Mapping[int, str]) -> None:
        """Read the open gaps of DCTUs, given by `dctu_id`."""
        self._open |= {dctu: [] for dctu in dctus.values()}
        for row in await stored.load_open(cursor, list(dctus)):
            self._open[dctus[row.dctu_id]].append(_gap(row))

    async def keep(
        self, cursor: psycopg.AsyncCursor, blocks: Mapping[str, Block], sorted_: Sorted, writes: Writes
    ) -> list[Letter]:
        """Judge the gaps of a batch, write those that changed, and tell of them."""
        letters = []
        # Of the partitions that are held: another's time is not known here, nor is it ours to judge.
        held = sorted_.next_off
        rechecked = {dctu for dctu in self.recheck & blocks.keys() if partition_of(dctu, self._partitions) in held}
        for dctu in rechecked:
            if self._open.get(dctu):
                writes.gaps.setdefault(dctu, GapInput())
        for dctu, given in writes.gaps.items():
            partition = partition_of(dctu, self._partitions)
            times = {arrival.position: arrival.received_us for arrival in sorted_.arrivals.get(dctu, ())}
            now_us = sorted_.times.get(partition) or max(times.values(), default=0)
            changes = await _keep(cursor, blocks[dctu], self._open[dctu], given, times, now_us)
            letters += self._letters(partition, dctu, changes)
        if self.recheck:
            # What is older than the ring is known when balance has computed it anew.
            self.recheck -= rechecked - await recompute.waiting_dctus(cursor)
        return letters

    async def close_withdrawn(self, cursor: psycopg.AsyncCursor, registry: Registry, sorted_: Sorted) -> list[Letter]:
        """Nothing is expected any more of a DCTU that has lost all its channels: its gaps end."""
        letters = []
        done = {dctu for dctu in self._withdrawn if partition_of(dctu, self._partitions) in sorted_.next_off}
        for dctu in sorted(done):
            partition = partition_of(dctu, self._partitions)
            now_us = sorted_.times.get(partition)
            if now_us is None:
                continue
            rows = await stored.load_open(cursor, [registry.withdrawn[dctu]])
            await stored.write(cursor, [row._replace(healed_us=now_us) for row in rows])
            letters += self._letters(partition, dctu, [GapChange("healed", _gap(row), now_us) for row in rows])
        self._withdrawn -= done
        return letters

    def _letters(self, partition: int, dctu: str, changes: list[GapChange]) -> list[Letter]:
        for change in changes:
            metrics.GAPS.labels(change.kind).inc()
        return [letter_of(partition, self._topics.events, _event(dctu, change)) for change in changes]


async def _keep(
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


def _gap(row: stored.StoredGap) -> Gap:
    return Gap(row.first, row.end, row.channels, row.declared, row.opened_us)


def _event(dctu: str, change: GapChange) -> GapChanged:
    gap = change.gap
    late_by = None
    if change.kind == "healed":
        late_by = (change.at_us - (gap.first + 1) * INTERVAL_US) // 1_000_000
    return GapChanged(
        change=change.kind, dctu=dctu, first_start=slot_start(gap.first), last_end=slot_start(gap.end),
        channels=gap.channels, declared=gap.declared, at=from_us(change.at_us), late_by_s=late_by,
    )  # fmt: skip
