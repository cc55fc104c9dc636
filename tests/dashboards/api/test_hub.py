"""Tests of dashboards.api.hub, with the real Redis and database."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from connectors.live import LiveReader, LiveState, delete_states
from dashboards.api import hub as module
from dashboards.api.hub import END, RESET, Hub
from infra.stack.stack import Addresses
from tests.property.database import Database

pytestmark = pytest.mark.stack
NOW = "2026-03-02T12:05:00+00:00"


class Heard:
    """What one listener hears."""

    def __init__(self, hub: Hub, last: str | None = None) -> None:
        self._queue = hub.listen(last)

    async def __call__(self, name: str, where: Callable[[Any], bool] = lambda data: True) -> tuple[str | None, Any]:
        """The id and data of the next event of a name; others are passed over."""
        async with asyncio.timeout(10):
            while True:
                lines = (await self._queue.get()).decode().splitlines()
                fields = dict(line.split(": ", 1) for line in lines if ": " in line)
                data = json.loads(fields["data"])
                if fields["event"] == name and where(data):
                    return fields.get("id"), data


@pytest_asyncio.fixture
async def live(stack: Addresses, space: str) -> AsyncIterator[LiveState]:
    made = LiveState(stack.redis, space)
    yield made
    await made.close()
    delete_states(stack.redis, space)


class Running:
    """A hub that runs."""

    def __init__(self, redis: str, space: str, url: str) -> None:
        self.reader = LiveReader(redis, space)
        self.hub = Hub(self.reader, url)
        self._task = asyncio.create_task(self.hub.run())

    async def ready(self) -> Hub:
        await Heard(self.hub)("status", lambda data: data["redis"] and data["database"])
        return self.hub

    async def stop(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self.reader.close()


@pytest_asyncio.fixture
async def hub(stack: Addresses, space: str, database: Database, live: LiveState) -> AsyncIterator[Hub]:
    running = Running(stack.redis, space, database.url)
    yield await running.ready()
    await running.stop()


def unit(n: int) -> dict[str, dict[str, dict[str, object]]]:
    return {"unit": {"UG": {"now": NOW, "n": n}}}


async def test_a_change_is_told_and_stands_in_the_document(hub: Hub, live: LiveState) -> None:
    heard = Heard(hub)
    await live.publish(NOW, unit(1))
    id_, data = await heard("changes")
    assert data == {"changed": {"unit": ["UG"]}}
    assert json.loads(hub.document(["unit"])) == {"id": id_, "nodes": {"unit": {"UG": {"now": NOW, "n": 1}}}}


async def test_what_is_set_anew_as_it_was_is_no_news(hub: Hub, live: LiveState) -> None:
    heard = Heard(hub)
    await live.publish(NOW, unit(1))
    await heard("changes")
    await live.publish(NOW, {**unit(1), "zone": {"NS": {"n": 1}}}, whole=True)
    assert (await heard("changes"))[1] == {"changed": {"zone": ["NS"]}}


async def test_a_node_that_is_gone_is_in_the_document_no_more(hub: Hub, live: LiveState) -> None:
    heard = Heard(hub)
    await live.publish(NOW, {"unit": {"UG": {"n": 1}, "UC": {"n": 1}}})
    await heard("changes")
    await live.publish(NOW, {"unit": {"UG": {"n": 2}}}, whole=True)
    assert (await heard("changes"))[1] == {"changed": {"unit": ["UC", "UG"]}}
    assert json.loads(hub.document(["unit"]))["nodes"] == {"unit": {"UG": {"n": 2}}}


async def test_who_comes_back_hears_what_was_missed_and_nothing_else(hub: Hub, live: LiveState) -> None:
    heard = Heard(hub)
    ids = []
    for n in range(3):
        await live.publish(NOW, {"unit": {f"U{n}": {"n": n}}})
        ids.append((await heard("changes"))[0])
    again = Heard(hub, ids[0])
    assert [(await again("changes"))[1]["changed"]["unit"] for _ in range(2)] == [["U1"], ["U2"]]
    await live.publish(NOW, {"unit": {"U3": {"n": 3}}})
    assert (await again("changes"))[1]["changed"]["unit"] == ["U3"]


async def test_it_is_so_over_a_restart(stack: Addresses, space: str, database: Database, live: LiveState) -> None:
    first = Running(stack.redis, space, database.url)
    heard = Heard(await first.ready())
    await live.publish(NOW, unit(1))
    last, _ = await heard("changes")
    await first.stop()
    await live.publish(NOW, unit(2))
    second = Running(stack.redis, space, database.url)
    again = Heard(await second.ready(), last)
    assert (await again("changes"))[1] == {"changed": {"unit": ["UG"]}}
    await second.stop()


async def test_who_was_away_while_redis_lost_its_stream_begins_anew(
    stack: Addresses, space: str, database: Database, live: LiveState
) -> None:
    first = Running(stack.redis, space, database.url)
    heard = Heard(await first.ready())
    await live.publish(NOW, unit(1))
    last, _ = await heard("changes")
    await first.stop()
    delete_states(stack.redis, space)
    second = Running(stack.redis, space, database.url)
    await Heard(await second.ready(), last)("reset")
    heard = Heard(second.hub)
    await live.publish(NOW, unit(2))
    await heard("changes")
    await Heard(second.hub, last)("reset")
    await second.stop()


async def test_who_was_away_while_all_was_written_anew_begins_anew_over_a_restart(
    stack: Addresses, space: str, database: Database, live: LiveState
) -> None:
    first = Running(stack.redis, space, database.url)
    heard = Heard(await first.ready())
    await live.publish(NOW, unit(1))
    last, _ = await heard("changes")
    await first.stop()
    await live.publish(NOW, unit(2), whole=True)
    await live.publish(NOW, unit(3))
    second = Running(stack.redis, space, database.url)
    await Heard(await second.ready(), last)("reset")
    await second.stop()


@pytest.mark.parametrize("last", ["nonsense", "99999999999999-0", "1-1"])
async def test_who_says_what_is_not_known_begins_anew(
    hub: Hub, live: LiveState, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 1)
    heard = Heard(hub)
    for n in range(3):
        await live.publish(NOW, unit(n))
        await heard("changes")
    await Heard(hub, last)("reset")


async def test_who_does_not_read_begins_anew(hub: Hub, live: LiveState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 4)
    slow = hub.listen(None)
    heard = Heard(hub)
    for n in range(6):
        await live.publish(NOW, unit(n))
        await heard("changes", lambda data: True)
    waiting = [slow.get_nowait() for _ in range(slow.qsize())]
    assert RESET in waiting


async def test_who_does_not_read_is_told_the_end_all_the_same(
    hub: Hub, live: LiveState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING", 4)
    slow = hub.listen(None)
    heard = Heard(hub)
    for n in range(6):
        await live.publish(NOW, unit(n))
        await heard("changes")
        if slow.full():
            break
    hub.end()
    await asyncio.sleep(0)
    assert [slow.get_nowait() for _ in range(slow.qsize())] == [END]


async def test_alarms_are_told_by_their_version(
    hub: Hub, connection: psycopg.AsyncConnection, database: Database
) -> None:
    heard = Heard(hub)
    _, first = await heard("alarms")
    await connection.execute("update alarm_version set version = version + 1")
    await connection.commit()
    await heard("alarms", lambda data: data["version"] == first["version"] + 1)


async def test_without_redis_the_states_are_those_of_the_database(database: Database) -> None:
    database.connection.execute(
        "insert into node_now (node_id, now, hour, closed_intervals, hour_imbalance_naive_wh, hour_imbalance_persist_wh)"
        " select node_id, %s, %s, 0, 5, 6 from node where kind = 'system'", [NOW, NOW]
    )  # fmt: skip
    database.connection.commit()
    running = Running("redis://127.0.0.1:1", "nowhere", database.url)
    heard = Heard(running.hub)
    await heard("status", lambda data: data["database"] and not data["redis"])
    assert (await heard("changes"))[1] == {"changed": {"system": ["system"]}}
    state = json.loads(running.hub.document(["system"]))["nodes"]["system"]["system"]
    assert (state["now"], state["hour_imbalance_persist_wh"]) == (NOW, 6)
    database.connection.execute("delete from node_now")
    database.connection.commit()
    assert (await heard("changes"))[1] == {"changed": {"system": ["system"]}}
    assert json.loads(running.hub.document(["system"]))["nodes"] == {"system": {}}
    await running.stop()


async def test_while_redis_has_nothing_the_database_is_followed(hub: Hub, database: Database, live: LiveState) -> None:
    heard = Heard(hub)
    for imbalance in (5, 7):
        database.connection.execute(
            "insert into node_now (node_id, now, hour, closed_intervals, hour_imbalance_naive_wh,"
            " hour_imbalance_persist_wh) select node_id, %s, %s, 0, %s, 0 from node where kind = 'system'"
            " on conflict (node_id) do update set hour_imbalance_naive_wh = excluded.hour_imbalance_naive_wh",
            [NOW, NOW, imbalance],
        )
        database.connection.commit()
        assert (await heard("changes"))[1] == {"changed": {"system": ["system"]}}
    await live.publish(NOW, unit(1))
    assert (await heard("changes"))[1] == {"changed": {"unit": ["UG"]}}


async def test_a_database_that_is_away_is_said(stack: Addresses, space: str, live: LiveState) -> None:
    running = Running(stack.redis, space, "postgresql://tengerim@127.0.0.1:1/tengerim")
    heard = Heard(running.hub)
    await heard("status", lambda data: data["redis"] and not data["database"])
    await live.publish(NOW, unit(1))
    await heard("changes")
    await running.stop()
