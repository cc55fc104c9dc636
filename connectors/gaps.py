"""Gaps of DCTUs in the archive."""

from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from schemas.time import from_us, slot_of, slot_start, to_us


class StoredGap(NamedTuple):
    """A row of `gap`: slots `[first, end)`, instants in microseconds."""

    dctu_id: int
    first: int
    end: int
    channels: int
    declared: bool
    opened_us: int
    healed_us: int | None


async def load_open(cursor: psycopg.AsyncCursor, dctu_ids: Sequence[int]) -> list[StoredGap]:
    """The gaps of DCTUs that are not healed, oldest first."""
    await cursor.execute(
        "select dctu_id, first_start, last_end, channels, declared, opened_at from gap"
        " where healed_at is null and dctu_id = any (%s) order by first_start",
        [list(dctu_ids)],
    )
    return [
        StoredGap(dctu, slot_of(first), slot_of(end), channels, declared, to_us(opened), None)
        for dctu, first, end, channels, declared, opened in await cursor.fetchall()
    ]


async def last_filled(cursor: psycopg.AsyncCursor, dctu_id: int, first: int, end: int) -> int | None:
    """The stream's time when the last of the cells that a DCTU has in slots `[first, end)` was filled."""
    await cursor.execute(
        """
        select max(least(r.received_at, v.first_at)) from assignment a
        join reading r on r.channel_id = a.channel_id and r.ts >= %(first)s and r.ts < %(end)s
         and r.ts >= greatest(a.from_ts, a.registered_at) and r.ts < a.to_ts
        left join lateral (
            select min(received_at) as first_at from reading_revision
            where channel_id = r.channel_id and ts = r.ts and ts >= %(first)s and ts < %(end)s
        ) v on r.revision > 0
        where a.dctu_id = %(dctu)s
        """,
        {"dctu": dctu_id, "first": slot_start(first), "end": slot_start(end)},
    )
    row = await cursor.fetchone()
    return None if row is None or row[0] is None else to_us(row[0])


async def is_missing(cursor: psycopg.AsyncCursor, dctu_id: int, first: int, end: int) -> bool:
    """Whether anything that is expected of a DCTU is still missing in slots `[first, end)`."""
    at = {"dctu": dctu_id, "first": slot_start(first), "end": slot_start(end)}
    # Partial sums tell nearly always, and cheaply. Where they see nothing, a value that nobody expected may stand in
    # for one that is missing.
    await cursor.execute(
        "select from partial where dctu_id = %(dctu)s and ts >= %(first)s and ts < %(end)s and present < expected"
        " limit 1",
        at,
    )
    if await cursor.fetchone() is not None:
        return True
    await cursor.execute(
        """
        select from assignment a
        cross join lateral (
            select greatest(a.from_ts, a.registered_at, %(first)s) as begin_ts, least(a.to_ts, %(end)s) as end_ts
        ) expected
        where a.dctu_id = %(dctu)s and begin_ts < end_ts
          and floor(extract(epoch from end_ts - begin_ts) / 900) > (
            select count(*) from reading r
            where r.channel_id = a.channel_id and r.ts >= begin_ts and r.ts < end_ts
              and r.ts >= %(first)s and r.ts < %(end)s
          )
        limit 1
        """,
        at,
    )
    return await cursor.fetchone() is not None


async def write(cursor: psycopg.AsyncCursor, gaps: Sequence[StoredGap]) -> None:
    """Set gaps, each key at most once."""
    if not gaps:
        return
    await cursor.execute(
        "insert into gap (first_start, last_end, dctu_id, channels, declared, opened_at, healed_at) "
        "select * from unnest(%s::timestamptz[], %s::timestamptz[], %s::int[], %s::int[], %s::bool[],"
        " %s::timestamptz[], %s::timestamptz[]) "
        "on conflict (dctu_id, first_start) do update set last_end = excluded.last_end, channels = excluded.channels,"
        " declared = excluded.declared, healed_at = excluded.healed_at",
        [
            [slot_start(g.first) for g in gaps],
            [slot_start(g.end) for g in gaps],
            [g.dctu_id for g in gaps],
            [g.channels for g in gaps],
            [g.declared for g in gaps],
            [from_us(g.opened_us) for g in gaps],
            [from_us(g.healed_us) if g.healed_us is not None else None for g in gaps],
        ],
    )
