"""Readings of DCTUs in the archive: loaded as columns, written as columns.

New cells go straight into `reading`; whatever may already be there goes through `staged`, where the database decides
by the order of versions. Both ways end in the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from connectors.binary_copy import copy_in
from connectors.columns import read_columns
from schemas.time import INTERVAL_US, from_us, slot_of

Ints = NDArray[np.int64]
Cursor = psycopg.AsyncCursor

_VERSION = ("ts", "wh", "sent_at", "seq", "received_at", "channel_id", "quality", "rank")
_TYPES = ("timestamptz", "int8", "timestamptz", "int8", "timestamptz", "int4", "int2", "int2")

_TEMPORARY = """
create temporary table staged (
    ts timestamptz, wh bigint, sent_at timestamptz, seq bigint, received_at timestamptz,
    channel_id integer, quality smallint, rank smallint
) on commit delete rows;
create temporary table staged_partial (
    ts timestamptz, wh bigint, dctu_id integer, unit_id integer, present integer, expected integer, on_time integer
) on commit delete rows;
create temporary table staged_declared (ts timestamptz, channel_id integer) on commit delete rows;
"""


@dataclass(slots=True)
class Versions:
    """Versions of readings as columns of one length; instants in microseconds since 1970."""

    ts_us: Ints
    wh: Ints
    sent_us: Ints
    seq: Ints
    received_us: Ints
    channel_id: Ints
    quality: Ints
    rank: Ints

    def columns(self) -> list[Ints]:
        """In the order of the table."""
        return [
            self.ts_us, self.wh, self.sent_us, self.seq, self.received_us, self.channel_id, self.quality, self.rank,
        ]  # fmt: skip

    def take(self, index: Ints) -> "Versions":
        """Some of them, in the order of the index."""
        return Versions(*(column[index] for column in self.columns()))


class Conflict(NamedTuple):
    """One frame number brought two different values of one reading."""

    channel_id: int
    ts_us: int
    sent_us: int
    seq: int


class Merged(NamedTuple):
    """What came of staged versions: cells filled, versions added to filled cells, versions already known."""

    new: int
    revised: int
    known: int
    conflicts: list[Conflict]


async def prepare_session(connection: psycopg.AsyncConnection) -> None:
    """Make the temporary tables of a connection."""
    await connection.execute(_TEMPORARY.encode())
    await connection.commit()


async def write_new(cursor: Cursor, cells: Versions) -> None:
    """Add cells that are known to be empty. A unique violation means that the caller's memory is stale."""
    ordered = cells.take(np.lexsort((cells.ts_us, cells.channel_id)))
    columns = [*ordered.columns(), np.zeros(len(ordered.ts_us), np.int64)]
    await copy_in(cursor, "reading", (*_VERSION, "revision"), (*_TYPES, "int2"), columns)


_MARK_KNOWN = """
select count(*) filter (where known), count(*) filter (where not known),
       count(distinct (channel_id, ts)) filter (where not filled)
from (
    select distinct on (s.channel_id, s.ts, s.rank, s.sent_at, s.seq, s.quality, s.wh) s.channel_id, s.ts,
           r.channel_id is not null as filled,
           coalesce((r.rank, r.sent_at, r.seq, r.quality, r.wh) = (s.rank, s.sent_at, s.seq, s.quality, s.wh), false)
           or v.channel_id is not null as known
    from staged s
    left join reading r on r.channel_id = s.channel_id and r.ts = s.ts and r.ts between %(first)s and %(last)s
    left join reading_revision v on v.channel_id = s.channel_id and v.ts = s.ts and v.rank = s.rank
          and v.sent_at = s.sent_at and v.seq = s.seq and v.quality = s.quality and v.wh = s.wh
          and v.ts between %(first)s and %(last)s
) version
"""

