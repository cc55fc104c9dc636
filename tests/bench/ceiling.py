"""What PostgreSQL itself could take: the same rows by one connection's binary COPY into an equal hypertable."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray

from connectors.binary_copy import copy_in
from connectors.database import connect_async, space_url
from schemas.quality import Quality
from schemas.settings import Settings
from schemas.time import INTERVAL_US, slot_end_us
from tests.bench.grid import SENT_AFTER, Grid

TABLE = "ceiling"
COLUMNS = ("ts", "wh", "sent_at", "seq", "received_at", "channel_id", "quality", "rank", "revision")
TYPES = ("timestamptz", "int8", "timestamptz", "int8", "timestamptz", "int4", "int2", "int2", "int2")
BARE_COMMITS = 5

_MAKE = f"""
drop table if exists {TABLE};
create table {TABLE} (like reading);
select create_hypertable('{TABLE}', by_range('ts', interval '1 day'), create_default_indexes => false);
create unique index on {TABLE} (channel_id, ts);
"""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Rows a second in one transaction, and the seconds of a transaction that brings one batch and nothing else."""

    rows_per_s: float
    commit_s: float


def measure(settings: Settings, grid: Grid, slots: range, batch_rows: int) -> Ceiling:
    """Copy the readings of these slots, interval by interval, each sorted by key; then some batches on their own."""
    return asyncio.run(_measure(settings, grid, slots, batch_rows))


async def _measure(settings: Settings, grid: Grid, slots: range, batch_rows: int) -> Ceiling:
    async with await connect_async(space_url(settings.database, settings.space)) as connection:
        await connection.execute(_MAKE.encode())
        await connection.commit()
        days = list(_readings(grid, slots))
        begun = time.monotonic()
        for columns in days:
            await _copy(connection, columns)
        await connection.commit()
        rows_per_s = grid.channels * len(slots) / (time.monotonic() - begun)
        later = range(slots.stop, slots.stop + BARE_COMMITS)
        commits = []
        for columns in list(_readings(grid, later)):
            begun = time.monotonic()
            await _copy(connection, [column[:batch_rows] for column in columns])
            await connection.commit()
            commits.append(time.monotonic() - begun)
        return Ceiling(rows_per_s, statistics.median(commits))


async def _copy(connection: psycopg.AsyncConnection, columns: list[Ints]) -> None:
    async with connection.cursor() as cursor:
        await copy_in(cursor, TABLE, COLUMNS, TYPES, columns)


def _readings(grid: Grid, slots: range) -> Iterator[list[Ints]]:
    n = grid.channels
    channel_id = np.arange(1, n + 1)
    sent_after_us = int(SENT_AFTER.total_seconds() * 1_000_000)
    for slot in slots:
        wh = np.concatenate([grid.wh(dctu, slot) for dctu in range(grid.dctus)])
        sent_us = np.full(n, slot_end_us(slot) + sent_after_us)
        measured, zero = np.full(n, int(Quality.MEASURED)), np.zeros(n, np.int64)
        ts_us, seq = np.full(n, slot * INTERVAL_US), np.full(n, slot)
        yield [ts_us, wh, sent_us, seq, sent_us, channel_id, measured, zero, zero]
