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
