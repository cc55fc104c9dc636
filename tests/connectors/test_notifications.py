"""Tests of connectors.notifications."""

from collections.abc import Sequence

import psycopg
import pytest
import pytest_asyncio

from connectors import notifications
from connectors.notifications import Waiting
from tests.connectors.alarmed import alarm, notice, only_alarm, stored, write

pytestmark = pytest.mark.stack
LONG_S = 3600.0


@pytest_asyncio.fixture
async def number(connection: psycopg.AsyncConnection) -> int:
    return await only_alarm(connection)


async def due(connection: psycopg.AsyncConnection, again_s: float = LONG_S, most: int = 100) -> list[Waiting]:
    return await notifications.due(connection, again_s, most)


async def deliver(connection: psycopg.AsyncConnection, told: Sequence[Waiting]) -> None:
    async with connection.transaction(), connection.cursor() as cursor:
        await notifications.delivered(cursor, told)


async def rows(connection: psycopg.AsyncConnection) -> list[tuple[object, ...]]:
    found = await connection.execute(
        "select escalation, ended, delivered_at is not null, attempts, error from notification order by notification_id"
    )
    answer = await found.fetchall()
    await connection.commit()
    return answer


async def test_what_is_new_is_due_as_it_was_written(connection: psycopg.AsyncConnection, number: int) -> None:
    told = notice(number, zone="Солтүстік")
    await write(connection, told)
    (one,) = await due(connection)
    assert (one.alarm_id, one.labels, one.annotations) == (number, told.labels, told.annotations)
    assert (one.ended, one.new, one.attempts) == (False, True, 0)
    assert one.created_at <= one.changed_at


async def test_what_was_delivered_is_not_due_until_it_is_time_again(
    connection: psycopg.AsyncConnection, number: int
) -> None:
    await write(connection, notice(number))
    await deliver(connection, await due(connection))
    assert await due(connection) == []
    (again,) = await due(connection, again_s=0)
    assert not again.new


async def test_what_is_told_again_unchanged_is_due_as_new_without_a_second_row(
    connection: psycopg.AsyncConnection, number: int
) -> None:
    await write(connection, notice(number))
    await deliver(connection, await due(connection))
    (before,) = await due(connection, again_s=0)
    await write(connection, notice(number))
    (one,) = await due(connection)
    assert one.new
    assert (one.notification_id, one.created_at) == (before.notification_id, before.created_at)


async def test_what_the_newer_words_say_is_told(connection: psycopg.AsyncConnection, number: int) -> None:
    await write(connection, notice(number))
    await write(connection, notice(number)._replace(annotations={"summary_en": "worse"}))
    assert [one.annotations for one in await due(connection)] == [{"summary_en": "worse"}]


async def test_the_end_of_what_was_told_is_due_once_and_then_forgotten(
    connection: psycopg.AsyncConnection, number: int
) -> None:
    await write(connection, notice(number))
    await deliver(connection, await due(connection))
    await write(connection, notice(number, ended=True))
    (end,) = await due(connection)
    assert (end.ended, end.new, end.labels) == (True, True, notice(number).labels)
    await deliver(connection, [end])
    assert await rows(connection) == []


async def test_the_end_ends_the_call_of_the_next_one_too(connection: psycopg.AsyncConnection, number: int) -> None:
    await write(connection, notice(number), notice(number, escalation=True, priority="urgent"))
    assert [one.labels["priority"] for one in await due(connection)] == ["high", "urgent"]
    await write(connection, notice(number, ended=True))
    assert [one.ended for one in await due(connection)] == [True, True]


async def test_the_end_of_one_alarm_is_not_that_of_another(connection: psycopg.AsyncConnection, number: int) -> None:
    (other,) = await stored(connection, alarm(code="G"))
    assert other.alarm_id is not None
    await write(connection, notice(number), notice(other.alarm_id), notice(number, ended=True))
    assert {one.alarm_id: one.ended for one in await due(connection)} == {number: True, other.alarm_id: False}


async def test_an_end_of_what_nobody_was_told_is_nothing(connection: psycopg.AsyncConnection, number: int) -> None:
    await write(connection, notice(number, ended=True))
    assert await rows(connection) == []


async def test_an_alarm_with_other_labels_is_another_alert_and_the_old_one_ends(
    connection: psycopg.AsyncConnection, number: int
) -> None:
    await write(connection, notice(number, priority="medium"))
    await deliver(connection, await due(connection))
    await write(connection, notice(number))
    assert [(one.labels["priority"], one.ended, one.new) for one in await due(connection)] == [
        ("medium", True, True), ("high", False, True),
    ]  # fmt: skip


async def test_an_alarm_that_comes_back_before_its_end_was_told_is_told_of_again_after_it(
    connection: psycopg.AsyncConnection, number: int
) -> None:
    await write(connection, notice(number), notice(number, ended=True), notice(number))
    assert [one.ended for one in await due(connection)] == [True, False]


async def test_what_changes_while_it_is_delivered_is_delivered_again(
    connection: psycopg.AsyncConnection, number: int
) -> None:
    await write(connection, notice(number))
    under_way = await due(connection)
    await write(connection, notice(number, ended=True))
    await deliver(connection, under_way)
    (end,) = await due(connection)
    assert (end.ended, end.new) == (True, True)


async def test_what_failed_stays_due_with_its_attempts_and_why(
    connection: psycopg.AsyncConnection, number: int
) -> None:
    await write(connection, notice(number))
    for attempt in (1, 2):
        waiting = await due(connection)
        async with connection.transaction(), connection.cursor() as cursor:
            await notifications.failed(cursor, waiting, "refused")
        assert await rows(connection) == [(False, False, False, attempt, "refused")]
    (one,) = await due(connection)
    assert (one.new, one.attempts) == (True, 2)


async def test_a_delivery_forgets_what_failed_before(connection: psycopg.AsyncConnection, number: int) -> None:
    await write(connection, notice(number))
    waiting = await due(connection)
    async with connection.transaction(), connection.cursor() as cursor:
        await notifications.failed(cursor, waiting, "refused")
    await deliver(connection, await due(connection))
    assert await rows(connection) == [(False, False, True, 0, "")]


async def test_no_more_are_due_at_once_than_asked_for_the_oldest_first(
    connection: psycopg.AsyncConnection, number: int
) -> None:
    others = [one.alarm_id or 0 for one in await stored(connection, *(alarm(code=code) for code in "ABC"))]
    await write(connection, *(notice(one) for one in (number, *others)))
    assert [one.alarm_id for one in await due(connection, most=3)] == [number, *others[:2]]


async def test_what_was_not_delivered_as_it_is_waits(connection: psycopg.AsyncConnection, number: int) -> None:
    assert await notifications.count_waiting(connection) == 0
    await write(connection, notice(number), notice(number, escalation=True))
    assert await notifications.count_waiting(connection) == 2
    await deliver(connection, await due(connection))
    assert await notifications.count_waiting(connection) == 0
    await write(connection, notice(number, ended=True))
    assert await notifications.count_waiting(connection) == 2


async def test_a_notice_is_written_with_what_it_tells_of(connection: psycopg.AsyncConnection, number: int) -> None:
    async with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        await notifications.write(cursor, [notice(number)])
    assert await rows(connection) == []
