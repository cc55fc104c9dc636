"""Tests of streams.notifying, with the real table and an Alertmanager that does as the test says."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from connectors.alertmanager import AlertmanagerError
from streams import notifying
from streams.notifying import LIVES, Notifier
from tests.connectors.alarmed import alarm, notice, only_alarm, stored, write
from tests.connectors.hook import Hook, listening

pytestmark = pytest.mark.stack
JOURNAL = "select event, detail from alarm_event where event like '%notified' order by event_id"


@pytest.fixture
def hook() -> Iterator[Hook]:
    with listening() as found:
        yield found


@pytest_asyncio.fixture
async def number(connection: psycopg.AsyncConnection) -> int:
    return await only_alarm(connection)


async def journal(connection: psycopg.AsyncConnection) -> list[tuple[str, dict[str, Any]]]:
    found = await (await connection.execute(JOURNAL.encode())).fetchall()
    await connection.commit()
    return found


async def fails(notifier: Notifier, connection: psycopg.AsyncConnection) -> None:
    with pytest.raises(AlertmanagerError):
        await notifier.deliver(connection)


def ends(alert: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(alert["endsAt"])


async def test_what_stands_is_told_for_as_long_as_it_takes_to_tell_it_again(
    connection: psycopg.AsyncConnection, number: int, hook: Hook
) -> None:
    await write(connection, notice(number))
    begun = datetime.now(UTC)
    assert await Notifier(hook.address, again_s=30).deliver(connection) == 1
    ((alert,),) = hook.taken
    assert alert["labels"] == notice(number).labels
    assert abs(ends(alert) - begun - timedelta(seconds=LIVES * 30)) < timedelta(seconds=10)
    assert datetime.fromisoformat(alert["startsAt"]) <= datetime.now(UTC)


async def test_it_is_told_once_until_it_is_time_again(
    connection: psycopg.AsyncConnection, number: int, hook: Hook
) -> None:
    await write(connection, notice(number))
    notifier = Notifier(hook.address, again_s=3600)
    assert [await notifier.deliver(connection) for _ in range(2)] == [1, 0]
    assert len(hook.taken) == 1


async def test_what_is_told_again_is_the_same_alert_and_no_news_to_the_journal(
    connection: psycopg.AsyncConnection, number: int, hook: Hook
) -> None:
    await write(connection, notice(number))
    notifier = Notifier(hook.address, again_s=0)
    for _ in range(2):
        await notifier.deliver(connection)
    (first,), (second,) = hook.taken
    assert (first["labels"], first["startsAt"]) == (second["labels"], second["startsAt"])
    assert len(await journal(connection)) == 1


async def test_an_end_is_told_as_one_and_then_never_again(
    connection: psycopg.AsyncConnection, number: int, hook: Hook
) -> None:
    notifier = Notifier(hook.address, again_s=0)
    await write(connection, notice(number))
    await notifier.deliver(connection)
    await write(connection, notice(number, ended=True))
    await notifier.deliver(connection)
    assert await notifier.deliver(connection) == 0
    (first,), (last,) = hook.taken
    assert first["labels"] == last["labels"]
    assert ends(last) <= datetime.now(UTC)
    assert [(event, detail["ended"]) for event, detail in await journal(connection)] == [
        ("notified", False), ("notified", True),
    ]  # fmt: skip


async def test_the_journal_says_to_whom_and_by_which_route(
    connection: psycopg.AsyncConnection, number: int, hook: Hook
) -> None:
    await write(connection, notice(number, escalation=True, priority="urgent"))
    await Notifier(hook.address).deliver(connection)
    ((event, detail),) = await journal(connection)
    assert (event, detail["to"], detail["route"], detail["attempts"]) == ("notified", hook.address, "urgent", 1)


async def test_a_failure_is_journalled_once_and_the_call_is_tried_again_until_it_is_taken(
    connection: psycopg.AsyncConnection, number: int, hook: Hook
) -> None:
    await write(connection, notice(number))
    notifier = Notifier(hook.address, again_s=3600)
    hook.status, hook.words = 503, "busy"
    for _ in range(3):
        await fails(notifier, connection)
    ((event, detail),) = await journal(connection)
    assert (event, detail["attempts"]) == ("not notified", 1)
    assert detail["error"] == f"Alertmanager at {hook.address} answers 503: busy"
    hook.status = 200
    assert await notifier.deliver(connection) == 1
    assert [(event, detail["attempts"]) for event, detail in await journal(connection)] == [
        ("not notified", 1), ("notified", 4),
    ]  # fmt: skip


async def test_what_comes_while_nobody_listens_is_journalled_too(
    connection: psycopg.AsyncConnection, number: int, hook: Hook
) -> None:
    (other,) = await stored(connection, alarm(code="G"))
    assert other.alarm_id is not None
    hook.status = 503
    notifier = Notifier(hook.address)
    await write(connection, notice(number))
    await fails(notifier, connection)
    await write(connection, notice(other.alarm_id))
    await fails(notifier, connection)
    assert [event for event, _ in await journal(connection)] == ["not notified"] * 2


async def test_it_ails_from_the_first_failure_to_the_next_success(
    connection: psycopg.AsyncConnection, number: int, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    await write(connection, notice(number))
    notifier = Notifier(hook.address)
    assert notifier.ailment().seconds == 0
    hook.status = 503
    await fails(notifier, connection)
    clock = 130.0
    await fails(notifier, connection)
    clock = 150.0
    assert (notifier.ailment().seconds, "answers 503" in notifier.ailment().says) == (50, True)
    hook.status = 200
    await notifier.deliver(connection)
    assert notifier.ailment().seconds == 0


async def test_an_alertmanager_that_lost_everything_is_told_what_stands(
    connection: psycopg.AsyncConnection, number: int, hook: Hook
) -> None:
    await write(connection, notice(number))
    await Notifier(hook.address, again_s=0).deliver(connection)
    with listening() as fresh:
        assert await Notifier(fresh.address, again_s=0).deliver(connection) == 1
        assert fresh.taken[0][0]["labels"] == notice(number).labels


async def test_many_go_in_steps_each_once(
    connection: psycopg.AsyncConnection, number: int, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifying, "AT_ONCE", 3)
    others = await stored(connection, *(alarm(code=f"P{place}") for place in range(6)))
    numbers = [number, *(one.alarm_id or 0 for one in others)]
    await write(connection, *map(notice, numbers))
    assert await Notifier(hook.address).deliver(connection) == 7
    assert [len(alerts) for alerts in hook.taken] == [3, 3, 1]
    assert [int(alert["labels"]["alarm_id"]) for alerts in hook.taken for alert in alerts] == numbers
