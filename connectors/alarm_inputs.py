"""What conditions rest on, read for the agent `alarm`: balances, silence at a deadline, what was handed over, plans."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from connectors.balances import ENERGIES, NULL
from connectors.columns import read_columns
from schemas.time import INTERVAL_US, day_slots, slot_start

Ints = NDArray[np.int64]


async def read_balances(cursor: psycopg.AsyncCursor, first: int, end: int, kinds: Sequence[str] | None) -> list[Ints]:
    """Balance rows of slots `[first, end)`, as columns: of kinds of nodes, and of units that lack data; None: all.

    slot, node_id, present, expected, version (0: none), closed, then the ENERGIES (NULL: none).
    """
    energies = ", ".join(f"coalesce({name}, {NULL})" for name in ENERGIES)
    wanted: sql.SQL | sql.Composed = sql.SQL("true")
    if kinds is not None:
        wanted = sql.SQL(
            "(b.node_id in (select node_id from node where kind = any ({})) or b.present < greatest(b.expected, 1)"
            " and b.node_id in (select node_id from node where kind = 'unit'))"
        ).format(sql.Literal(list(kinds)))
    columns = await read_columns(
        cursor,
        sql.SQL(
            "select b.ts, b.node_id, b.present, b.expected, coalesce(b.schedule_version, 0), b.closed::int, "
            + energies
            + " from balance b where b.ts >= {} and b.ts < {} and {}"
        ).format(sql.Literal(slot_start(first)), sql.Literal(slot_start(end)), wanted),
        ("timestamptz", *("int4",) * 5, *("int8",) * len(ENERGIES)),
    )
    columns[0] //= INTERVAL_US
    return columns


async def read_capacities(cursor: psycopg.AsyncCursor) -> dict[int, int]:
    """Installed capacity of units, W, by node_id."""
    await cursor.execute(
        "select n.node_id, v.capacity_w from v_node v join node n on n.kind = v.node_kind and n.node = v.node"
        " where v.node_kind = 'unit' and v.capacity_w is not null"
    )
    return dict(await cursor.fetchall())


async def read_owners(cursor: psycopg.AsyncCursor, at: datetime) -> dict[str, str]:
    """The entity of every DCTU at an instant."""
    await cursor.execute(
        "select d.dctu, f.entity from dctu_period('infinity') d join facility_period('infinity') f using (facility)"
        " where d.valid_from <= %(at)s and d.valid_to > %(at)s and f.valid_from <= %(at)s and f.valid_to > %(at)s",
        {"at": at},
    )
    return dict(await cursor.fetchall())


class Arrived(NamedTuple):
    """Of one object in an interval, or over several: points expected, there in time, there by now."""

    expected: int
    on_time: int
    present: int


async def read_presence(cursor: psycopg.AsyncCursor, start: datetime) -> dict[str, Arrived]:
    """Of every DCTU of which anything is expected in an interval."""
    await cursor.execute(
        "select k.dctu, sum(p.expected)::int, sum(least(p.on_time, p.expected))::int,"
        " sum(least(p.present, p.expected))::int from partial p join dctu_key k using (dctu_id)"
        " where p.ts = %s group by k.dctu having sum(p.expected) > 0",
        [start],
    )
    return {row[0]: Arrived(*row[1:]) for row in await cursor.fetchall()}


_OF_EMCS = """
select k.dctu, c.emc, count(*)::int, (count(*) filter (where first_at < %(deadline)s))::int, count(first_at)::int
from assignment a
join channel_key c using (channel_id)
join dctu_key k using (dctu_id)
left join lateral (
    select least(r.received_at, min(v.received_at)) as first_at
    from reading r left join reading_revision v
      on v.channel_id = r.channel_id and v.ts = r.ts and v.ts = %(start)s and r.revision > 0
    where r.channel_id = a.channel_id and r.ts = %(start)s group by r.received_at
) came on true
where k.dctu = any (%(dctus)s) and a.from_ts <= %(start)s and a.to_ts > %(start)s and a.registered_at <= %(start)s
group by k.dctu, c.emc
"""


async def read_emcs(
    cursor: psycopg.AsyncCursor, dctus: Sequence[str], start: datetime, deadline: datetime
) -> dict[tuple[str, str], Arrived]:
    """Of the EMCs of some DCTUs, by (DCTU, EMC)."""
    await cursor.execute(_OF_EMCS.encode(), {"dctus": list(dctus), "start": start, "deadline": deadline})
    return {(row[0], row[1]): Arrived(*row[2:]) for row in await cursor.fetchall()}


async def read_arrived(
    cursor: psycopg.AsyncCursor, dctus: Sequence[str] | None, start: datetime, end: datetime
) -> dict[str, dict[datetime, Arrived]]:
    """Of some DCTUs (None: all), by interval, what is there by now."""
    await cursor.execute(
        "select k.dctu, p.ts, sum(p.expected)::int, sum(least(p.on_time, p.expected))::int,"
        " sum(least(p.present, p.expected))::int from partial p join dctu_key k using (dctu_id)"
        " where (%(dctus)s::text[] is null or k.dctu = any (%(dctus)s)) and p.ts >= %(start)s and p.ts < %(end)s"
        " group by k.dctu, p.ts having sum(p.expected) > 0",
        {"dctus": None if dctus is None else list(dctus), "start": start, "end": end},
    )
    found: dict[str, dict[datetime, Arrived]] = {}
    for dctu, ts, *counts in await cursor.fetchall():
        found.setdefault(dctu, {})[ts] = Arrived(*counts)
    return found


async def read_arrived_at(
    cursor: psycopg.AsyncCursor, wanted: Sequence[tuple[str, datetime]]
) -> dict[tuple[str, datetime], Arrived]:
    """Of DCTUs in single intervals, what is there by now."""
    if not wanted:
        return {}
    starts = [start for _, start in wanted]
    await cursor.execute(
        "select k.dctu, p.ts, sum(p.expected)::int, sum(least(p.on_time, p.expected))::int,"
        " sum(least(p.present, p.expected))::int"
        " from unnest(%s::text[], %s::timestamptz[]) w (dctu, ts) join dctu_key k using (dctu)"
        " join partial p on p.dctu_id = k.dctu_id and p.ts = w.ts and p.ts between %s and %s group by k.dctu, p.ts",
        [[dctu for dctu, _ in wanted], starts, min(starts), max(starts)],
    )
    return {(row[0], row[1]): Arrived(*row[2:]) for row in await cursor.fetchall()}


async def missing_emcs(
    cursor: psycopg.AsyncCursor, wanted: Sequence[tuple[str, datetime]]
) -> set[tuple[str, datetime]]:
    """Of EMCs in single intervals, those of which anything is missing by now."""
    if not wanted:
        return set()
    starts = [start for _, start in wanted]
    await cursor.execute(
        "select distinct w.emc, w.ts from unnest(%s::text[], %s::timestamptz[]) w (emc, ts)"
        " join channel_key c using (emc) join assignment a using (channel_id)"
        " left join reading r on r.channel_id = a.channel_id and r.ts = w.ts and r.ts between %s and %s"
        " where a.from_ts <= w.ts and a.to_ts > w.ts and a.registered_at <= w.ts and r.ts is null",
        [[emc for emc, _ in wanted], starts, min(starts), max(starts)],
    )
    return set(await cursor.fetchall())


async def count_emc(cursor: psycopg.AsyncCursor, emc: str, start: datetime, end: datetime) -> tuple[int, int]:
    """How many cells are expected of an EMC in `[start, end)`, and how many are there."""
    await cursor.execute(
        """
        select coalesce(sum(floor(extract(epoch from until_ts - begin_ts) / 900)), 0)::int, coalesce(sum(there), 0)::int
        from channel_key c join assignment a using (channel_id)
        cross join lateral (select greatest(a.from_ts, a.registered_at, %(start)s) as begin_ts,
                                   least(a.to_ts, %(end)s) as until_ts) period
        cross join lateral (select count(*) as there from reading r where r.channel_id = a.channel_id
                            and r.ts >= begin_ts and r.ts < until_ts and r.ts >= %(start)s and r.ts < %(end)s) came
        where c.emc = %(emc)s and begin_ts < until_ts
        """,
        {"emc": emc, "start": start, "end": end},
    )
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


async def read_mended(
    cursor: psycopg.AsyncCursor, start: datetime, end: datetime
) -> list[tuple[str, datetime, datetime, datetime]]:
    """Healed gaps that touch a period, or healed in it: DCTU, begin, end, when."""
    await cursor.execute(
        "select k.dctu, g.first_start, g.last_end, g.healed_at from gap g join dctu_key k using (dctu_id)"
        " where g.first_start < %(end)s and g.healed_at >= %(start)s",
        {"start": start, "end": end},
    )
    return await cursor.fetchall()


async def last_arrival(
    cursor: psycopg.AsyncCursor, start: datetime, end: datetime, *, dctu: str = "", emc: str = ""
) -> datetime | None:
    """When the last cell of a DCTU, or of an EMC, in `[start, end)` first came, by the stream's time."""
    await cursor.execute(
        """
        select max(first_at) from assignment a
        join channel_key c using (channel_id) join dctu_key k using (dctu_id)
        cross join lateral (
            select least(r.received_at, v.first_at) as first_at from reading r
            left join lateral (
                select min(received_at) as first_at from reading_revision
                where channel_id = r.channel_id and ts = r.ts and ts >= %(start)s and ts < %(end)s
            ) v on r.revision > 0
            where r.channel_id = a.channel_id and r.ts >= greatest(a.from_ts, a.registered_at, %(start)s)
              and r.ts < least(a.to_ts, %(end)s) and r.ts >= %(start)s and r.ts < %(end)s
        ) came
        where (%(dctu)s = '' or k.dctu = %(dctu)s) and (%(emc)s = '' or c.emc = %(emc)s)
        """,
        {"start": start, "end": end, "dctu": dctu, "emc": emc},
    )
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def read_planned(cursor: psycopg.AsyncCursor, day: date, known_at: datetime) -> Mapping[str, tuple[int, int]]:
    """By entity, how many units it has on an operating day, and how many lack the plan of any hour of it."""
    slots = day_slots(day)
    begin, end = slot_start(slots.start), slot_start(slots.stop)
    await cursor.execute(
        """
        select e.node, count(*)::int, (count(*) filter (where coalesce(s.hours, 0) < %(hours)s))::int
        from membership m join node e on e.node_id = m.entity_id join node u on u.node_id = m.unit_id
        left join (
            select unit, count(distinct hour) as hours from daily_schedule
            where hour >= %(begin)s and hour < %(end)s and received_at <= %(known_at)s group by unit
        ) s on s.unit = u.node
        where m.from_ts <= %(begin)s and m.to_ts >= %(end)s
        group by e.node
        """,
        {"hours": (end - begin) // timedelta(hours=1), "begin": begin, "end": end, "known_at": known_at},
    )
    return {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}


async def read_clock(cursor: psycopg.AsyncCursor, agent: str, topic: str) -> datetime | None:
    """How far an agent is in the stream's time."""
    await cursor.execute("select max(watched_until) from ingest_offset where agent = %s and topic = %s", [agent, topic])
    row = await cursor.fetchone()
    return None if row is None else row[0]