_KEEP_LOSERS = """
with greatest_staged as (
    select distinct on (channel_id, ts) * from staged
    order by channel_id, ts, rank desc, sent_at desc, seq desc, quality desc, wh desc, received_at
), winner as (
    select s.channel_id, s.ts,
           case when r.channel_id is null or (s.rank, s.sent_at, s.seq, s.quality, s.wh)
                     > (r.rank, r.sent_at, r.seq, r.quality, r.wh)
                then (s.rank, s.sent_at, s.seq, s.quality, s.wh)
                else (r.rank, r.sent_at, r.seq, r.quality, r.wh) end as version
    from greatest_staged s
    left join reading r on r.channel_id = s.channel_id and r.ts = s.ts and r.ts between %(first)s and %(last)s
), all_versions as (
    select ts, wh, sent_at, seq, received_at, channel_id, quality, rank from staged
    union all
    select r.ts, r.wh, r.sent_at, r.seq, r.received_at, r.channel_id, r.quality, r.rank
    from winner w join reading r on r.channel_id = w.channel_id and r.ts = w.ts and r.ts between %(first)s and %(last)s
)
insert into reading_revision (ts, wh, sent_at, seq, received_at, channel_id, quality, rank)
select distinct on (a.channel_id, a.ts, a.rank, a.sent_at, a.seq, a.quality, a.wh)
       a.ts, a.wh, a.sent_at, a.seq, a.received_at, a.channel_id, a.quality, a.rank
from all_versions a join winner w using (channel_id, ts)
where (a.rank, a.sent_at, a.seq, a.quality, a.wh) is distinct from w.version
order by a.channel_id, a.ts, a.rank, a.sent_at, a.seq, a.quality, a.wh, a.received_at
on conflict do nothing
"""

_SET_WINNERS = """
insert into reading as r (ts, wh, sent_at, seq, received_at, channel_id, quality, rank, revision)
select distinct on (channel_id, ts) ts, wh, sent_at, seq, received_at, channel_id, quality, rank, 0
from staged
order by channel_id, ts, rank desc, sent_at desc, seq desc, quality desc, wh desc, received_at
on conflict (channel_id, ts) do update
set wh = excluded.wh, sent_at = excluded.sent_at, seq = excluded.seq, received_at = excluded.received_at,
    quality = excluded.quality, rank = excluded.rank
where (excluded.rank, excluded.sent_at, excluded.seq, excluded.quality, excluded.wh)
    > (r.rank, r.sent_at, r.seq, r.quality, r.wh)
"""

_COUNT_REVISIONS = """
update reading r set revision = counted.n
from (
    select v.channel_id, v.ts, least(count(*), 32767)::smallint as n
    from (select distinct channel_id, ts from staged) c
    join reading_revision v on v.channel_id = c.channel_id and v.ts = c.ts and v.ts between %(first)s and %(last)s
    group by v.channel_id, v.ts
) counted
where r.channel_id = counted.channel_id and r.ts = counted.ts and r.revision <> counted.n
  and r.ts between %(first)s and %(last)s
"""

# Asked before anything is written: a version that is known already has been told of.
_CONFLICTS = """
with cell as (
    select distinct channel_id, ts from staged
), stored as (
    select channel_id, ts, r.rank, r.sent_at, r.seq, r.quality, r.wh from cell join reading r using (channel_id, ts)
    where r.ts between %(first)s and %(last)s
    union all
    select channel_id, ts, v.rank, v.sent_at, v.seq, v.quality, v.wh
    from cell join reading_revision v using (channel_id, ts) where v.ts between %(first)s and %(last)s
), fresh as (
    select channel_id, ts, rank, sent_at, seq, quality, wh from staged except table stored
)
select distinct f.channel_id, extract(epoch from f.ts) * 1000000, extract(epoch from f.sent_at) * 1000000, f.seq
from fresh f
join (table stored union all table fresh) o using (channel_id, ts, rank, sent_at, seq)
where (o.quality, o.wh) <> (f.quality, f.wh)
"""


async def merge(cursor: Cursor, cells: Versions) -> Merged:
    """Bring versions of any cells into the archive; the greatest of each cell rules, the others are kept."""
    await copy_in(cursor, "staged", _VERSION, _TYPES, cells.columns())
    bounds = {
        "first": from_us(int(cells.ts_us.min())),
        "last": from_us(int(cells.ts_us.max())),
    }
    row = await (await cursor.execute(_MARK_KNOWN.encode(), bounds)).fetchone()
    assert row is not None
    known, unknown, new = row
    await cursor.execute(_CONFLICTS.encode(), bounds)
    conflicts = [Conflict(int(a), int(b), int(c), int(d)) for a, b, c, d in await cursor.fetchall()]
    await cursor.execute(_KEEP_LOSERS.encode(), bounds)
    await cursor.execute(_SET_WINNERS.encode())
    await cursor.execute(_COUNT_REVISIONS.encode(), bounds)
    # For the next partition's.
    await cursor.execute("delete from staged")
    repeats = len(cells.ts_us) - known - unknown
    return Merged(new, unknown - new, known + repeats, conflicts)


async def write_declared(cursor: Cursor, ts_us: Ints, channel_id: Ints) -> None:
    """Keep that devices said they have no value."""
    if not len(ts_us):
        return
    await copy_in(cursor, "staged_declared", ("ts", "channel_id"), ("timestamptz", "int4"), [ts_us, channel_id])
    await cursor.execute(
        "insert into declared_missing (ts, channel_id) select distinct ts, channel_id from staged_declared"
        " on conflict do nothing"
    )


