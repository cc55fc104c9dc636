"""How the pipeline of a space does: who works, how far each agent is, what waits, what is missing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import psycopg

from connectors import kafka
from connectors.database import NoDatabaseError, connect, space_url
from connectors.drain import messages_left
from infra.words import many
from schemas.settings import Settings
from schemas.time import LOCAL
from schemas.topics import topics_of

State = Literal["good", "late", "down", "plain"]

# A tick older than this, by the wall clock, means that nobody writes the time or nobody processes it.
STALE = timedelta(minutes=2)
_PLACE = LOCAL.key.rpartition("/")[2]


@dataclass(frozen=True)
class Line:
    """One line of the status."""

    name: str
    state: State
    says: str


def look(settings: Settings) -> list[Line]:
    """The lines, agents first. A server that does not answer is said by DatabaseError or KafkaError."""
    missing = [Line("space", "down", f"{settings.space} has no tables or topics yet; `tengerim worker` makes them")]
    try:
        connection = connect(space_url(settings.database, settings.space))
    except NoDatabaseError:
        return missing
    with connection:
        connection.autocommit = True
        try:
            return [
                _agent(connection, settings, "collect", topics_of(settings.space).frames),
                _agent(connection, settings, "balance", topics_of(settings.space).changes),
                _agent(connection, settings, "alarm", topics_of(settings.space).events),
                _time(connection),
                *_waiting(connection),
                *_data(connection),
                *_alarms(connection),
            ]
        except (psycopg.errors.UndefinedTable, kafka.NoTopicError):
            return missing


def _one(connection: psycopg.Connection, query: str, *values: object) -> Any:
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


def _agent(connection: psycopg.Connection, settings: Settings, agent: str, topic: str) -> Line:
    members = kafka.group_members(settings.kafka, f"{settings.space}.{agent}")
    rows = connection.execute(
        "select partition, topic_id, next_off from ingest_offset where agent = %s and topic = %s", [agent, topic]
    )
    places = {partition: (topic_id, next_off) for partition, topic_id, next_off in rows}
    ends = kafka.end_offsets(settings.kafka, topic)
    left = messages_left(ends, kafka.topic_ids(settings.kafka, [topic])[topic], places)
    waiting = f"{many(left, 'message')} to process" if left else "nothing waits"
    if not members:
        return Line(agent, "down", f"no worker; {waiting}. Start one: `tengerim worker`")
    return Line(agent, "late" if left > 1000 else "good", f"{many(members, 'worker')}; {waiting}")


def _time(connection: psycopg.Connection) -> Line:
    watched = _one(connection, "select min(watched_until) from ingest_offset where agent = 'collect'")
    closed = _one(connection, "select max(ts) from balance where closed")
    if watched is None:
        return Line("time", "late", "no tick of a clock has been processed yet")
    age = datetime.now(UTC) - watched
    now = watched.astimezone(LOCAL)
    newest = f"; newest closed interval {_at(closed.astimezone(LOCAL), now)}" if closed is not None else ""
    apart = f"{_span(abs(age))} {'behind' if age >= timedelta() else 'ahead of'} the wall clock"
    says = f"at {now:%Y-%m-%d %H:%M:%S} {_PLACE} time, {apart}{newest}"
    return Line("time", "late" if abs(age) > STALE else "good", says)


def _at(start: datetime, now: datetime) -> str:
    """The start of an interval, with its day where that is another than today."""
    return f"{start:%H:%M}" if start.date() == now.date() else f"{start:%Y-%m-%d %H:%M}"


def _span(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds / 86400:.1f} days" if seconds >= 172800 else f"{seconds // 3600} h"


def _waiting(connection: psycopg.Connection) -> list[Line]:
    lines = []
    for table, what, to_do in (("outbox", "message", "send on"), ("recompute", "period", "compute anew")):
        count = _one(connection, f"select count(*) from {table}")
        says = f"{many(count, what)} to {to_do}" if count else "empty"
        lines.append(Line(table, "late" if count > 100 else "good", says))
    return lines


def _data(connection: psycopg.Connection) -> list[Line]:
    dctus = _one(connection, "select count(*) from dctu_key")
    gaps, since = _one(connection, "select count(distinct dctu_id), min(first_start) from gap where healed_at is null")
    says = f"all {dctus} report"
    if gaps:
        says = f"{gaps} of {dctus} with gaps, the longest since {since.astimezone(LOCAL):%Y-%m-%d %H:%M}"
    refused = connection.execute(
        "select rule, count(*) from quarantine where replayed_at is null group by rule order by count(*) desc, rule"
    ).fetchall()
    kept = ", ".join(f"{count:,} {rule}" for rule, count in refused)
    return [
        Line("DCTUs", "late" if gaps else "good", says if dctus else "none is registered yet"),
        Line("quarantine", "plain", f"{kept}; see `tengerim quarantine list`" if kept else "empty"),
    ]


def _alarms(connection: psycopg.Connection) -> list[Line]:
    """What stands, and whether anybody has been told."""
    standing, unacknowledged, suppressed = _one(
        connection,
        "select count(*) filter (where state in ('UNACK', 'ACKED', 'LUNACK', 'LACK')),"
        " count(*) filter (where state in ('UNACK', 'LUNACK', 'RTNUN')),"
        " count(*) filter (where state in ('SHLVD', 'DSUPR', 'OOSRV')) from alarm",
    )
    says = f"{many(standing, 'alarm')} standing, {unacknowledged} not acknowledged, {suppressed} suppressed"
    lines = [Line("alarms", "late" if unacknowledged else "good", f"{says}; see `tengerim alarms list`")]
    waiting, error = _one(
        connection,
        "select count(*), max(error) from notification where delivered_at is null or delivered_at < changed_at",
    )
    told = (
        f"{many(waiting, 'call')} not delivered{f': {error}' if error else ''}"
        if waiting
        else "everything is delivered"
    )
    lines.append(Line("notifications", "late" if waiting else "good", told))
    return lines
