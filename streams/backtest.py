"""Reads the archive day by day and lets rule sets go through it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import psycopg

from alerts import planning
from alerts.backtest import Inputs, Mended, Replay
from alerts.frame import Frame
from alerts.master import Master
from alerts.silence import Presence
from connectors import alarm_inputs
from connectors.membership import read_membership
from schemas.time import from_us, hour_of_slot, slot_end_us, slot_from, slot_of, slot_start
from streams.dirty import CHUNK
from streams.frames import Frames
from streams.nodes import Nodes

# Before the period, so that what stood at its begin is known; its own calls do not count.
WARM_UP = 8


async def backtest(
    connection: psycopg.AsyncConnection,
    masters: Sequence[Master],
    begin: datetime,
    end: datetime,
    grace: timedelta,
    say: Callable[[int, int], None] = lambda done, of: None,
) -> list[Replay]:
    """Let rule sets go through the intervals that start in `[begin, end)`, all on the same values.

    `say` hears how many intervals of how many are done.
    """
    replays = [Replay(master, grace) for master in masters]
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.execute("set transaction isolation level repeatable read, read only")
        frames = Frames(Nodes(await read_membership(cursor, hold=False)), await alarm_inputs.read_capacities(cursor))
        wanted = {kind for master in masters for kind in master.node_kinds()}
        first, last = hour_of_slot(slot_from(begin)) - WARM_UP, slot_from(end)
        owners = await alarm_inputs.read_owners(cursor, slot_start(last))

        async def load(start: int) -> tuple[Frame, Inputs]:
            stop = min(start + CHUNK, last)
            frame = await frames.read(cursor, start, stop, sorted(wanted))
            return frame, await _inputs(cursor, replays[0], owners, start, stop, grace)

        loading = asyncio.create_task(load(first))
        for start in range(first, last, CHUNK):
            frame, inputs = await loading
            if start + CHUNK < last:
                # The database is at work on the next day while this one is followed.
                loading = asyncio.create_task(load(start + CHUNK))
                await asyncio.sleep(0.001)
            for replay in replays:
                replay.follow(frame, inputs)
            say(min(start + CHUNK, last) - first, last - first)
    return replays


async def _inputs(
    cursor: psycopg.AsyncCursor, replay: Replay, owners: dict[str, str], first: int, end: int, grace: timedelta
) -> Inputs:
    begins, ends = slot_start(first), slot_start(end)
    presence: dict[int, dict[str, Presence]] = {}
    for dctu, by_start in (await alarm_inputs.read_arrived(cursor, None, begins, ends)).items():
        for start, of in by_start.items():
            presence.setdefault(slot_of(start), {})[dctu] = Presence(of.expected, of.on_time)
    mended: dict[str, list[Mended]] = {}
    for dctu, gap_first, gap_end, healed_at in await alarm_inputs.read_mended(cursor, begins, ends):
        mended.setdefault(dctu, []).append(Mended(slot_of(gap_first), slot_of(gap_end), healed_at))
    until = from_us(slot_end_us(end - 1)) + grace
    plans = []
    for at, day in planning.checks(replay.book, begins + grace, until):
        found = await alarm_inputs.read_planned(cursor, day, at)
        plans.append((at, day, {entity: planning.Planned(*of) for entity, of in found.items()}))
    return Inputs(presence, owners, mended, plans)
