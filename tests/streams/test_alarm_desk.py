"""Tests of streams.alarm_desk: two desks at the same alarms, as two processes have them."""

from typing import Any

import psycopg
import pytest
import pytest_asyncio

from alerts.book import Basis, Book, Instance, Key
from alerts.life import Event, Kind
from alerts.master import shipped
from schemas.alarm import AlarmType, Priority, State, Unit
from schemas.time import slot_of
from streams.alarm_desk import Desk
from tests.alerts.making import master
from tests.connectors.alarmed import at, clear

pytestmark = pytest.mark.stack
TRIP = Key(AlarmType.TRIP, "facility", "F")
OTHER = Key(AlarmType.DEV_GEN, "facility", "G")
ACK = Event(Kind.ACKNOWLEDGE)


@pytest_asyncio.fixture(autouse=True)
async def nothing_stands(connection: psycopg.AsyncConnection) -> None:
    await clear(connection)


def desk(**given: Any) -> Desk:
    return Desk(master(), **given)


def raise_(book: Book, key: Key = TRIP, priority: Priority = Priority.HIGH) -> Instance:
    instance = book.open(key, at(15))
    instance.basis = Basis(Unit.W, 320_000_000, 200_000_000, slot_of(at(0)))
    book.happen(instance, Event(Kind.RAISE, priority), at(15))
    return instance


async def happens(connection: psycopg.AsyncConnection, of: Desk, *events: tuple[Key, Event]) -> None:
    """Let things happen to alarms in one transaction; RAISE as above."""
    async with connection.transaction(), connection.cursor() as cursor:
        book = await of.open(cursor)
        for key, event in events:
            if event.kind is Kind.RAISE:
                raise_(book, key, event.priority)
            else:
                book.happen(book.instances[key], event, at(20))
        await of.close(cursor, book)


async def rows(connection: psycopg.AsyncConnection, query: str) -> list[tuple[Any, ...]]:
    found = await (await connection.execute(query.encode())).fetchall()
    await connection.commit()
    return found


RAISED = (TRIP, Event(Kind.RAISE, Priority.HIGH))


async def test_alarm_journal_and_notification_are_written_together(connection: psycopg.AsyncConnection) -> None:
    await happens(connection, desk(public_url="http://room/"), RAISED)
    ((number, state),) = await rows(connection, "select alarm_id, state from alarm")
    assert state == "UNACK"
    assert await rows(connection, "select alarm_id, event, annunciated from alarm_event") == [(number, "raise", True)]
    ((alarm_id, labels, annotations),) = await rows(
        connection, "select alarm_id, labels, annotations from notification"
    )
    assert (alarm_id, labels["alertname"], labels["zone"], labels["entity"]) == (number, "TRIP", "NS", "K")
    assert annotations["link"] == f"http://room/alarms/{number}"
    assert "Fort" in annotations["summary_en"]


async def test_a_transaction_that_fails_leaves_nothing_and_is_not_believed(
    connection: psycopg.AsyncConnection,
) -> None:
    of = desk()
    await happens(connection, of, (OTHER, Event(Kind.RAISE)))
    async with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        book = await of.open(cursor)
        raise_(book)
        await of.close(cursor, book)
    of.forget()
    async with connection.transaction(), connection.cursor() as cursor:
        assert set((await of.open(cursor)).instances) == {OTHER}
    assert await rows(connection, "select type from alarm_event") == [("DEV_GEN",)]


async def test_a_transaction_that_failed_before_its_end_is_not_believed_either(
    connection: psycopg.AsyncConnection,
) -> None:
    of = desk()
    await happens(connection, of, (OTHER, Event(Kind.RAISE)))
    async with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        raise_(await of.open(cursor))
    async with connection.transaction(), connection.cursor() as cursor:
        assert set((await of.open(cursor)).instances) == {OTHER}


async def test_what_another_process_did_is_seen(connection: psycopg.AsyncConnection) -> None:
    ours, theirs = desk(), desk()
    await happens(connection, ours, RAISED)
    await happens(connection, theirs, (TRIP, ACK))
    async with connection.transaction(), connection.cursor() as cursor:
        book = await ours.open(cursor)
        assert book.instances[TRIP].alarm.shown is State.ACKED


