"""Tests of connectors.live, with the real Redis."""

import json
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import pytest_asyncio
import redis.asyncio as redis
from redis.exceptions import RedisError

from connectors.live import LiveState, changes_channel, delete_states, state_key
from infra.stack.stack import Addresses
from schemas.live import StatesChanged

pytestmark = pytest.mark.stack
NOW = "2026-03-01T00:20:00+00:00"


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


async def test_whoever_listens_hears_what_changed(live: LiveState, client: redis.Redis, space: str) -> None:
    async with client.pubsub() as listener:
        await listener.subscribe(changes_channel(space))
        await live.publish(NOW, {"unit": {"B": {"n": 1}, "A": {"n": 1}}})
        messages = [message async for message in _until_data(listener)]
    assert [StatesChanged.model_validate_json(message) for message in messages] == [
        StatesChanged(now=datetime.fromisoformat(NOW), changed={"unit": ["A", "B"]})
    ]


async def _until_data(listener: redis.client.PubSub) -> AsyncIterator[str]:
    async for message in listener.listen():
        if message["type"] == "message":
            yield message["data"]
            return


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
