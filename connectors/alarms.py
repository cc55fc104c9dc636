"""Alarms as they stand, their journal, and the answers to commands."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb


class StoredAlarm(NamedTuple):
    """A row of `alarm`, in the order of its columns. Intervals by their start."""

    alarm_id: int | None
    type: str
    object_kind: str
    object: str
    state: str
    life: str
    condition: bool
    latched: bool
    priority: str
    raised_at: datetime | None
    acked_at: datetime | None
    acked_by: str
    escalated: bool
    shelved_until: datetime | None
    rule_reason: str
    order_reason: str
    out_of_service: str
    level: int
    since_ts: datetime | None
    below_ts: datetime | None
    seen_ts: datetime | None
    doubtful: bool
    value: int | None
    limit_value: int | None
    unit: str
    interval_start: datetime | None
    completeness: float | None
    schedule_version: int | None
    detail: dict[str, Any]
    changed_at: datetime


class JournalEntry(NamedTuple):
    """A row of `alarm_event`."""

    at: datetime
    alarm_id: int | None
    type: str
    object_kind: str
    object: str
    event: str
    state_before: str
    state: str
    annunciated: bool
    priority: str
    value: int | None
    limit_value: int | None
    unit: str
    interval_start: datetime | None
    completeness: float | None
    schedule_version: int | None
    rules: str
    actor: str
    reason: str
    command_id: UUID | None
    detail: dict[str, Any]


class Answer(NamedTuple):
    """What came of a command."""

    command_id: UUID
    at: datetime
    sent_at: datetime
    actor: str
    command: str
    alarm_id: int | None
    done: bool
    answer: str


_TYPES = {
    "alarm_id": "int", "at": "timestamptz", "raised_at": "timestamptz", "acked_at": "timestamptz",
    "shelved_until": "timestamptz", "since_ts": "timestamptz", "below_ts": "timestamptz", "seen_ts": "timestamptz",
    "interval_start": "timestamptz", "changed_at": "timestamptz", "condition": "bool", "latched": "bool",
    "escalated": "bool", "doubtful": "bool", "annunciated": "bool", "level": "smallint",
    "value": "bigint", "limit_value": "bigint", "completeness": "float8", "schedule_version": "int", "detail": "jsonb",
    "command_id": "uuid",
    "sent_at": "timestamptz", "done": "bool",
}  # fmt: skip
_KEY = ("type", "object_kind", "object")


async def hold(cursor: psycopg.AsyncCursor) -> int:
    """The version of the alarms; nobody else changes them before this transaction ends."""
    await cursor.execute("select version from alarm_version for update")
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def changed(cursor: psycopg.AsyncCursor) -> int:
    """Raise the version, which must be held; gives the new one."""
    await cursor.execute("update alarm_version set version = version + 1 returning version")
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def version(connection: psycopg.AsyncConnection) -> int:
    """The version of the alarms, as it is."""
    row = await (await connection.execute("select version from alarm_version")).fetchone()
    assert row is not None
    return int(row[0])


async def load(cursor: psycopg.AsyncCursor) -> list[StoredAlarm]:
    """Every instance."""
    await cursor.execute(f"select {', '.join(StoredAlarm._fields)} from alarm order by alarm_id".encode())
    return [StoredAlarm(*row) for row in await cursor.fetchall()]


async def write(cursor: psycopg.AsyncCursor, alarms: Sequence[StoredAlarm]) -> list[int]:
    """Set instances, each key at most once; gives their numbers in that order. Who has none is new."""
    known = [alarm for alarm in alarms if alarm.alarm_id is not None]
    if known:
        columns = StoredAlarm._fields
        changes = ", ".join(f"{c} = n.{c}" for c in columns if c not in ("alarm_id", *_KEY))
        await cursor.execute(
            f"update alarm a set {changes} from unnest({_arrays(columns)}) n ({', '.join(columns)})"
            " where a.alarm_id = n.alarm_id",
            _columns(known),
        )
    numbers: dict[tuple[str, ...], int] = {}
    new = [alarm[1:] for alarm in alarms if alarm.alarm_id is None]
    if new:
        await _insert(cursor, "alarm", StoredAlarm._fields[1:], new, f" returning {', '.join(_KEY)}, alarm_id")
        numbers = {row[:3]: int(row[3]) for row in await cursor.fetchall()}
    return [alarm.alarm_id or numbers[alarm.type, alarm.object_kind, alarm.object] for alarm in alarms]


async def journal(cursor: psycopg.AsyncCursor, entries: Sequence[JournalEntry]) -> None:
    """Write entries down, in their order."""
    if entries:
        await _insert(cursor, "alarm_event", JournalEntry._fields, entries)


async def journal_calls(cursor: psycopg.AsyncCursor, event: str, calls: Sequence[tuple[int, dict[str, Any]]]) -> None:
    """Write down what became of notifications of alarms, as the alarms stand."""
    if calls:
        await cursor.execute(
            "insert into alarm_event (at, alarm_id, type, object_kind, object, event, state_before, state, annunciated,"
            " priority, value, limit_value, unit, interval_start, completeness, schedule_version, rules, actor, reason,"
            " command_id, detail) select coalesce((select max(watched_until) from ingest_offset where agent = 'alarm'),"
            " now()), a.alarm_id, a.type, a.object_kind, a.object, %s, a.state, a.state, false, a.priority, a.value,"
            " a.limit_value, a.unit, a.interval_start, a.completeness, a.schedule_version, '', '', '', null, c.detail"
            " from unnest(%s::int[], %s::jsonb[]) c (alarm_id, detail) join alarm a using (alarm_id)",
            [event, [alarm_id for alarm_id, _ in calls], [Jsonb(detail, _dumps) for _, detail in calls]],
        )


async def count_by_state(connection: psycopg.AsyncConnection) -> dict[tuple[str, str], int]:
    """How many alarms are not normal, by state and priority."""
    cursor = await connection.execute(
        "select state, priority, count(*) from alarm where state <> 'NORM' group by state, priority"
    )
    rows = await cursor.fetchall()
    await connection.commit()
    return {(state, priority): count for state, priority, count in rows}


async def recent(
    connection: psycopg.AsyncConnection, span: timedelta
) -> tuple[datetime | None, list[tuple[datetime, str, str, bool, str]]]:
    """The stream's time of the agent, and the calls and ends of the time before: at, alarm, event, called, priority."""
    cursor = await connection.execute("select max(watched_until) from ingest_offset where agent = 'alarm'")
    row = await cursor.fetchone()
    now: datetime | None = None if row is None else row[0]
    if now is None:
        await connection.commit()
        return None, []
    cursor = await connection.execute(
        "select at, type || ' ' || object_kind || '/' || object, event, annunciated, priority from alarm_event"
        " where at > %s and (annunciated or event = 'clear') order by at, event_id",
        [now - span],
    )
    rows = await cursor.fetchall()
    await connection.commit()
    return now, rows


