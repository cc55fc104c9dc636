"""Master data in force, read for the agents."""

from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from connectors.columns import read_columns
from schemas.time import FIRST_SLOT, LAST_SLOT

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the master data of one version say of channels. Slots are half-open; `unit_id` 0: not summed."""

    version: int
    channels: dict[str, int]
    dctus: dict[str, int]
    units: dict[int, str]
    channel_id: Ints
    dctu_id: Ints
    unit_id: Ints
    sign: Ints
    max_wh: Ints
    from_slot: Ints
    to_slot: Ints
    registered_slot: Ints


def as_slot(column: str, rounding: str) -> str:
    """SQL for the slot of an instant, `rounding` floor or ceil; infinities become the ends of the calendar."""
    # 'infinity' has no epoch: clamp to the archive's calendar first.
    clamped = f"least(greatest({column}, to_timestamp({FIRST_SLOT * 900})), to_timestamp({LAST_SLOT * 900}))"
    return f"{rounding}(extract(epoch from {clamped}) / 900)::int"


async def read_version(cursor: psycopg.AsyncCursor, *, hold: bool = False) -> int:
    """The version of the master data; with `hold` no import commits before this transaction ends."""
    await cursor.execute("select version from registry_version" + (" for share" if hold else ""))
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def read_snapshot(cursor: psycopg.AsyncCursor) -> Snapshot:
    """Read it whole; the caller's transaction should be repeatable read or hold the version."""
    version = await read_version(cursor, hold=True)
    await cursor.execute("select emc || '/' || code, channel_id from channel_key")
    channels: dict[str, int] = dict(await cursor.fetchall())
    await cursor.execute("select dctu, dctu_id from dctu_key")
    dctus: dict[str, int] = dict(await cursor.fetchall())
    await cursor.execute("select node_id, node from node where kind = 'unit'")
    units: dict[int, str] = dict(await cursor.fetchall())
    query = (
        f"select channel_id, dctu_id, unit_id, sign, max_wh, {as_slot('from_ts', 'ceil')}, {as_slot('to_ts', 'ceil')}, "
        f"{as_slot('registered_at', 'ceil')} from assignment"
    )
    columns = await read_columns(
        cursor, sql.SQL(query), ("int4", "int4", "int4", "int2", "int8", "int4", "int4", "int4")
    )
    return Snapshot(version, channels, dctus, units, *columns)
