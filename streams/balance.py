"""The work of the agent `balance`: recompute what `changes` names, close what is past its deadline, project the hour.

Everything is computed from the tables of the moment, so late data, corrections, new schedules, changed master data,
restarts and repeats all go the same way.
"""

import time
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import psycopg
import structlog
from numpy.typing import NDArray

from connectors import balances, cells, node_now, offsets, recompute, sending
from connectors.balances import Rows
from connectors.membership import read_membership
from connectors.node_now import Row
from connectors.offsets import Advance
from connectors.sending import Letter, letter_of
from connectors.snapshot import read_version
from schemas.change import RegistryChanged
from schemas.event import BalancesClosed, TimeReached
from schemas.partitioning import partition_of
from schemas.time import INTERVAL_US, SLOTS_PER_HOUR, from_us, hour_of_slot, slot_of, slot_start
from schemas.topics import Topics
from streams import failpoints, metrics
from streams.balancing import balance
from streams.batch import Rules, due_slot
from streams.dirty import CHUNK, Dirty, read_dirty
from streams.nodes import Nodes
from streams.now import States, rows_now, share, states_of
from streams.owner import Connect, Owner
from streams.places import Message

log = structlog.get_logger()

Ints = NDArray[np.int64]

AGENT = "balance"
# Seconds that what an import touched is computed anew before the messages that wait have their turn.
PATIENCE_S = 1.0
_NODES_A_MESSAGE = 1000
_AMENDS = (
    " and have all balances computed anew with `insert into recompute (from_ts, to_ts)"
    " select min(ts), max(ts) + interval '15 minutes' from partial`"
)