async def test_while_nobody_else_changes_anything_the_book_is_kept(connection: psycopg.AsyncConnection) -> None:
    of, books = desk(), []
    await happens(connection, of, RAISED)
    for event in (None, ACK, None):
        async with connection.transaction(), connection.cursor() as cursor:
            book = await of.open(cursor)
            books.append(book)
            if event is not None:
                book.happen(book.instances[TRIP], event, at(20))
            await of.close(cursor, book)
    assert all(book is books[0] for book in books)


async def test_a_transaction_without_a_change_raises_no_version(connection: psycopg.AsyncConnection) -> None:
    of = desk()
    await happens(connection, of, RAISED)
    before = await rows(connection, "select version from alarm_version")
    await happens(connection, of)
    await happens(connection, desk())
    assert await rows(connection, "select version from alarm_version") == before
    await happens(connection, of, (TRIP, ACK))
    assert await rows(connection, "select version from alarm_version") == [(before[0][0] + 1,)]


async def test_rules_in_force_are_kept_once_and_other_ones_too(connection: psycopg.AsyncConnection) -> None:
    of = desk()
    for _ in range(2):
        await happens(connection, of)
    first, other = of.master, master(TRIP={"on_delay": 5})
    of.use(other)
    await happens(connection, of, RAISED)
    assert await rows(connection, "select digest, text from alarm_rules order by loaded_at") == [
        (first.digest, first.text), (other.digest, other.text),
    ]  # fmt: skip
    assert await rows(connection, "select rules from alarm_event") == [(other.digest,)]


async def test_new_rules_hold_of_alarms_that_are_known(connection: psycopg.AsyncConnection) -> None:
    of = desk()
    await happens(connection, of, RAISED)
    of.use(master(TRIP={"latching": False}))
    async with connection.transaction(), connection.cursor() as cursor:
        book = await of.open(cursor)
        assert book.master is of.master
        assert (book.instances[TRIP].alarm.latching, book.instances[TRIP].alarm.shown) == (False, State.UNACK)


async def in_force(connection: psycopg.AsyncConnection, of: Desk) -> str:
    async with connection.transaction(), connection.cursor() as cursor:
        return (await of.open(cursor)).master.digest


async def test_where_the_file_is_wrong_at_the_start_the_rules_last_in_force_go_on(
    connection: psycopg.AsyncConnection,
) -> None:
    ours, other = master(TRIP={"on_delay": 5}), master(TRIP={"on_delay": 6})
    for of in (ours, other, ours):
        await happens(connection, Desk(of), RAISED)
    started = Desk(None)
    assert await in_force(connection, started) == ours.digest
    started.use(other)
    assert await in_force(connection, started) == other.digest


@pytest.mark.parametrize("kept", [None, "types: {}"])
async def test_without_rules_that_can_be_used_it_begins_with_the_shipped(
    connection: psycopg.AsyncConnection, kept: str | None
) -> None:
    await connection.execute("truncate alarm_rules")
    if kept is not None:
        await connection.execute("insert into alarm_rules (digest, text) values ('old', %s)", [kept])
    await connection.commit()
    assert await in_force(connection, Desk(None)) == shipped().digest


async def test_calls_are_gathered_for_the_metrics_until_they_are_taken_or_forgotten(
    connection: psycopg.AsyncConnection,
) -> None:
    of = desk()
    await happens(connection, of, RAISED, (OTHER, Event(Kind.RAISE, Priority.LOW)))
    await happens(connection, of, (TRIP, ACK))
    assert of.called == [(AlarmType.TRIP, Priority.HIGH), (AlarmType.DEV_GEN, Priority.LOW)]
    of.forget()
    assert of.called == []


async def test_an_alarm_that_ends_in_the_transaction_in_which_it_came_is_told_of_as_ended(
    connection: psycopg.AsyncConnection,
) -> None:
    await happens(connection, desk(), (OTHER, Event(Kind.RAISE)), (OTHER, Event(Kind.CLEAR)))
    assert await rows(connection, "select ended from notification") == [(True,)]
    assert await rows(connection, "select event from alarm_event order by event_id") == [("raise",), ("clear",)]
