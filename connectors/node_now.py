"""The table `node_now`: every node's newest closed interval and running hour."""

from collections.abc import Sequence
from typing import Any

import psycopg

COLUMNS = (
    "node_id", "now", "ts", "hour", "closed_intervals",
    "gen_plan_wh", "gen_fact_wh", "cons_plan_wh", "cons_fact_wh", "exch_plan_wh", "exch_fact_wh",
    "imbalance_wh", "completeness", "schedule_version",
    "hour_gen_plan_wh", "hour_gen_fact_wh", "hour_gen_naive_wh", "hour_gen_persist_wh",
    "hour_cons_plan_wh", "hour_cons_fact_wh", "hour_cons_naive_wh", "hour_cons_persist_wh",
    "hour_exch_plan_wh", "hour_exch_fact_wh", "hour_exch_naive_wh", "hour_exch_persist_wh",
    "hour_imbalance_naive_wh", "hour_imbalance_persist_wh",
)  # fmt: skip

_TYPES = (
    "int4", "timestamptz", "timestamptz", "timestamptz", "int2",
    *("int8",) * 7, "float8", "int4",
    *("int8",) * 14,
)  # fmt: skip

Row = tuple[Any, ...]


async def write(cursor: psycopg.AsyncCursor, rows: Sequence[Row]) -> None:
    """Set rows in the order of COLUMNS."""
    if not rows:
        return
    await cursor.execute("create temporary table if not exists staged_now (like node_now) on commit delete rows")
    async with cursor.copy(f"copy staged_now ({', '.join(COLUMNS)}) from stdin (format binary)") as copy:
        copy.set_types(_TYPES)
        for row in rows:
            await copy.write_row(row)
    changes = ", ".join(f"{c} = excluded.{c}" for c in COLUMNS if c != "node_id")
    await cursor.execute(
        f"insert into node_now ({', '.join(COLUMNS)}) select {', '.join(COLUMNS)} from staged_now "
        f"on conflict (node_id) do update set {changes}"
    )


async def read_all(connection: psycopg.AsyncConnection) -> tuple[list[Row], dict[int, tuple[str, str]]]:
    """Every row, in the order of COLUMNS, and the kinds and codes of their nodes."""
    async with connection.transaction():
        cursor = await connection.execute(
            f"select kind, node, {', '.join(COLUMNS)} from node_now join node using (node_id)".encode()
        )
        found = await cursor.fetchall()
    return [row[2:] for row in found], {row[2]: (row[0], row[1]) for row in found}


async def remove_missing(cursor: psycopg.AsyncCursor, node_ids: Sequence[int]) -> None:
    """Forget the nodes that no longer exist."""
    await cursor.execute("delete from node_now where not node_id = any (%s)", [list(node_ids)])