class Balancer(Owner):
    """Processes `changes`, one partition."""

    def __init__(self, topics: Topics, rules: Rules, connect: Connect, patience_s: float = PATIENCE_S) -> None:
        """Hold nothing but the master data."""
        super().__init__(AGENT, topics.changes, connect, _AMENDS)
        self.topics = topics
        self.rules = rules
        self._patience_s = patience_s
        # Whether more may wait to be computed anew.
        self._unfinished = False
        self._nodes: Nodes | None = None
        # What node_now was last computed for: hour, interval and newest due interval.
        self._seen: tuple[int, int, int] | None = None
        # The live state that commits have changed since it was last taken, by node.
        self._live: dict[int, Row] = {}
        self._names: dict[int, tuple[str, str]] = {}

    async def prepare(self, connection: psycopg.AsyncConnection) -> None:
        """Make the temporary tables."""
        await cells.prepare_session(connection)
        await balances.prepare_session(connection)

    def forget(self) -> None:
        """Discard the master data."""
        self._nodes = None
        self._seen = None

    def take_states(self) -> States:
        """The live state that changed since the last call."""
        live, self._live = self._live, {}
        return states_of(self._names, live.values())

    async def make_good(self, connection: psycopg.AsyncConnection) -> None:
        """Nobody knows which changes are gone: compute all balances anew."""
        async with connection.cursor() as cursor:
            if await recompute.ask_all(cursor):
                await sending.write(cursor, AGENT, [self._wake(await read_version(cursor))])

    def _wake(self, version: int) -> Letter:
        """A message to ourselves: what waits to be computed anew is worked on whenever a message comes."""
        return letter_of(0, self.topics.changes, RegistryChanged(version=version))

    async def upkeep(self, connection: psycopg.AsyncConnection) -> None:
        """Compute anew what imports touched, and close what is due.

        The first may take minutes: it goes on after the messages that wait, and between those that follow.
        """
        until, late = time.monotonic() + self._patience_s, True
        self._unfinished = True
        while self._unfinished:
            with metrics.BATCH_SECONDS.labels(AGENT, "recompute").time():
                self._unfinished = await self._recompute(connection)
            if time.monotonic() >= until:
                break
        while late:
            with metrics.BATCH_SECONDS.labels(AGENT, "close").time():
                late = await self._close_due(connection)

    async def attempt(self, connection: psycopg.AsyncConnection, messages: list[Message]) -> None:
        """Bring the balances up to everything that the messages tell of."""
        with metrics.BATCH_SECONDS.labels(AGENT, "batch").time():
            async with connection.transaction(), connection.cursor() as cursor:
                if not (messages := await self.hold(cursor, messages)):
                    return
                nodes = await self._current_nodes(cursor)
                place = self.places.places[0]
                reach = await self._reach(cursor, nodes, place.watched_us)
                dirty = read_dirty(messages, nodes, reach)
                letters = []
                for slots in dirty.within(reach):
                    letters += await self._rebalance(cursor, nodes, slots, dirty, place.watched_us)
                rows = await self._refresh_now(cursor, nodes, dirty, place.watched_us)
                if dirty.period is not None:
                    await recompute.ask_period(cursor, *dirty.period)
                if self._unfinished or dirty.period is not None:
                    letters.append(self._wake(nodes.version))
                await sending.write(cursor, AGENT, letters)
                await offsets.count(cursor, AGENT, self.topics.changes, {(0, "changes"): len(messages)})
                end = messages[-1][1] + 1
                await offsets.advance(cursor, AGENT, self.topics.changes, {0: Advance(end, place.watched_us)})
                failpoints.passing("balance_before_commit")
        failpoints.passing("balance_after_commit")
        place.next_off = end
        metrics.MESSAGES.labels(AGENT, "changes").inc(len(messages))
        self._names = nodes.names
        self._live.update((row[0], row) for row in rows)

    async def _current_nodes(self, cursor: psycopg.AsyncCursor) -> Nodes:
        version = await read_version(cursor, hold=True)
        if self._nodes is None or self._nodes.version != version:
            self._nodes = Nodes(await read_membership(cursor))
            self._seen = None
            log.info("master data", version=version)
        return self._nodes

    async def _recompute(self, connection: psycopg.AsyncConnection) -> bool:
        """One piece of what waits to be computed anew; False where nothing does."""
        async with connection.transaction(), connection.cursor() as cursor:
            if await self.places.lock(cursor, [0]):
                return False
            task = await recompute.next_task(cursor)
            if task is None:
                return False
            # The present first: what is live must not stay wrong until years are done.
            first = max(task.first, task.end - CHUNK)
            touched: list[tuple[int, int]] = []
            if task.dctu_id is not None and task.dctu is not None:
                # Before the master data are held: collect takes its locks in this order, too.
                partition = partition_of(task.dctu, self.rules.partitions)
                watched = await recompute.hold_partition(cursor, self.topics.frames, partition)
                touched = await cells.recompute_partials(
                    cursor, task.dctu_id, first * INTERVAL_US, task.end * INTERVAL_US, watched,
                    timedelta(microseconds=self.rules.grace_us),
                )  # fmt: skip
            nodes = await self._current_nodes(cursor)
            place = self.places.places[0]
            letters: list[Letter] = []
            if task.dctu_id is None:
                slots = np.arange(first, task.end, dtype=np.int64)
                letters += await self._rebalance(cursor, nodes, slots, None, place.watched_us, only=True)
            elif touched:
                dirty = Dirty()
                for slot, unit in touched:
                    if unit:
                        dirty.add(slot, frozenset((unit,)))
                slots = np.array(sorted(dirty.units), np.int64)
                if len(slots):
                    letters += await self._rebalance(cursor, nodes, slots, dirty, place.watched_us)
            await sending.write(cursor, AGENT, letters)
            await recompute.done_from(cursor, task, first)
        self._seen = None
        return True

    async def _close_due(self, connection: psycopg.AsyncConnection) -> bool:
        """Close a chunk of intervals that are past their deadline; True while there are more."""
        async with connection.transaction(), connection.cursor() as cursor:
            if await self.places.lock(cursor, [0]):
                return False
            now_us = await balances.watermark(cursor, self.topics.frames, self.rules.partitions)
            place = self.places.places[0]
            if now_us is None or (place.watched_us is not None and now_us <= place.watched_us):
                return False
            nodes = await self._current_nodes(cursor)
            grace = self.rules.grace_us
            due = due_slot(now_us, grace)
            first = nodes.first_slot if place.watched_us is None else due_slot(place.watched_us, grace) + 1
            more = False
            letters: list[Letter] = []
            if first is not None and first <= due:
                end = min(due + 1, first + CHUNK)
                if end <= due:
                    more = True
                    now_us = end * INTERVAL_US + grace
                slots = await self._still_open(cursor, nodes, np.arange(first, end, dtype=np.int64))
                letters += await self._rebalance(cursor, nodes, slots, None, now_us, newest=due)
            if place.watched_us is None:
                # Before the first tick nothing could be late, nor is what lies before the registration watched.
                left_open = await balances.open_slots(cursor, due_slot(now_us, grace))
                for at in range(0, len(left_open), CHUNK):
                    slots = left_open[at : at + CHUNK]
                    letters += await self._rebalance(cursor, nodes, slots, None, now_us, newest=due)
            # After all that it closed: whoever hears of the time has heard of that before.
            letters.append(letter_of(0, self.topics.events, TimeReached(until=from_us(now_us))))
            await sending.write(cursor, AGENT, letters)
            await offsets.advance(cursor, AGENT, self.topics.changes, {0: Advance(place.next_off, now_us)})
        place.watched_us = now_us
        return more

    async def _still_open(self, cursor: psycopg.AsyncCursor, nodes: Nodes, slots: Ints) -> Ints:
        """Of due intervals, those with an open row or none of a node: nearly all were closed by their last frame.

        A row may be of a node that was registered later, and still has to be closed.
        """
        slot, node_id, is_closed = await balances.read_closed(cursor, slots.tolist())
        with_open_row = slot[is_closed == 0]
        still_open = []
        for structure, of_period in nodes.by_structure(slots):
            closed = np.zeros((len(structure.node_id), len(of_period)), np.bool_)
            known = (is_closed == 1) & np.isin(slot, of_period) & np.isin(node_id, structure.node_id)
            closed[np.searchsorted(structure.node_id, node_id[known]), np.searchsorted(of_period, slot[known])] = True
            due = structure.registered_slot[:, None] <= of_period[None, :]
            still_open.append(of_period[(due & ~closed).any(axis=0) | np.isin(of_period, with_open_row)])
        return np.sort(np.concatenate(still_open))

    async def _reach(self, cursor: psycopg.AsyncCursor, nodes: Nodes, watched_us: int | None) -> range:
        """The intervals that can have rows."""
        await cursor.execute("select min(ts), max(ts) from partial")
        row = await cursor.fetchone()
        held = [slot_of(ts) for ts in row or () if ts is not None]
        due = [due_slot(watched_us, self.rules.grace_us)] if watched_us is not None else []
        registered = [nodes.first_slot] if nodes.first_slot is not None else []
        return range(min([*held, *registered], default=0), max([*held, *due], default=-1) + 1)

    async def _rebalance(
        self,
        cursor: psycopg.AsyncCursor,
        nodes: Nodes,
        slots: Ints,
        dirty: Dirty | None,
        watched_us: int | None,
        *,
        only: bool = False,
        newest: int | None = None,
    ) -> list[Letter]:
        """Recompute the nodes above dirty units (None: all nodes) at sorted slots, and tell what changed.

        `only`: rows of these slots that are not computed are removed, as after a change of master data. `newest`: the
        newest interval that is due, where chunks are not that far yet.
        """
        if newest is None and watched_us is not None:
            newest = due_slot(watched_us, self.rules.grace_us)
        sums = await balances.read_sums(cursor, slots.tolist())
        plan = await balances.read_plan(cursor, np.unique(slots - slots % SLOTS_PER_HOUR).tolist())
        letters: list[Letter] = []
        for structure, of_period in nodes.by_structure(slots):
            computed = balance(structure, of_period, sums, plan, watched_us, self.rules.grace_us)
            exists = computed.exists
            touched = np.ones_like(exists) if dirty is None else dirty.touched(computed)
            if dirty is not None:
                node, column = np.nonzero(touched & ~exists)
                await balances.remove(cursor, of_period[column], structure.node_id[node])
            rows = computed.rows(touched & exists)
            changed = await balances.write(cursor, rows, watched_us or 0)
            if only:
                await balances.remove_others(cursor, of_period.tolist())
            metrics.BALANCES.inc(len(changed))
            letters += self._closed_letters(nodes, rows, changed, newest)
        return letters

    def _closed_letters(
        self, nodes: Nodes, rows: Rows, changed: set[tuple[int, int]], newest: int | None
    ) -> list[Letter]:
        by_slot: dict[int, list[int]] = {}
        keys = zip(rows.slot.tolist(), rows.node_id.tolist(), rows.closed.tolist(), strict=True)
        for index, (slot, node, closed) in enumerate(keys):
            if closed and (slot, node) in changed:
                by_slot.setdefault(slot, []).append(index)
        letters = []
        for slot, found in sorted(by_slot.items()):
            for start in range(0, len(found), _NODES_A_MESSAGE):
                some = found[start : start + _NODES_A_MESSAGE]
                names = [nodes.names[int(rows.node_id[index])] for index in some]
                event = BalancesClosed(
                    start=slot_start(slot),
                    newest=newest is None or slot >= newest,
                    node_kind=[kind for kind, _ in names],
                    node=[name for _, name in names],
                    imbalance_wh=[int(rows.imbalance[index]) for index in some],
                    completeness=[share(int(rows.present[index]), int(rows.expected[index])) for index in some],
                )
                letters.append(letter_of(0, self.topics.events, event))
        return letters

    async def _refresh_now(
        self, cursor: psycopg.AsyncCursor, nodes: Nodes, dirty: Dirty, watched_us: int | None
    ) -> Sequence[Row]:
        """Bring `node_now` up to date: all nodes when an interval passed, else those above what changed lately."""
        if watched_us is None:
            return []
        slot = watched_us // INTERVAL_US
        due = due_slot(watched_us, self.rules.grace_us)
        hour = hour_of_slot(slot)
        window = np.arange(min(hour, due), hour + SLOTS_PER_HOUR, dtype=np.int64)
        moved = self._seen != (hour, slot, due)
        if not moved and not any(s in dirty.units for s in window.tolist()):
            return []
        ((structure, _),) = nodes.by_structure(np.array([slot], np.int64))
        sums = await balances.read_sums(cursor, window.tolist())
        plan = await balances.read_plan(cursor, np.unique(window - window % SLOTS_PER_HOUR).tolist())
        computed = balance(structure, window, sums, plan, watched_us, self.rules.grace_us)
        which: NDArray[np.bool_] | None = None if moved else np.any(dirty.touched(computed), axis=1)
        rows = rows_now(computed, hour, from_us(watched_us), which)
        await node_now.write(cursor, rows)
        if moved and (self._seen is None or self._seen[0] != hour):
            await node_now.remove_missing(cursor, structure.node_id.tolist())
        self._seen = (hour, slot, due)
        return rows
