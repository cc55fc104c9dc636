"""The work of the agent `collect`: readings of a batch compared, summed, judged and written in one transaction."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import numpy as np
import psycopg
import structlog

from connectors import cells, offsets, sending
from connectors.offsets import Advance
from connectors.refusals import Refusal, write_refusals
from connectors.sending import Letter, letter_of
from connectors.snapshot import read_snapshot, read_version
from schemas.change import PartialsChanged, TimePassed
from schemas.event import ConflictSeen
from schemas.partitioning import partition_of
from schemas.rules import Rule
from schemas.time import INTERVAL_US, MINUTE_US, from_us, slot_start
from schemas.topics import Topics
from streams import batch, failpoints, metrics
from streams.batch import Rules, Sorted, Writes
from streams.gap_keeping import GapKeeper
from streams.gaps import Deadline
from streams.layout import DctuLayout
from streams.matrix import Block, Stored
from streams.owner import Connect, Owner
from streams.places import Message
from streams.registry import Registry

log = structlog.get_logger()

AGENT = "collect"
# Codes have 64 letters at most, so this is well below the 8 MB that a message may have.
PAIRS_A_MESSAGE = 20_000


class Collector(Owner):
    """Processes batches of `frames` of the partitions that it owns."""

    def __init__(
        self, topics: Topics, rules: Rules, connect: Connect, clock_us: Callable[[], int] | None = None
    ) -> None:
        """Hold nothing yet: blocks load when they are first touched. `clock_us`: the worker's own clock, where the
        stream's time is the wall clock's; in a replay it may be any.
        """
        super().__init__(AGENT, topics.frames, connect)
        self._clock_us = clock_us
        self.topics = topics
        self.rules = rules
        self._registry: Registry | None = None
        self._blocks: dict[str, Block] = {}
        self._gaps = GapKeeper(topics, rules.partitions)

    @property
    def matrix_bytes(self) -> int:
        """Bytes of the blocks in memory."""
        return sum(block.nbytes for block in self._blocks.values())

    async def prepare(self, connection: psycopg.AsyncConnection) -> None:
        """Make the temporary tables."""
        await cells.prepare_session(connection)

    def forget(self) -> None:
        """Discard every block, the gaps with them, and the master data."""
        self._registry = None
        self._blocks.clear()
        self._gaps.forget()

    async def attempt(self, connection: psycopg.AsyncConnection, messages: list[Message]) -> None:
        failpoints.handling(message for _, _, message in messages)
        failpoints.passing("before_lock")
        try:
            async with connection.transaction(), connection.cursor() as cursor:
                with metrics.BATCH_SECONDS.labels(AGENT, "prepare").time():
                    partitions = {partition for partition, _, _ in messages}
                    fenced = await self.places.lock(cursor, partitions)
                    if fenced:
                        log.warning("partitions have another owner", partitions=sorted(fenced))
                        metrics.FENCED.labels(AGENT).inc(len(fenced))
                        self.forget()
                    messages = self.places.mine(messages)
                    if not messages:
                        return
                    registry = await self._current_registry(cursor)
                with metrics.BATCH_SECONDS.labels(AGENT, "compute").time():
                    times = {p: self.places.places[p].watched_us for p in {m[0] for m in messages}}
                    clock_us = self._clock_us() if self._clock_us is not None else None
                    sorted_ = batch.sort_messages(messages, times, registry, self.rules, clock_us)
                    first = self._first_slots(registry, sorted_, times)
                    deadlines = batch.deadlines_of(sorted_, times, first, self.rules)
                    await self._load_blocks(cursor, registry, sorted_, deadlines)
                    writes = batch.compute(
                        sorted_, deadlines, registry, self._blocks, self._gaps.with_open(), self.rules
                    )
                with metrics.BATCH_SECONDS.labels(AGENT, "write").time():
                    await self._write(cursor, registry, sorted_, writes)
                failpoints.passing("before_commit")
        except BaseException:
            self.forget()
            raise
        failpoints.passing("after_commit")
        for partition, next_off in sorted_.next_off.items():
            place = self.places.places[partition]
            place.next_off, place.watched_us = next_off, sorted_.times.get(partition)
        self._count(sorted_)
        failpoints.passing("before_sending")

    async def _current_registry(self, cursor: psycopg.AsyncCursor) -> Registry:
        version = await read_version(cursor, hold=True)
        if self._registry is None or self._registry.version != version:
            self.forget()
            self._registry = Registry(await read_snapshot(cursor), self.rules.partitions)
            self._gaps.look_again(self._registry, self.places.places)
        return self._registry

    def _first_slots(self, registry: Registry, sorted_: Sorted, times: dict[int, int | None]) -> dict[int, int]:
        """Where watching begins in partitions that see their first tick: where a channel is first expected."""
        first: dict[int, int] = {}
        for partition in sorted_.ticks:
            if times.get(partition) is None:
                starts = [
                    int(np.maximum(layout.assignments.from_slot, layout.assignments.registered_slot).min())
                    for dctu in registry.dctus_of([partition])
                    if (layout := registry.layout(dctu)) is not None
                ]
                if starts:
                    first[partition] = min(starts)
        return first

    async def _load_blocks(
        self,
        cursor: psycopg.AsyncCursor,
        registry: Registry,
        sorted_: Sorted,
        deadlines: dict[int, list[Deadline]],
    ) -> None:
        """Bring the blocks that the batch touches into memory, a query for those that reach to one interval."""
        needed = set(sorted_.arrivals)
        needed.update(registry.dctus_of(deadlines))
        needed.update(self._gaps.recheck & set(registry.dctus_of(sorted_.next_off)))
        missing = sorted(d for d in needed if d not in self._blocks and registry.layout(d) is not None)
        if not missing:
            return
        layouts = {dctu: layout for dctu in missing if (layout := registry.layout(dctu)) is not None}
        by_newest: dict[int, dict[str, DctuLayout]] = {}
        for dctu, newest in (await self._newest(cursor, layouts, sorted_)).items():
            by_newest.setdefault(newest, {})[dctu] = layouts[dctu]
        for newest, some in by_newest.items():
            blocks = {dctu: Block(layout, self.rules.ring, newest) for dctu, layout in some.items()}
            first_us, end_us = (newest - self.rules.ring + 1) * INTERVAL_US, (newest + 1) * INTERVAL_US
            channel_ids = np.unique(np.concatenate([layout.channel_id for layout in some.values()]))
            columns, declared = await cells.load(cursor, channel_ids, first_us, end_us)
            by_channel = np.argsort(columns[0], kind="stable")
            columns = [column[by_channel] for column in columns]
            for block in blocks.values():
                _fill(block, columns, declared, self.rules.grace_us)
            self._blocks |= blocks
        await self._gaps.load(cursor, {layout.dctu_id: dctu for dctu, layout in layouts.items()})

    async def _newest(
        self, cursor: psycopg.AsyncCursor, layouts: dict[str, DctuLayout], sorted_: Sorted
    ) -> dict[str, int]:
        """The newest interval that each block must reach: its partition's now, or later where there are readings.

        One partition may lag behind the others by days, and its present is not their past.
        """
        newest = {}
        for dctu in layouts:
            now_us = sorted_.times.get(partition_of(dctu, self.rules.partitions))
            if now_us is None:
                now_us = max((arrival.frame.sent_us for arrival in sorted_.arrivals.get(dctu, ())), default=0)
            newest[dctu] = now_us // INTERVAL_US
        codes = {layout.dctu_id: dctu for dctu, layout in layouts.items()}
        for dctu_id, slot in await cells.newest_slots(cursor, list(codes), min(newest.values())):
            newest[codes[dctu_id]] = max(newest[codes[dctu_id]], slot)
        return newest

    async def _write(self, cursor: psycopg.AsyncCursor, registry: Registry, sorted_: Sorted, writes: Writes) -> None:
        letters: list[Letter] = []
        changed: dict[int, set[int]] = {}
        if writes.new:
            await cells.write_new(cursor, batch.join(writes.new))
        for partition, staged in sorted(writes.staged.items()):
            merged = await cells.merge(cursor, batch.join(staged))
            sorted_.tally[partition, "new"] += merged.new
            sorted_.tally[partition, "revised"] += merged.revised
            sorted_.tally[partition, "duplicate"] += merged.known
            letters += await self._conflicts(cursor, registry, sorted_, merged.conflicts, partition)
        for ts_us, channel_id in writes.declared:
            await cells.write_declared(cursor, ts_us, channel_id)
        partials = writes.partials(self._blocks)
        await cells.write_partials(cursor, partials)
        summed = partials.unit_id != 0
        for ts_us, unit in zip(partials.ts_us[summed].tolist(), partials.unit_id[summed].tolist(), strict=True):
            changed.setdefault(ts_us // INTERVAL_US, set()).add(unit)
        await self._recompute_cold(cursor, writes, sorted_, changed)
        letters += await self._gaps.keep(cursor, self._blocks, sorted_, writes)
        letters += await self._gaps.close_withdrawn(cursor, registry, sorted_)
        await write_refusals(cursor, sorted_.refusals)
        letters += self._change_letters(registry, sorted_, changed)
        await sending.write(cursor, AGENT, letters)
        await offsets.count(cursor, AGENT, self.topics.frames, sorted_.tally)
        await offsets.advance(
            cursor, AGENT, self.topics.frames,
            {p: Advance(next_off, sorted_.times.get(p)) for p, next_off in sorted_.next_off.items()},
        )  # fmt: skip

    async def _recompute_cold(
        self, cursor: psycopg.AsyncCursor, writes: Writes, sorted_: Sorted, changed: dict[int, set[int]]
    ) -> None:
        """Partial sums of what lies before the ring, from the archive itself."""
        for dctu, slots in writes.cold.items():
            watched = sorted_.times.get(partition_of(dctu, self.rules.partitions))
            for first, end in _runs(slots):
                for slot, unit in await cells.recompute_partials(
                    cursor, self._blocks[dctu].layout.dctu_id, first * INTERVAL_US, end * INTERVAL_US, watched,
                    timedelta(microseconds=self.rules.grace_us),
                ):  # fmt: skip
                    if unit:
                        changed.setdefault(slot, set()).add(unit)

    async def _conflicts(
        self,
        cursor: psycopg.AsyncCursor,
        registry: Registry,
        sorted_: Sorted,
        found: list[cells.Conflict],
        partition: int,
    ) -> list[Letter]:
        """One frame number with two values: kept both, but somebody should know."""
        letters = []
        arrived = {
            (arrival.frame.sent_us, arrival.frame.seq, dctu): arrival
            for dctu, arrivals in sorted_.arrivals.items()
            for arrival in arrivals
        }
        for conflict in found:
            channel = registry.codes[conflict.channel_id]
            for (sent_us, seq, dctu), arrival in arrived.items():
                layout = registry.layout(dctu)
                if (sent_us, seq) != (conflict.sent_us, conflict.seq) or layout is None:
                    continue
                # Another DCTU may have had the channel at another time, and a frame of the same number.
                if not layout.at(conflict.ts_us // INTERVAL_US).valid[layout.channel_id == conflict.channel_id].any():
                    continue
                start, sent_at = from_us(conflict.ts_us), from_us(sent_us)
                event = ConflictSeen(dctu=dctu, channel=channel, start=start, sent_at=sent_at, seq=seq)
                letters.append(letter_of(partition, self.topics.events, event))
                sorted_.tally[partition, Rule.CONFLICT.value] += 1
                detail = f"frame {seq} of {dctu} brought two different values of {channel}; both are kept"
                sorted_.refusals.append(
                    Refusal(
                        Rule.CONFLICT, detail, arrival.received_us, arrival.message, dctu, channel,
                        start.isoformat(), None, None, sent_at.isoformat(), seq,
                    )
                )  # fmt: skip
        return letters

    def _change_letters(self, registry: Registry, sorted_: Sorted, changed: dict[int, set[int]]) -> list[Letter]:
        source = min(sorted_.next_off)
        letters = [
            Letter(source, self.topics.frames, partition_of(dctu, self.rules.partitions), dctu.encode(), message)
            for dctu, message in sorted_.forwards
        ]
        if changed:
            letters += [
                letter_of(source, self.topics.changes, PartialsChanged(units=units))
                for units in _parts(registry, changed)
            ]
        for partition, ticks in sorted_.ticks.items():
            before, now_us = self.places.places[partition].watched_us, ticks[-1][1]
            grace = self.rules.grace_us
            if (
                before is None
                or now_us // MINUTE_US > before // MINUTE_US
                or batch.due_slot(now_us, grace) > batch.due_slot(before, grace)
            ):
                passed = TimePassed(partition=partition, until=from_us(now_us))
                letters.append(letter_of(partition, self.topics.changes, passed))
        return letters

    def _count(self, sorted_: Sorted) -> None:
        totals: Counter[str] = Counter()
        for (_, outcome), n in sorted_.tally.items():
            totals[outcome] += n
        for outcome, n in totals.items():
            if outcome in Rule.__members__:
                metrics.QUARANTINED.labels(outcome).inc(n)
            elif outcome in ("frames", "ticks", "forwarded"):
                metrics.MESSAGES.labels(AGENT, outcome).inc(n)
            else:
                metrics.READINGS.labels(outcome).inc(n)
        metrics.BLOCKS.labels(AGENT).set(self.matrix_bytes)


def _parts(registry: Registry, changed: dict[int, set[int]]) -> Iterator[dict[datetime, list[str]]]:
    """What changed, in parts that a message of Kafka can hold."""
    units: dict[datetime, list[str]] = {}
    pairs = 0
    for slot, found in sorted(changed.items()):
        if pairs and pairs + len(found) > PAIRS_A_MESSAGE:
            yield units
            units, pairs = {}, 0
        units[slot_start(slot)] = sorted(registry.units[unit] for unit in found)
        pairs += len(found)
    if units:
        yield units


def _fill(block: Block, columns: list[batch.Ints], declared: list[batch.Ints], grace_us: int) -> None:
    """Give a block its cells from columns sorted by channel."""
    channel = columns[0]
    parts = [
        np.arange(lo, hi)
        for lo, hi in zip(
            np.searchsorted(channel, block.layout.channel_id, "left"),
            np.searchsorted(channel, block.layout.channel_id, "right"),
            strict=True,
        )
    ]
    index = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    ids, ts_us, wh, quality, rank, sent_us, seq, first_us = (column[index] for column in columns)
    block.load(Stored(ids, ts_us // INTERVAL_US, wh, quality, rank, sent_us, seq, first_us), grace_us)
    of_block = np.isin(declared[0], block.layout.channel_id)
    slot = declared[1][of_block] // INTERVAL_US
    block.declare(block.layout.rows_of(declared[0][of_block]), slot)


def _runs(slots: set[int]) -> list[tuple[int, int]]:
    """Slots as half-open runs; holes of less than a day are run through."""
    runs: list[list[int]] = []
    for slot in sorted(slots):
        if runs and slot < runs[-1][1] + 96:
            runs[-1][1] = slot + 1
        else:
            runs.append([slot, slot + 1])
    return [(first, end) for first, end in runs]
