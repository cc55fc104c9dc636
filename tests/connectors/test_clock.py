"""Tests of connectors.clock."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.clock import run_clock, wall
from connectors.kafka import delete_topics, ensure_topics
from connectors.producer import Producer
from infra.stack.stack import Addresses
from schemas.topics import topics_of
from tests.messages import messages_of

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def producer(stack: Addresses, space: str) -> Iterator[Producer]:
    ensure_topics(stack.kafka, space, 2)
    with Producer(stack.kafka, space) as producer:
        yield producer
    delete_topics(stack.kafka, space)


def test_the_wall_clock_is_in_utc() -> None:
    assert wall().tzinfo is UTC


@pytest.mark.stack
async def test_ticks_go_on_in_every_partition_until_the_end(producer: Producer, stack: Addresses, space: str) -> None:
    stop = asyncio.Event()
    asked = 0

    def now() -> datetime:
        nonlocal asked
        asked += 1
        if asked == 3:
            stop.set()
        return BEGIN + timedelta(seconds=asked)

    async with asyncio.timeout(20):
        await run_clock(producer, 0.01, stop, now)
    found = messages_of(stack.kafka, topics_of(space).frames)
    for partition in range(2):
        ticks = [json.loads(message.value)["now"] for message in found if message.partition == partition]
        assert ticks == ["2026-03-01T00:00:01Z", "2026-03-01T00:00:02Z", "2026-03-01T00:00:03Z"]


@pytest.mark.stack
async def test_it_ends_at_once_between_two_ticks(producer: Producer, stack: Addresses, space: str) -> None:
    stop = asyncio.Event()
    clock = asyncio.create_task(run_clock(producer, 60.0, stop, lambda: BEGIN))
    async with asyncio.timeout(20):
        while not messages_of(stack.kafka, topics_of(space).frames):  # noqa: ASYNC110 (nobody would set an event)
            await asyncio.sleep(0)
        stop.set()
        await clock
    assert len(messages_of(stack.kafka, topics_of(space).frames)) == 2
