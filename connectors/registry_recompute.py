"""What a change of master data makes wrong in the archive: found by comparing before and after, nothing more.

Periods are multiranges, so a unit that moves from a date on costs what follows that date only.
"""

from datetime import datetime
from typing import NamedTuple

import psycopg

# Of the columns of `assignment` without the limit (max_wh): what was accepted stays accepted.
_ASSIGNMENT = "channel_id, dctu_id, unit_id, sign"
_MEMBERSHIP = "unit_id, kind, facility_id, entity_id, provider_id, hub_id, region_id, branch_id, zone_id, system_id"
_CHANGED = """
    select {columns}, (old - new) + (new - old) as during from (
        select {columns}, coalesce(range_agg(period) filter (where is_old), '{{}}') as old,
               coalesce(range_agg(period) filter (where not is_old), '{{}}') as new
        from (select *, tstzrange(from_ts, to_ts) as period, true as is_old from {table}_before
              union all select *, tstzrange(from_ts, to_ts), false from {table}) both_times
        group by {columns}
    ) compared
"""
# A new channel has no reading yet, and none is expected of it before its registration.
_TOUCHED = f"""
    create temp table touched on commit drop as
    select dctu_id, range_agg(
        case when c.channel_id <= %(last_channel)s then during
        else during * tstzmultirange(tstzrange(date_bin('15 minutes', k.registered_at, 'epoch'), 'infinity')) end
    ) as during
    from ({_CHANGED.format(columns=_ASSIGNMENT, table="assignment")}) c join channel_key k using (channel_id)
    group by dctu_id
    union all
    select null, range_agg(during) from (
        select during from ({_CHANGED.format(columns=_MEMBERSHIP, table="membership")}) m
        union all
        select tstzmultirange(tstzrange(date_bin('15 minutes', registered_at, 'epoch'), 'infinity'))
        from node where node_id > %(last_node)s
    ) above
"""
_ASK = """
    insert into recompute (dctu_id, from_ts, to_ts)
    select dctu_id, lower(period), upper(period)
    from (select dctu_id, unnest(during * tstzmultirange(tstzrange(%s, %s))) as period from touched) cut
    order by dctu_id, period
"""


class Before(NamedTuple):
    """The greatest identifiers given before the change."""

    last_channel: int
    last_node: int


class Readings(NamedTuple):
    """The first and the last interval of which the archive has a reading."""

    first: datetime | None
    last: datetime | None


def note_before(connection: psycopg.Connection) -> Before:
    """Keep, for the rest of the transaction, what is in force before the change."""
    for table in ("assignment", "membership"):
        connection.execute(f"create temp table {table}_before on commit drop as table {table}".encode())
    [row] = connection.execute(
        "select coalesce(max(channel_id), 0), (select coalesce(max(node_id), 0) from node) from channel_key"
    ).fetchall()
    return Before(*row)


def find_touched(connection: psycopg.Connection, before: Before) -> Readings | None:
    """Compare after the change: which periods of which DCTU, and (no DCTU) of the nodes, are another matter now.

    None where there are none; else how far the readings reach, for `ask_recompute`.
    """
    connection.execute(_TOUCHED, before._asdict())
    if not connection.execute("select from touched where not isempty(during) limit 1").rowcount:
        return None
    return _readings(connection)


def ask_recompute(connection: psycopg.Connection, readings: Readings) -> None:
    """Write `recompute` for what was found, as far as the archive has anything there.

    That is from the first reading, partial sum or registration to the last reading or judged interval, or to the time
    that has passed in the stream. To be called when nobody can add to the archive any more by the old master data:
    `readings` may be older than that, because a reading that came since has its partial sum.
    """
    [(first, end)] = connection.execute(
        """
        select date_bin('15 minutes', least((select min(ts) from partial), (select min(registered_at) from channel_key),
                                            (select min(registered_at) from node), %s), 'epoch'),
               greatest((select max(ts) from partial), (select max(ts) from balance), %s,
                        (select watermark() where isfinite(watermark()))) + interval '15 minutes'
        """,
        readings,
    ).fetchall()
    if end is not None and first < end:
        connection.execute(_ASK, [first, end])


def _readings(connection: psycopg.Connection) -> Readings:
    # `reading` has no index by time alone, so this reads a whole chunk at either end.
    chunks = connection.execute(
        """
        select range_start, range_end from timescaledb_information.chunks
        where hypertable_schema = current_schema() and hypertable_name = 'reading' order by range_start
        """
    ).fetchall()
    return Readings(_edge(connection, "min", chunks), _edge(connection, "max", chunks[::-1]))


def _edge(connection: psycopg.Connection, edge: str, chunks: list[tuple[datetime, datetime]]) -> datetime | None:
    for chunk in chunks:
        row = connection.execute(
            f"select {edge}(ts) from reading where ts >= %s and ts < %s".encode(), chunk
        ).fetchone()
        if row and row[0]:
            at: datetime = row[0]
            return at
    return None
