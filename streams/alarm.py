"""The work of the agent `alarm` on `events`: follow what closed and what time has brought, write alarms and journal.

Messages only wake and name: values are read from the tables. An interval of a node is looked at once it is closed and
the one before has been; at its deadline all are. So every node is followed interval by interval, in order, whatever
came together or late.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import numpy as np
import psycopg
import structlog
from numpy.typing import NDArray
from pydantic import ValidationError

from alerts import health, passing, planning, silence
from alerts.book import Book
from alerts.conditions import judge
from alerts.following import end, follow_balances, retire
from alerts.health import Ailment
from connectors import alarm_inputs, offsets
from connectors.membership import read_membership
from connectors.offsets import Advance
from connectors.snapshot import read_version
from schemas.alarm import AlarmType
from schemas.event import EVENT, BalancesClosed, TimeReached
from schemas.time import day_slots, from_us, slot_end_us, slot_of, slot_start, to_us
from schemas.topics import Topics
from streams import failpoints, metrics
from streams.alarm_desk import Desk
from streams.alarm_healing import heal_silences
from streams.alarm_history import follow_history
from streams.batch import due_slot
from streams.dirty import CHUNK
from streams.frames import Frames
from streams.nodes import Nodes
from streams.owner import Connect, Owner
from streams.places import Message

log = structlog.get_logger()

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

AGENT = "alarm"
# These name the units that make them.
_MADE_OF_UNITS = (AlarmType.ZONE_IMB, AlarmType.HOUR_PROJ)


class Alarmer(Owner):
    """Processes `events`, one partition."""

    def __init__(
        self, topics: Topics, grace_us: int, connect: Connect, desk: Desk, ailing: Callable[[], dict[str, Ailment]]
    ) -> None:
        """`desk` holds the alarms, `ailing` says how the parts of the pipeline do."""
        super().__init__(AGENT, topics.events, connect)
        self._changes = topics.changes
        self._grace_us = grace_us
        self._desk = desk
        self._ailing = ailing
        self._frames: Frames | None = None
        # By row of the frames: the last interval that was looked at.
        self._last: Ints | None = None

    def forget(self) -> None:
        """Discard alarms and master data."""
        self._desk.forget()
        self._frames, self._last = None, None

    async def upkeep(self, connection: psycopg.AsyncConnection) -> None:
        """Look at ourselves: what ails the pipeline does not wait for messages."""
        if (place := self.places.places.get(0)) is None:
            return
        async with connection.transaction(), connection.cursor() as cursor:
            if await self.places.lock(cursor, [0]):
                return
            book = await self._desk.open(cursor)
            # Our own clock where the stream's stands still: that is one of the ailments.
            now = from_us(place.watched_us) if place.watched_us is not None else self._desk.wall()
            health.follow_health(book, self._ailing(), now)
            retire(book, now)
            await self._desk.close(cursor, book)

    async def attempt(self, connection: psycopg.AsyncConnection, messages: list[Message]) -> None:
        """Bring the alarms up to everything that the messages tell of."""
        with metrics.BATCH_SECONDS.labels(AGENT, "batch").time():
            async with connection.transaction(), connection.cursor() as cursor:
                if not (messages := await self.hold(cursor, messages)):
                    return
                place = self.places.places[0]
                named, told_us = _read(messages)
                until_us = await self._believe(cursor, told_us)
                book = await self._desk.open(cursor)
                frames = await self._current_frames(cursor)
                if place.watched_us is not None or until_us is not None:
                    await self._follow(cursor, book, frames, named, place.watched_us, until_us)
                watched_us = until_us if until_us is not None else place.watched_us
                await self._desk.close(cursor, book)
                await offsets.count(cursor, AGENT, self.places.topic, {(0, "events"): len(messages)})
                end = messages[-1][1] + 1
                await offsets.advance(cursor, AGENT, self.places.topic, {0: Advance(end, watched_us)})
                failpoints.passing("alarm_before_commit")
        failpoints.passing("alarm_after_commit")
        place.next_off, place.watched_us = end, watched_us
        metrics.MESSAGES.labels(AGENT, "events").inc(len(messages))

    async def _believe(self, cursor: psycopg.AsyncCursor, told_us: int | None) -> int | None:
        """The time that messages tell of, where it is later than ours, and no later than balance itself is."""
        if told_us is None:
            return None
        reached = await alarm_inputs.read_clock(cursor, "balance", self._changes)
        before_us = self.places.places[0].watched_us
        until_us = min(told_us, to_us(reached)) if reached is not None else None
        return until_us if until_us is not None and (before_us is None or until_us > before_us) else None

    async def _current_frames(self, cursor: psycopg.AsyncCursor) -> Frames:
        version = await read_version(cursor, hold=True)
        if self._frames is None or self._frames.version != version:
            nodes = Nodes(await read_membership(cursor))
            self._frames = Frames(nodes, await alarm_inputs.read_capacities(cursor))
            self._last = None
        return self._frames

    async def _follow(
        self,
        cursor: psycopg.AsyncCursor,
        book: Book,
        frames: Frames,
        named: dict[int, set[tuple[str, str]]],
        before_us: int | None,
        until_us: int | None,
    ) -> None:
        """Everything from the time before to the time now. Before the first there is no present to compare with."""
        if before_us is None:
            return
        done = due_slot(before_us, self._grace_us)
        due = done if until_us is None else due_slot(until_us, self._grace_us)
        if self._last is None:
            self._last = np.full(len(frames.kinds), done, np.int64)
        late = self._late(frames, named)
        last = max([due, *(slot for slot in named)])
        # The newest may have changed since it was looked at.
        begin = done if done in named else done + 1
        for first in range(begin, last + 1, CHUNK):
            end = min(first + CHUNK, last + 1)
            if first > due and not any(first <= slot < end for slot in named):
                continue
            await self._follow_slots(cursor, book, frames, range(first, end), named, range(done + 1, due + 1))
        if until_us is not None:
            await self._pass(cursor, book, from_us(before_us), from_us(until_us))
        await follow_history(cursor, book, frames, late, until_us or before_us)

    def _late(self, frames: Frames, named: dict[int, set[tuple[str, str]]]) -> dict[int, set[int]]:
        """By interval, the rows of nodes that changed there though a later one has been looked at."""
        assert self._last is not None
        found: dict[int, set[int]] = {}
        for slot, names in named.items():
            if rows := {
                row for name in names if (row := frames.row_of.get(name)) is not None and self._last[row] > slot
            }:
                found[slot] = rows
        return found

    async def _follow_slots(
        self,
        cursor: psycopg.AsyncCursor,
        book: Book,
        frames: Frames,
        slots: range,
        named: dict[int, set[tuple[str, str]]],
        due: range,
    ) -> None:
        """`due`: the intervals whose deadline passes now; those before were looked at then."""
        assert self._last is not None
        kinds = book.master.node_kinds()
        frame = await frames.read(cursor, slots.start, slots.stop, kinds)
        judged = judge(book.master, frame)
        units = None
        if any(of_type.type in _MADE_OF_UNITS and of_type.beyond.any() for of_type in judged):
            units = await frames.read(cursor, slots.start, slots.stop, [*kinds, "unit"])

        def explain(type_: AlarmType, row: int, slot: int) -> dict[str, Any]:
            if units is None or type_ not in _MADE_OF_UNITS:
                return {}
            found = frames.contributors(units, row, slot)
            return {"contributors": [{"unit": unit, "imbalance_w": watts} for unit, watts in found]}

        for slot in slots:
            closed = frame.closed[:, slot - frame.first] | (slot in due)
            fresh = closed & (self._last == slot - 1)
            self._last[fresh] = slot
            again = named.get(slot)
            if again:
                # Told again of the newest: it was changed after it was looked at, or is told twice, which does no harm.
                changed = np.zeros(len(closed), np.bool_)
                changed[[row for name in again if (row := frames.row_of.get(name)) is not None]] = True
                fresh |= closed & changed & (self._last == slot)
            now = from_us(max(slot_end_us(slot), self._clock_us()))
            if fresh.any():
                follow_balances(book, frame, judged, slot, fresh, now, explain)
            if slot in due:
                deadline = from_us(slot_end_us(slot) + self._grace_us)
                await self._pass(cursor, book, None, deadline)
                await self._follow_silence(cursor, book, slot, deadline)

    def _clock_us(self) -> int:
        return self.places.places[0].watched_us or 0

    async def _follow_silence(self, cursor: psycopg.AsyncCursor, book: Book, slot: int, deadline: datetime) -> None:
        start = slot_start(slot)
        arrived = await alarm_inputs.read_presence(cursor, start)
        dctus = {code: silence.Presence(of.expected, of.on_time) for code, of in arrived.items()}
        some = [code for code, of in dctus.items() if of.on_time < of.expected]
        emcs: dict[tuple[str, str], silence.Presence] = {}
        partly = [code for code in some if dctus[code].on_time]
        if partly:
            found = await alarm_inputs.read_emcs(cursor, partly, start, deadline)
            emcs = {key: silence.Presence(of.expected, of.on_time) for key, of in found.items() if not of.on_time}
        owners = await alarm_inputs.read_owners(cursor, start) if some or silence.silent_runs(book) else {}
        silence.follow_silence(book, silence.Silence(slot, dctus, owners, emcs), deadline)

    async def _pass(self, cursor: psycopg.AsyncCursor, book: Book, before: datetime | None, until: datetime) -> None:
        """What time alone brings; plans are looked for, and what was handed over."""
        passing.pass_time(book, until)
        await heal_silences(cursor, book, until)
        for at, day in planning.checks(book, before, until):
            await self._follow_plan(cursor, book, day, at, first=True)
        for instance in planning.standing(book):
            day = planning.day_of(instance)
            if slot_start(_end_of(day)) <= until:
                end(book, instance, until)
        for day in sorted({planning.day_of(instance) for instance in planning.standing(book)}):
            await self._follow_plan(cursor, book, day, until, first=False)

    async def _follow_plan(
        self, cursor: psycopg.AsyncCursor, book: Book, day: date, at: datetime, *, first: bool
    ) -> None:
        found = await alarm_inputs.read_planned(cursor, day, at)
        planned = {entity: planning.Planned(units, lacking) for entity, (units, lacking) in found.items()}
        planning.follow_plan(book, day, planned, at, first=first)


def _end_of(day: date) -> int:
    return day_slots(day).stop


def _read(messages: list[Message]) -> tuple[dict[int, set[tuple[str, str]]], int | None]:
    """What messages name: nodes by interval, and the latest time."""
    named: dict[int, set[tuple[str, str]]] = {}
    until_us: int | None = None
    for _, offset, value in messages:
        try:
            event = EVENT.validate_json(value)
        except ValidationError as error:
            log.error("an event that cannot be read", offset=offset, error=str(error))
            continue
        match event:
            case BalancesClosed(start=start):
                named.setdefault(slot_of(start), set()).update(zip(event.node_kind, event.node, strict=False))
            case TimeReached(until=until):
                until_us = max(to_us(until), until_us or 0)
    return named, until_us
