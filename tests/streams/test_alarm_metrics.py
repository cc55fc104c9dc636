"""Tests of streams.alarm_metrics."""

import psycopg
import pytest
from prometheus_client import REGISTRY

from connectors import alarms, notifications
from streams.alarm_metrics import show
from tests.connectors.alarmed import alarm, at, clear, entry, notice, stored

pytestmark = pytest.mark.stack


def gauge(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"tengerim_{name}", labels)


async def reach(connection: psycopg.AsyncConnection, minutes: float) -> None:
    await connection.execute(
        "insert into ingest_offset (agent, topic, partition, topic_id, next_off, epoch, watched_until)"
        " values ('alarm', 'test.events', 0, 'log', 0, 1, %s)",
        [at(minutes)],
    )
    await connection.commit()


async def test_what_stands_and_waits_is_shown_and_what_ended_is_not(connection: psycopg.AsyncConnection) -> None:
    await clear(connection)
    of, _ = await stored(connection, alarm(), alarm(code="G", state="ACKED", priority="low"))
    async with connection.transaction(), connection.cursor() as cursor:
        await notifications.write(cursor, [notice(of.alarm_id or 0)])
    await show(connection, 1)
    assert gauge("notifications_pending") == 1
    assert (gauge("alarms", state="UNACK", priority="high"), gauge("alarms", state="ACKED", priority="low")) == (1, 1)
    await stored(connection, of._replace(state="NORM"))
    await show(connection, 1)
    assert (gauge("alarms", state="UNACK", priority="high"), gauge("alarms", state="ACKED", priority="low")) == (
        None,
        1,
    )


async def test_figures_are_those_of_the_last_24_hours_of_the_streams_time(connection: psycopg.AsyncConnection) -> None:
    await clear(connection)
    (of,) = await stored(connection, alarm())
    async with connection.transaction(), connection.cursor() as cursor:
        await alarms.journal(cursor, [entry(of, minutes=minutes) for minutes in (-2 * 1440, 10, 20, 30)])
    await reach(connection, 60)
    await show(connection, 1)
    assert (gauge("alarm_kpi", figure="annunciated"), gauge("alarm_kpi", figure="most_per_hour")) == (3, 3)
    # Called two days ago, and it stands still.
    assert gauge("alarm_kpi", figure="stale_over_24_h") == 1
    await show(connection, 3)
    assert gauge("alarm_kpi", figure="most_per_hour") == 1
