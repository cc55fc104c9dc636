"""Tests of connectors.alarms."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio

from connectors import alarms
from connectors.alarms import Answer
from connectors.database import connect_async
from tests.connectors.alarmed import alarm, at, clear, entry, stored
from tests.property.database import Database

pytestmark = pytest.mark.stack
ORDER = UUID(int=7)
FULL = alarm(
    "DEV_GEN", "facility", "G", state="OOSRV", life="LACK", latched=True, acked_at=at(20), acked_by="Айгерім",
    escalated=True, shelved_until=at(60), rule_reason="GAP_DCTU D1", order_reason="ordered", out_of_service="meter",
    below_ts=at(30), seen_ts=at(30), doubtful=True, detail={"contributors": [{"unit": "U1", "imbalance_w": -1}]},
)  # fmt: skip
BARE = alarm(
    "GAP_EMC", "emc", "M1", state="NORM", life="NORM", condition=False, raised_at=None, level=0, since_ts=None,
    seen_ts=None, value=None, limit_value=None, interval_start=None, completeness=None, schedule_version=None,
)  # fmt: skip


@pytest_asyncio.fixture(autouse=True)
async def nothing_stands(connection: psycopg.AsyncConnection) -> None:
    await clear(connection)


@pytest_asyncio.fixture
async def other(database: Database) -> AsyncIterator[psycopg.AsyncConnection]:
    """Somebody else's connection."""
    async with await connect_async(database.url) as opened:
        yield opened


async def test_an_alarm_comes_back_as_it_was_written(cursor: psycopg.AsyncCursor) -> None:
    numbers = await alarms.write(cursor, [FULL, BARE])
    assert await alarms.load(cursor) == [
        one._replace(alarm_id=number) for one, number in zip((FULL, BARE), numbers, strict=True)
    ]


async def test_alarms_have_their_numbers_in_the_order_given_and_keep_them(cursor: psycopg.AsyncCursor) -> None:
    one, two, three = (alarm(code=code) for code in "ABC")
    first = await alarms.write(cursor, [one, two])
    one, two = (of._replace(alarm_id=number) for of, number in zip((one, two), first, strict=True))
    second = await alarms.write(cursor, [three, two._replace(value=5), one])
    assert second[1:] == first[::-1]
    assert second[0] not in first
    assert [(a.object, a.value) for a in await alarms.load(cursor)] == [
        ("A", one.value), ("B", 5), ("C", three.value),
    ]  # fmt: skip


async def test_all_of_an_alarm_but_its_number_is_overwritten(cursor: psycopg.AsyncCursor) -> None:
    (number,) = await alarms.write(cursor, [FULL])
    changed = BARE._replace(alarm_id=number, type=FULL.type, object_kind=FULL.object_kind, object=FULL.object)
    assert await alarms.write(cursor, [changed]) == [number]
    assert await alarms.load(cursor) == [changed]


async def test_who_believes_that_an_alarm_is_new_which_is_not_overwrites_nothing(cursor: psycopg.AsyncCursor) -> None:
    await alarms.write(cursor, [FULL])
    with pytest.raises(psycopg.errors.UniqueViolation):
        await alarms.write(cursor, [FULL])


async def test_the_version_goes_up_by_one_with_every_change(cursor: psycopg.AsyncCursor) -> None:
    before = await alarms.hold(cursor)
    assert await alarms.changed(cursor) == before + 1
    assert await alarms.hold(cursor) == before + 1


async def test_who_holds_the_alarms_is_waited_for(
    connection: psycopg.AsyncConnection, other: psycopg.AsyncConnection
) -> None:
    async with connection.cursor() as ours, other.cursor() as theirs:
        version = await alarms.hold(ours)
        waiting = asyncio.create_task(alarms.hold(theirs))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        await alarms.changed(ours)
        await connection.commit()
        assert await asyncio.wait_for(waiting, 10) == version + 1


async def test_an_entry_comes_back_as_it_was_written(cursor: psycopg.AsyncCursor) -> None:
    (number,) = await alarms.write(cursor, [FULL])
    of = FULL._replace(alarm_id=number)
    one = entry(of, "shelve", 20, actor="Айгерім", reason="сынақ", command_id=ORDER, detail={"minutes": 60})
    await alarms.journal(cursor, [entry(of), one])
    await cursor.execute(f"select {', '.join(one._fields)} from alarm_event order by event_id".encode())
    assert await cursor.fetchall() == [entry(of), one]


async def test_nothing_to_write_is_no_rows(cursor: psycopg.AsyncCursor) -> None:
    assert await alarms.write(cursor, []) == []
    await alarms.journal(cursor, [])
    await alarms.journal_calls(cursor, "notified", [])
    await alarms.answer(cursor, [])
    await cursor.execute("select (select count(*) from alarm) + (select count(*) from alarm_event)")
    assert await cursor.fetchall() == [(0,)]


