"""The queue of what is to be computed anew: what an import touched, or a lost log may have told."""

from datetime import datetime
from typing import NamedTuple

import psycopg

from schemas.time import slot_from, slot_start, to_us


class Task(NamedTuple):
    """Partial sums of a DCTU, or (None) all balances, for slots `[first, end)`."""

    recompute_id: int
    dctu_id: int | None
    dctu: str | None
    first: int
    end: int


async def next_task(cursor: psycopg.AsyncCursor) -> Task | None:
    """The task that reaches nearest to the present, partial sums before balances."""
    await cursor.execute(
        "select r.recompute_id, r.dctu_id, d.dctu, r.from_ts, r.to_ts from recompute r left join dctu_key d"
        " using (dctu_id) order by r.to_ts desc, r.dctu_id is null, r.recompute_id limit 1"
    )
    row: tuple[int, int | None, str | None, datetime, datetime] | None = await cursor.fetchone()
    if row is None:
        return None
    return Task(row[0], row[1], row[2], slot_from(row[3]), slot_from(row[4]))


async def waiting_dctus(cursor: psycopg.AsyncCursor) -> set[str]:
    """The DCTUs whose partial sums wait to be computed anew."""
    await cursor.execute("select distinct dctu from recompute join dctu_key using (dctu_id)")
    return {dctu for (dctu,) in await cursor.fetchall()}


async def done_from(cursor: psycopg.AsyncCursor, task: Task, slot: int) -> None:
    """Note back to where a task is done; at its beginning it is gone."""
    if slot <= task.first:
        await cursor.execute("delete from recompute where recompute_id = %s", [task.recompute_id])
    else:
        await cursor.execute(
            "update recompute set to_ts = %s where recompute_id = %s", [slot_start(slot), task.recompute_id]
        )


async def ask_period(cursor: psycopg.AsyncCursor, first: int, end: int) -> None:
    """Ask for all balances of slots `[first, end)`, unless they wait already."""
    await cursor.execute(
        "insert into recompute (from_ts, to_ts) select %(first)s, %(end)s where not exists"
        " (select from recompute where dctu_id is null and from_ts <= %(first)s and to_ts >= %(end)s)",
        {"first": slot_start(first), "end": slot_start(end)},
    )


async def ask_all(cursor: psycopg.AsyncCursor) -> bool:
    """Ask for all balances that the archive can have; False where it can have none."""
    await cursor.execute(
        "insert into recompute (from_ts, to_ts) select min(first), max(last) + interval '15 minutes' from"
        " (select min(ts) as first, max(ts) as last from partial union all select min(ts), max(ts) from balance) held"
        " having min(first) is not null"
    )
    return cursor.rowcount > 0


async def hold_partition(cursor: psycopg.AsyncCursor, frames: str, partition: int) -> int | None:
    """Keep the owner of a partition of `frames` from committing until this transaction ends; gives its time."""
    await cursor.execute(
        "select watched_until from ingest_offset where agent = 'collect' and topic = %s and partition = %s for update",
        [frames, partition],
    )
    row = await cursor.fetchone()
    return None if row is None or row[0] is None else to_us(row[0])