async def known_occurrences(
    cursor: psycopg.AsyncCursor, occurrences: Sequence[tuple[str, str, str, datetime]]
) -> set[tuple[str, str, str, datetime]]:
    """Which of these (type, kind, code, interval) the journal covers: it stood then, or is written down already."""
    if not occurrences:
        return set()
    await cursor.execute(
        "select o.type, o.kind, o.object, o.start"
        " from unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[]) o (type, kind, object, start)"
        " join alarm a on a.type = o.type and a.object_kind = o.kind and a.object = o.object"
        " join lateral (select e.event, e.interval_start from alarm_event e where e.alarm_id = a.alarm_id"
        " and e.interval_start <= o.start and (e.event in ('clear', 'would have alarmed')"
        # What was suppressed for want of data has never been told.
        " or e.event = 'raise' and e.state <> 'DSUPR')"
        " order by e.interval_start desc, e.event = 'clear' desc limit 1) last"
        " on last.event = 'raise' or (last.event = 'would have alarmed' and last.interval_start = o.start)",
        [list(column) for column in zip(*occurrences, strict=True)],
    )
    return set(await cursor.fetchall())


async def answered(cursor: psycopg.AsyncCursor, commands: Collection[UUID]) -> set[UUID]:
    """Which commands have been answered."""
    await cursor.execute("select command_id from alarm_command where command_id = any (%s)", [list(commands)])
    return {row[0] for row in await cursor.fetchall()}


async def answer(cursor: psycopg.AsyncCursor, answers: Sequence[Answer]) -> None:
    """Write down what came of commands."""
    if answers:
        await _insert(cursor, "alarm_command", Answer._fields, answers)


async def keep_rules(cursor: psycopg.AsyncCursor, digest: str, text: str) -> None:
    """Keep a master alarm database that is in force; it counts as the newest."""
    await cursor.execute(
        "insert into alarm_rules (digest, text) values (%s, %s) on conflict (digest) do update set loaded_at = now()",
        [digest, text],
    )


async def newest_rules(cursor: psycopg.AsyncCursor) -> str | None:
    """The text of the master alarm database that was last in force."""
    await cursor.execute("select text from alarm_rules order by loaded_at desc limit 1")
    row = await cursor.fetchone()
    return None if row is None else str(row[0])


async def _insert(
    cursor: psycopg.AsyncCursor, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], more: str = ""
) -> None:
    await cursor.execute(
        f"insert into {table} ({', '.join(columns)}) select * from unnest({_arrays(columns)}){more}", _columns(rows)
    )


def _arrays(columns: Sequence[str]) -> str:
    return ", ".join(f"%s::{_TYPES.get(column, 'text')}[]" for column in columns)


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [[Jsonb(v, _dumps) if isinstance(v, dict) else v for v in column] for column in zip(*rows, strict=True)]


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