async def test_a_call_is_journalled_as_the_alarm_stands_at_the_streams_time(
    connection: psycopg.AsyncConnection, cursor: psycopg.AsyncCursor
) -> None:
    (of,) = await stored(connection, FULL)
    await cursor.execute(
        "insert into ingest_offset (agent, topic, partition, topic_id, next_off, epoch, watched_until)"
        " values ('alarm', 'test.events', 0, 'log', 0, 1, %s), ('balance', 'test.changes', 0, 'log', 0, 1, %s)",
        [at(90), at(95)],
    )
    assert of.alarm_id is not None
    await alarms.journal_calls(cursor, "notified", [(of.alarm_id, {"to": "http://x", "said": "ә"})])
    await cursor.execute(
        "select at, type, object, event, state_before, state, annunciated, priority, value, detail from alarm_event"
    )
    told = {"to": "http://x", "said": "ә"}
    assert await cursor.fetchall() == [
        (at(90), "DEV_GEN", "G", "notified", "OOSRV", "OOSRV", False, "high", FULL.value, told)
    ]


async def test_alarms_are_counted_by_state_and_priority_but_the_normal(connection: psycopg.AsyncConnection) -> None:
    await stored(connection, alarm(code="A"), alarm(code="B"), alarm(code="C", priority="low"), BARE)
    assert await alarms.count_by_state(connection) == {("UNACK", "high"): 2, ("UNACK", "low"): 1}


async def test_the_recent_calls_and_ends_are_those_of_the_span_before_the_streams_time(
    connection: psycopg.AsyncConnection,
) -> None:
    assert await alarms.recent(connection, timedelta(hours=1)) == (None, [])
    (of,) = await stored(connection, alarm())
    async with connection.transaction(), connection.cursor() as cursor:
        await alarms.journal(
            cursor,
            [
                entry(of, minutes=0), entry(of, minutes=31), entry(of, "acknowledge", 40),
                entry(of, "clear", 50, priority="low"),
            ],
        )  # fmt: skip
        await cursor.execute(
            "insert into ingest_offset (agent, topic, partition, topic_id, next_off, epoch, watched_until)"
            " values ('alarm', 'test.events', 0, 'log', 0, 1, %s)",
            [at(90)],
        )
    assert await alarms.recent(connection, timedelta(hours=1)) == (
        at(90),
        [(at(31), "TRIP facility/F", "raise", True, "high"), (at(50), "TRIP facility/F", "clear", False, "low")],
    )


async def test_a_command_is_known_once_it_is_answered(cursor: psycopg.AsyncCursor) -> None:
    await alarms.answer(cursor, [Answer(ORDER, at(1), at(0), "Aigerim", "reset", 7, False, "it is normal")])
    assert await alarms.answered(cursor, [ORDER, UUID(int=8)]) == {ORDER}
    await cursor.execute("select at, sent_at, actor, command, alarm_id, done, answer from alarm_command")
    assert await cursor.fetchall() == [(at(1), at(0), "Aigerim", "reset", 7, False, "it is normal")]


async def test_the_rules_that_were_last_in_force_are_the_newest(connection: psycopg.AsyncConnection) -> None:
    async with connection.cursor() as cursor:
        assert await alarms.newest_rules(cursor) is None
        await connection.commit()
        for digest, text in (("a", "first"), ("b", "second"), ("a", "first")):
            async with connection.transaction():
                await alarms.keep_rules(cursor, digest, text)
        assert await alarms.newest_rules(cursor) == "first"
        await cursor.execute("select count(*) from alarm_rules")
        assert await cursor.fetchall() == [(2,)]


OCCURRED = ("TRIP", "facility", "F", at(0))


@pytest.mark.parametrize(
    ("events", "known"),
    [
        ([], False),
        ([("raise", 0, "UNACK")], True),
        ([("raise", -15, "UNACK")], True),
        ([("raise", 15, "UNACK")], False),
        ([("raise", -30, "UNACK"), ("clear", -15, "NORM")], False),
        ([("raise", -30, "UNACK"), ("clear", 15, "NORM")], True),
        ([("raise", -15, "DSUPR")], False),
        ([("would have alarmed", 0, "NORM")], True),
        ([("would have alarmed", -15, "NORM")], False),
        ([("acknowledge", 0, "ACKED")], False),
    ],
)
async def test_what_the_journal_covers_is_known(
    connection: psycopg.AsyncConnection, events: list[tuple[str, float, str]], known: bool
) -> None:
    of, same = await stored(connection, alarm(), alarm(code="G"))
    async with connection.cursor() as cursor:
        await alarms.journal(
            cursor,
            [entry(of, event, 20, interval_start=at(start), state=state) for event, start, state in events]
            + [entry(same, "raise", 20, interval_start=at(60))],
        )  # fmt: skip
        wanted = {OCCURRED} if known else set()
        assert await alarms.known_occurrences(cursor, [OCCURRED, ("TRIP", "facility", "G", at(0))]) == wanted
        await connection.rollback()


async def test_nothing_is_known_of_no_occurrences(cursor: psycopg.AsyncCursor) -> None:
    assert await alarms.known_occurrences(cursor, []) == set()
