"""Tests of streams.transport: a delivery that need not wait is no task, one that waits goes on where it was."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import faust
import pytest
import pytest_asyncio

from streams.transport import DatabaseConsumer, DatabaseTransport


async def nothing(*_: object) -> None:
    await asyncio.Event().wait()


@pytest_asyncio.fixture
async def consumer() -> AsyncIterator[DatabaseConsumer]:
    app = faust.App("test", store="memory://", loop=asyncio.get_running_loop())
    app.transport = DatabaseTransport(app.conf.broker_consumer, app, app.loop)
    made: DatabaseConsumer = app.transport.create_consumer(
        callback=nothing, on_partitions_revoked=nothing, on_partitions_assigned=nothing
    )
    yield made
    made._thread.thread_loop.close()


async def test_a_delivery_that_need_not_wait_is_done_at_once(consumer: DatabaseConsumer) -> None:
    done: list[int] = []

    async def deliver() -> None:
        done.append(1)

    before = asyncio.all_tasks()
    result = await consumer.wait_first(deliver(), nothing())
    assert (done, result.stopped, asyncio.all_tasks()) == ([1], False, before)


async def test_a_delivery_that_waits_goes_on_where_it_was(consumer: DatabaseConsumer) -> None:
    steps: list[Any] = []

    async def deliver() -> None:
        steps.append("begun")
        await asyncio.sleep(0)
        steps.append(await asyncio.wait_for(asyncio.sleep(0.01, "answer"), 1))

    result = await consumer.wait_first(deliver(), nothing())
    assert (steps, result.stopped, len(result.done)) == (["begun", "answer"], False, 1)


async def test_what_a_delivery_raises_is_raised(consumer: DatabaseConsumer) -> None:
    async def deliver(*, first: bool) -> None:
        if not first:
            await asyncio.sleep(0)
        raise ValueError("broken")

    for first in (True, False):
        with pytest.raises(ValueError, match="broken"):
            await consumer.wait_first(deliver(first=first), nothing())


async def test_a_rebalance_ends_a_delivery_that_waits(consumer: DatabaseConsumer) -> None:
    ended: list[str] = []

    async def deliver() -> None:
        try:
            await nothing()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def rebalance() -> None:
        await asyncio.sleep(0)

    result = await consumer.wait_first(deliver(), rebalance())
    assert (len(result.done), len(result.results)) == (1, 1)
    await asyncio.sleep(0)
    assert ended == ["cancelled"]


async def test_an_event_is_waited_for(consumer: DatabaseConsumer) -> None:
    event = asyncio.Event()
    event.set()
    result = await consumer.wait_first(event)
    assert result.done == [event]
