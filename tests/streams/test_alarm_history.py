"""Tests of streams.alarm_history: late values of F, written by hand, and what the journal says of them."""

from datetime import datetime
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from alerts.master import Master
from connectors import alarms
from connectors.alarms import StoredAlarm
from connectors.membership import read_membership
from schemas.time import to_us
from streams.alarm_desk import Desk
from streams.alarm_history import REACH, follow_history
from streams.frames import Frames
from streams.nodes import Nodes
from tests.alerts.making import master
from tests.connectors.alarmed import alarm, clear, entry, stored
from tests.connectors.rows import balance
from tests.property.database import Database
from tests.property.histories import slot_at
from tests.property.world import minute

pytestmark = pytest.mark.stack
PLAN, LOW = 100_000_000, 80_000_000
NOW = minute(600)


@pytest_asyncio.fixture(autouse=True)
async def nothing_stands(connection: psycopg.AsyncConnection) -> None:
    await clear(connection)


def rules(**changes: dict[str, Any]) -> Master:
    """Deviations of generation, and nothing else."""
    return master(**{"TRIP": {"enabled": False}, "ZONE_IMB": {"enabled": False}, **changes})


def generate(database: Database, end: int, low: range, **given: int) -> None:
    """F generates by plan until a minute; 80 MW less in the intervals that start in `low`."""
    for start in range(0, end, 15):
        for kind, node in (("facility", "F"), ("unit", "UG")):
            fact = LOW if start in low else PLAN
            balance(database.connection, kind, node, start, gen_plan_wh=PLAN, gen_fact_wh=fact, **given)


async def follow(
    connection: psycopg.AsyncConnection, changed: range, of: Master | None = None, node: str = "F"
) -> None:
    """A facility's intervals that start in these minutes changed late."""
    desk = Desk(of or rules())
    async with connection.transaction(), connection.cursor() as cursor:
        book = await desk.open(cursor)
        frames = Frames(Nodes(await read_membership(cursor)), {})
        row = frames.row_of["facility", node]
        await follow_history(cursor, book, frames, {slot_at(start): {row} for start in changed}, to_us(NOW))
        await desk.close(cursor, book)


async def written(connection: psycopg.AsyncConnection) -> list[tuple[str, datetime, datetime]]:
    """What would have alarmed: object, interval, when that was written down."""
    found = await connection.execute(
        "select object, interval_start, at from alarm_event where event = 'would have alarmed' order by event_id"
    )
    rows = await found.fetchall()
    await connection.commit()
    return rows


async def test_it_is_written_down_and_nobody_is_called(database: Database, connection: psycopg.AsyncConnection) -> None:
    generate(database, 120, range(30, 60))
    await follow(connection, range(30, 60, 15))
    assert await written(connection) == [("F", minute(30), NOW)]
    cursor = await connection.execute("select priority, value, annunciated, detail from alarm_event")
    assert await cursor.fetchall() == [
        (
            "high", -80_000_000, False,
            {"would_have": {"raised_at": minute(45).isoformat(), "cleared_at": minute(90).isoformat()}},
        )
    ]  # fmt: skip
    cursor = await connection.execute("select state, (select count(*) from notification) from alarm")
    assert await cursor.fetchall() == [("NORM", 0)]


async def test_it_is_written_down_once_however_often_it_changes(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    generate(database, 120, range(30, 60))
    for _ in range(2):
        await follow(connection, range(30, 60, 15))
    assert len(await written(connection)) == 1


async def test_what_still_would_stand_has_no_end(database: Database, connection: psycopg.AsyncConnection) -> None:
    # It goes on in an interval that came in time.
    generate(database, 120, range(30, 90))
    await follow(connection, range(30, 60, 15))
    cursor = await connection.execute("select detail -> 'would_have' ->> 'cleared_at' from alarm_event")
    assert await cursor.fetchall() == [(None,)]


async def stands(connection: psycopg.AsyncConnection, first: int, **given: Any) -> StoredAlarm:
    """The alarm of F stands in the journal, from an interval on."""
    (one,) = await stored(connection, alarm("DEV_GEN", "facility", "F", priority="low", **given))
    async with connection.transaction(), connection.cursor() as cursor:
        await alarms.journal(cursor, [entry(one)._replace(interval_start=minute(first))])
    return one


@pytest.mark.parametrize(("first", "known"), [(15, True), (30, True), (45, False)])
async def test_what_was_called_for_then_is_known(
    database: Database, connection: psycopg.AsyncConnection, first: int, *, known: bool
) -> None:
    generate(database, 120, range(30, 60))
    await stands(connection, first)
    await follow(connection, range(30, 60, 15))
    assert bool(await written(connection)) is not known


async def test_an_alarm_that_stands_now_is_left_as_it_is(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    generate(database, 120, range(30, 60))
    before = await stands(connection, 540)
    await follow(connection, range(30, 60, 15))
    assert await written(connection) == [("F", minute(30), NOW)]
    async with connection.cursor() as cursor:
        assert await alarms.load(cursor) == [before]


async def test_of_who_did_not_change_nothing_is_said(database: Database, connection: psycopg.AsyncConnection) -> None:
    generate(database, 120, range(30, 60))
    await follow(connection, range(30, 60, 15), node="G")
    assert await written(connection) == []


async def test_what_began_in_an_interval_that_did_not_change_was_seen_then(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    generate(database, 120, range(15, 75))
    await follow(connection, range(30, 75, 15))
    assert await written(connection) == []


async def test_the_delay_of_the_rule_counts_intervals_before_the_change(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    patient = rules(DEV_GEN={"on_delay": 1})
    generate(database, 120, range(30, 45))
    await follow(connection, range(30, 45, 15), patient)
    assert await written(connection) == []
    generate_more = "update balance set gen_fact_wh = %s where ts = %s and gen_plan_wh is not null"
    database.connection.execute(generate_more, [LOW, minute(45)])
    database.connection.commit()
    await follow(connection, range(45, 60, 15), patient)
    assert await written(connection) == [("F", minute(45), NOW)]


async def test_what_may_come_of_missing_data_is_not_written_down(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    generate(database, 120, range(30, 60), present=7, expected=10)
    await follow(connection, range(30, 60, 15))
    assert await written(connection) == []


async def test_further_back_than_a_week_a_back_test_tells(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    week = 15 * REACH
    generate(database, 120, range(30, 60))
    await follow(connection, range(30, 45 + week, week))
    assert await written(connection) == []
    await follow(connection, range(30, 30 + week, week - 15))
    assert await written(connection) == [("F", minute(30), NOW)]
