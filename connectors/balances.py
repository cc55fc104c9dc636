"""Balance rows and what they are computed from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from connectors.binary_copy import copy_in
from connectors.columns import read_columns
from schemas.time import INTERVAL_US, slot_of, slot_start, to_us

Ints = NDArray[np.int64]

# COPY's packed rows hold no NULL: this stands for it on the way.
NULL = np.iinfo(np.int64).min

ENERGIES = ("gen_plan_wh", "gen_fact_wh", "cons_plan_wh", "cons_fact_wh", "exch_plan_wh", "exch_fact_wh")
_KEY = ("ts", "node_id", "present", "expected", "schedule_version")
_COLUMNS = (*_KEY, "closed", *ENERGIES, "imbalance_wh", "computed_at")
_TYPES = ("timestamptz", "int4", "int4", "int4", "int8", "bool", *("int8",) * 7, "timestamptz")

_TEMPORARY = """
create temporary table staged_balance (
    ts timestamptz, node_id integer, present integer, expected integer, schedule_version bigint, closed boolean,
    gen_plan_wh bigint, gen_fact_wh bigint, cons_plan_wh bigint, cons_fact_wh bigint,
    exch_plan_wh bigint, exch_fact_wh bigint, imbalance_wh bigint, computed_at timestamptz
) on commit delete rows
"""


@dataclass(slots=True)
class Rows:
    """Rows of `balance` as columns of one length; NULL where there is nothing."""

    slot: Ints
    node_id: Ints
    present: Ints
    expected: Ints
    schedule_version: Ints
    closed: NDArray[np.bool_]
    energies: Ints  # (rows, 6), in the order of ENERGIES
    imbalance: Ints


async def prepare_session(connection: psycopg.AsyncConnection) -> None:
    """Make the temporary table of a connection."""
    await connection.execute(_TEMPORARY.encode())
    await connection.commit()


async def read_sums(cursor: psycopg.AsyncCursor, slots: Sequence[int]) -> list[Ints]:
    """What is present of units at intervals: slot, unit_id, wh, present."""
    columns = await read_columns(
        cursor,
        sql.SQL(
            "select ts, unit_id, sum(wh)::bigint, sum(present)::bigint from partial"
            " where ts = any ({}) and unit_id <> 0 group by ts, unit_id"
        ).format(sql.Literal([slot_start(slot) for slot in slots])),
        ("timestamptz", "int4", "int8", "int8"),
    )
    columns[0] //= INTERVAL_US
    return columns


async def read_plan(cursor: psycopg.AsyncCursor, hours: Sequence[int]) -> list[Ints]:
    """The plan in force of hours (named by their first slot): slot of the hour, unit_id, version, wh of the hour."""
    columns = await read_columns(
        cursor,
        sql.SQL(
            "select distinct on (n.node_id, s.hour) s.hour, n.node_id, s.version, s.wh from daily_schedule s "
            "join node n on n.kind = 'unit' and n.node = s.unit where s.hour = any ({}) "
            "order by n.node_id, s.hour, s.version desc"
        ).format(sql.Literal([slot_start(hour) for hour in hours])),
        ("timestamptz", "int4", "int4", "int8"),
    )
    columns[0] //= INTERVAL_US
    return columns


async def write(cursor: psycopg.AsyncCursor, rows: Rows, now_us: int) -> set[tuple[int, int]]:
    """Set balance rows, each key at most once; gives the (slot, node_id) of those that are new or changed."""
    n = len(rows.slot)
    await cursor.execute("delete from staged_balance")
    if not n:
        return set()
    await copy_in(
        cursor, "staged_balance", _COLUMNS, _TYPES,
        [
            rows.slot * INTERVAL_US, rows.node_id, rows.present, rows.expected, rows.schedule_version,
            rows.closed, *rows.energies.T, rows.imbalance, np.full(n, now_us, np.int64),
        ],
    )  # fmt: skip
    nullable = ("schedule_version", *ENERGIES)
    values = ", ".join(
        f"nullif({c}, {NULL}){'::integer' if c == 'schedule_version' else ''}" if c in nullable else c for c in _COLUMNS
    )
    compared = [c for c in _COLUMNS if c not in ("ts", "node_id", "computed_at")]
    changes = ", ".join(f"{c} = excluded.{c}" for c in (*compared, "computed_at"))
    ours, theirs = ", ".join(f"b.{c}" for c in compared), ", ".join(f"excluded.{c}" for c in compared)
    await cursor.execute(
        f"insert into balance as b ({', '.join(_COLUMNS)}) select {values} from staged_balance "
        f"on conflict (node_id, ts) do update set {changes} where ({ours}) is distinct from ({theirs}) "
        "returning (extract(epoch from ts) / 900)::int, node_id"
    )
    return {(slot, node) for slot, node in await cursor.fetchall()}


async def remove(cursor: psycopg.AsyncCursor, slots: Ints, node_ids: Ints) -> None:
    """Delete rows by key, where they are."""
    if len(slots):
        await cursor.execute(
            "delete from balance b using unnest(%s::timestamptz[], %s::int[]) k (ts, node_id)"
            " where b.ts = k.ts and b.node_id = k.node_id and b.ts between %s and %s",
            [
                [slot_start(slot) for slot in slots.tolist()], node_ids.tolist(),
                slot_start(int(slots.min())), slot_start(int(slots.max())),
            ],
        )  # fmt: skip


async def remove_others(cursor: psycopg.AsyncCursor, slots: Sequence[int]) -> None:
    """Delete the rows of intervals that the last `write` of this transaction did not have."""
    await cursor.execute(
        "delete from balance b where b.ts = any (%s) and not exists"
        " (select from staged_balance s where s.ts = b.ts and s.node_id = b.node_id)",
        [[slot_start(slot) for slot in slots]],
    )


async def read_closed(cursor: psycopg.AsyncCursor, slots: Sequence[int]) -> list[Ints]:
    """Which rows of intervals are closed: slot, node_id, 1 or 0."""
    columns = await read_columns(
        cursor,
        sql.SQL("select ts, node_id, closed::int from balance where ts = any ({})").format(
            sql.Literal([slot_start(slot) for slot in slots])
        ),
        ("timestamptz", "int4", "int4"),
    )
    columns[0] //= INTERVAL_US
    return columns


async def open_slots(cursor: psycopg.AsyncCursor, last: int) -> Ints:
    """The intervals up to `last`, in order, that have rows that are not closed."""
    await cursor.execute(
        "select distinct ts from balance where not closed and ts <= %s order by ts", [slot_start(last)]
    )
    return np.array([slot_of(ts) for (ts,) in await cursor.fetchall()], np.int64)


async def watermark(cursor: psycopg.AsyncCursor, frames: str, partitions: int) -> int | None:
    """The time to which every partition of `frames` has been watched, in microseconds; None before all have a tick."""
    await cursor.execute(
        "select min(watched_until), count(watched_until) from ingest_offset where agent = 'collect' and topic = %s",
        [frames],
    )
    row = await cursor.fetchone()
    if row is None or row[0] is None or row[1] < partitions:
        return None
    return to_us(row[0])
