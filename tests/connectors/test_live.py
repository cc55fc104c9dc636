"""Tests of connectors.live, with the real Redis."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import pytest_asyncio
import redis.asyncio as redis
from redis.exceptions import RedisError

from connectors.live import LiveReader, LiveState, delete_states, state_key
from infra.stack.stack import Addresses
from schemas.live import StatesChanged

pytestmark = pytest.mark.stack
NOW = "2026-03-01T00:20:00+00:00"
AT = datetime.fromisoformat(NOW)


@pytest_asyncio.fixture
async def client(stack: Addresses, space: str) -> AsyncIterator[redis.Redis]:
    made = redis.Redis.from_url(stack.redis, decode_responses=True)
    yield made
    await made.aclose()
    delete_states(stack.redis, space)


@pytest_asyncio.fixture
async def live(stack: Addresses, space: str) -> AsyncIterator[LiveState]:
    made = LiveState(stack.redis, space)
    yield made
    await made.close()


@pytest_asyncio.fixture
async def reader(stack: Addresses, space: str) -> AsyncIterator[LiveReader]:
    made = LiveReader(stack.redis, space)
    yield made
    await made.close()


async def states(client: redis.Redis, space: str, kind: str) -> dict[str, object]:
    return {str(code): json.loads(state) for code, state in (await client.hgetall(state_key(space, kind))).items()}


async def test_states_stand_by_kind_and_code_in_the_alphabet_of_the_country(
    live: LiveState, client: redis.Redis, space: str
) -> None:
    await live.publish(NOW, {"unit": {"ГРЭС-1": {"imbalance_wh": 5}}, "zone": {"NS": {"imbalance_wh": -(2**63)}}})
    assert await states(client, space, "unit") == {"ГРЭС-1": {"imbalance_wh": 5}}
    assert await states(client, space, "zone") == {"NS": {"imbalance_wh": -(2**63)}}


async def test_a_change_replaces_its_nodes_and_leaves_the_others(
    live: LiveState, client: redis.Redis, space: str
) -> None:
    await live.publish(NOW, {"unit": {"A": {"n": 1}, "B": {"n": 1}}})
    await live.publish(NOW, {"unit": {"B": {"n": 2}}})
    assert await states(client, space, "unit") == {"A": {"n": 1}, "B": {"n": 2}}


async def test_the_whole_state_forgets_the_nodes_that_are_gone(
    live: LiveState, client: redis.Redis, space: str
) -> None:
    await live.publish(NOW, {"unit": {"A": {"n": 1}, "B": {"n": 1}}, "zone": {"NS": {"n": 1}}})
    await live.publish(NOW, {"unit": {"B": {"n": 2}}}, whole=True)
    assert (await states(client, space, "unit"), await states(client, space, "zone")) == ({"B": {"n": 2}}, {})


async def test_whoever_waits_hears_what_changed(live: LiveState, reader: LiveReader) -> None:
    waiting = asyncio.create_task(reader.wait("0"))
    await asyncio.sleep(0.1)
    await live.publish(NOW, {"unit": {"B": {"n": 1}, "A": {"n": 1}}})
    (heard,) = await waiting
    assert heard.change == StatesChanged(now=AT, changed={"unit": ["A", "B"]})


async def test_what_was_missed_is_heard_later_in_order(live: LiveState, reader: LiveReader) -> None:
    assert await reader.history(10) == []
    for code in "ABC":
        await live.publish(NOW, {"unit": {code: {"n": 1}}})
    everything = await reader.history(10)
    assert [entry.change.changed["unit"] for entry in everything] == [["A"], ["B"], ["C"]]
    assert await reader.history(2) == everything[1:]
    assert await reader.wait(everything[0].id) == everything[1:]


async def test_a_whole_state_names_nobody(live: LiveState, reader: LiveReader) -> None:
    await live.publish(NOW, {"unit": {"A": {"n": 1}}}, whole=True)
    assert [entry.change for entry in await reader.wait("0")] == [StatesChanged(now=AT, changed={}, whole=True)]


async def test_states_are_read_as_they_stand(live: LiveState, reader: LiveReader) -> None:
    await live.publish(NOW, {"unit": {"A": {"n": 1}, "B": {"n": 2}}, "zone": {"NS": {"n": 3}}})
    everything = await reader.states()
    assert {kind: states for kind, states in everything.items() if states} == {
        "unit": {"A": '{"n":1}', "B": '{"n":2}'}, "zone": {"NS": '{"n":3}'},
    }  # fmt: skip
    assert await reader.states({"unit": ["B", "gone"], "zone": []}) == {"unit": {"B": '{"n":2}'}}


async def test_nothing_comes_where_nothing_happens(reader: LiveReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.live.WAIT_S", 0.05)
    assert await reader.wait("0") == []


async def test_a_space_is_forgotten_without_its_neighbours(
    live: LiveState, client: redis.Redis, stack: Addresses, space: str
) -> None:
    neighbour = LiveState(stack.redis, f"{space}2")
    await live.publish(NOW, {"unit": {"A": {"n": 1}}})
    await neighbour.publish(NOW, {"unit": {"A": {"n": 1}}})
    await neighbour.close()
    delete_states(stack.redis, space)
    assert await states(client, space, "unit") == {}
    assert await states(client, f"{space}2", "unit") == {"A": {"n": 1}}
    delete_states(stack.redis, f"{space}2")


async def test_a_redis_that_is_away_is_said_to_be_away() -> None:
    away = LiveState("redis://127.0.0.1:1", "nowhere")
    with pytest.raises(RedisError):
        await away.publish(NOW, {"unit": {"A": {"n": 1}}})
    await away.close()
    delete_states("redis://127.0.0.1:1", "nowhere")
