"""Alarms, entries of the journal and notifications, made by hand and written as the agent writes them."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import psycopg

from connectors import alarms, notifications
from connectors.alarms import JournalEntry, StoredAlarm
from connectors.database import connect_async
from connectors.notifications import Notice
from tests.alerts.making import NOON_AT

TABLES = ("notification", "alarm_command", "alarm_event", "alarm", "alarm_rules")


def at(minutes: float) -> datetime:
    """So long after noon of the 2nd of March 2026, UTC."""
    return NOON_AT + timedelta(minutes=minutes)


def alarm(type_: str = "TRIP", kind: str = "facility", code: str = "F", **given: Any) -> StoredAlarm:
    """An alarm that stands and that nobody has acknowledged, but for what is given."""
    usual: dict[str, Any] = {
        "alarm_id": None, "type": type_, "object_kind": kind, "object": code, "state": "UNACK", "life": "UNACK",
        "condition": True, "latched": False, "priority": "high", "raised_at": at(15), "acked_at": None, "acked_by": "",
        "escalated": False, "shelved_until": None, "rule_reason": "", "order_reason": "", "out_of_service": "",
        "level": 1, "since_ts": at(0), "below_ts": None, "seen_ts": at(0), "doubtful": False, "value": -320_000_000,
        "limit_value": 200_000_000, "unit": "W", "interval_start": at(0), "completeness": 0.5, "schedule_version": 3,
        "detail": {}, "changed_at": at(15),
    }  # fmt: skip
    return StoredAlarm(**{**usual, **given})


def entry(of: StoredAlarm, event: str = "raise", minutes: float = 15, **given: Any) -> JournalEntry:
    """An entry of an alarm's journal, as the alarm is, but for what is given."""
    usual: dict[str, Any] = {
        "at": at(minutes), "alarm_id": of.alarm_id, "type": of.type, "object_kind": of.object_kind,
        "object": of.object, "event": event, "state_before": "NORM", "state": of.state,
        "annunciated": event == "raise", "priority": of.priority, "value": of.value, "limit_value": of.limit_value,
        "unit": of.unit, "interval_start": of.interval_start, "completeness": of.completeness,
        "schedule_version": of.schedule_version, "rules": "abc", "actor": "", "reason": "", "command_id": None,
        "detail": {},
    }  # fmt: skip
    return JournalEntry(**{**usual, **given})


def notice(alarm_id: int, *, escalation: bool = False, ended: bool = False, **labels: str) -> Notice:
    """That an alarm stands, or no longer."""
    told = {} if ended else {"alertname": "TRIP", "alarm_id": str(alarm_id), "priority": "high", **labels}
    return Notice(alarm_id, escalation, ended, told, {} if ended else {"summary_en": "Sudden loss"})


async def clear(connection: psycopg.AsyncConnection) -> None:
    """No alarms, and the version as in a new space."""
    async with connection.transaction():
        for table in TABLES:
            await connection.execute(f"delete from {table}".encode())
        await connection.execute("update alarm_version set version = 0")


async def stored(connection: psycopg.AsyncConnection, *found: StoredAlarm) -> list[StoredAlarm]:
    """Write alarms; gives them with their numbers."""
    async with connection.transaction(), connection.cursor() as cursor:
        numbers = await alarms.write(cursor, found)
    return [one._replace(alarm_id=number) for one, number in zip(found, numbers, strict=True)]


async def only_alarm(connection: psycopg.AsyncConnection) -> int:
    """The number of the one alarm that there is; there are no notifications."""
    await clear(connection)
    (of,) = await stored(connection, alarm())
    assert of.alarm_id is not None
    return of.alarm_id


async def write(connection: psycopg.AsyncConnection, *notices: Notice) -> None:
    """Put notices into the outbox."""
    async with connection.transaction(), connection.cursor() as cursor:
        await notifications.write(cursor, notices)


def fill(url: str, found: Sequence[StoredAlarm], entries: Sequence[tuple[int, JournalEntry]]) -> list[int]:
    """Write alarms and entries (with the place of their alarm) into a database; gives the alarms' numbers."""

    async def write() -> list[int]:
        async with await connect_async(url) as connection, connection.cursor() as cursor:
            numbers = await alarms.write(cursor, found)
            await alarms.journal(cursor, [one._replace(alarm_id=numbers[place]) for place, one in entries])
            return numbers

    # In a thread of its own: this one may have an event loop, as under a browser.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, write()).result()