@dataclass(slots=True)
class Partials:
    """Rows of `partial` as columns of one length."""

    ts_us: Ints
    wh: Ints
    dctu_id: Ints
    unit_id: Ints
    present: Ints
    expected: Ints
    on_time: Ints

    def columns(self) -> list[Ints]:
        """In the order of the table."""
        return [self.ts_us, self.wh, self.dctu_id, self.unit_id, self.present, self.expected, self.on_time]


async def write_partials(cursor: Cursor, rows: Partials) -> None:
    """Set rows of `partial`; each key at most once."""
    if not len(rows.ts_us):
        return
    names = ("ts", "wh", "dctu_id", "unit_id", "present", "expected", "on_time")
    types = ("timestamptz", "int8", "int4", "int4", "int4", "int4", "int4")
    await copy_in(cursor, "staged_partial", names, types, rows.columns())
    await cursor.execute(
        "insert into partial as p (ts, wh, dctu_id, unit_id, present, expected, on_time) "
        "select ts, wh, dctu_id, unit_id, present, expected, on_time from staged_partial "
        "on conflict (ts, unit_id, dctu_id) do update set wh = excluded.wh, present = excluded.present, "
        "expected = excluded.expected, on_time = excluded.on_time"
    )


async def recompute_partials(
    cursor: Cursor, dctu_id: int, first_us: int, end_us: int, watched_us: int | None, grace: timedelta
) -> list[tuple[int, int]]:
    """Bring `partial` of a DCTU and a period to what the readings say; gives the touched (slot, unit_id)."""
    period = {
        "dctu": dctu_id,
        "first": from_us(first_us),
        "end": from_us(end_us),
        "watched": from_us(watched_us) if watched_us is not None else None,
        "grace": grace,
    }
    before = await (
        await cursor.execute(
            "delete from partial where dctu_id = %(dctu)s and ts >= %(first)s and ts < %(end)s returning ts, unit_id",
            period,
        )
    ).fetchall()
    after = await (
        await cursor.execute(
            "insert into partial (ts, wh, dctu_id, unit_id, present, expected, on_time) "
            "select ts, wh, %(dctu)s, unit_id, present, expected, on_time "
            "from partial_rows(%(dctu)s, %(first)s, %(end)s, %(watched)s, %(grace)s) returning ts, unit_id",
            period,
        )
    ).fetchall()
    return sorted({(slot_of(ts), unit) for ts, unit in (*before, *after)})


async def newest_slots(cursor: Cursor, dctu_ids: Sequence[int], after_slot: int) -> list[tuple[int, int]]:
    """DCTUs that have readings after an interval, each with the newest interval of any: their partial sums tell."""
    await cursor.execute(
        "select dctu_id, max(ts) from partial where dctu_id = any (%s) and ts > %s group by dctu_id",
        [list(dctu_ids), from_us(after_slot * INTERVAL_US)],
    )
    return [(dctu_id, slot_of(ts)) for dctu_id, ts in await cursor.fetchall()]


async def load(cursor: Cursor, channel_ids: Ints, first_us: int, end_us: int) -> tuple[list[Ints], list[Ints]]:
    """Readings of channels in `[first, end)` as columns, and the declared missing ones.

    The first are channel_id, ts_us, wh, quality, rank, sent_us, seq and when the first version of the cell came;
    the second channel_id and ts_us.
    """
    ids = sql.Literal(channel_ids.tolist())
    first, end = sql.Literal(from_us(first_us)), sql.Literal(from_us(end_us))
    cells = await read_columns(
        cursor,
        sql.SQL(
            "select r.channel_id, r.ts, r.wh, r.quality, r.rank, r.sent_at, r.seq, "
            "case when r.revision = 0 then r.received_at else least(r.received_at, "
            "(select min(v.received_at) from reading_revision v where v.channel_id = r.channel_id and v.ts = r.ts "
            "and v.ts >= {first} and v.ts < {end})) end "
            "from reading r where r.channel_id = any ({ids}) and r.ts >= {first} and r.ts < {end}"
        ).format(ids=ids, first=first, end=end),
        ("int4", "timestamptz", "int8", "int2", "int2", "timestamptz", "int8", "timestamptz"),
    )
    declared = await read_columns(
        cursor,
        sql.SQL(
            "select channel_id, ts from declared_missing"
            " where channel_id = any ({ids}) and ts >= {first} and ts < {end}"
        ).format(ids=ids, first=first, end=end),
        ("int4", "timestamptz"),
    )
    return cells, declared
