"""Tests of streams.gathering."""

import asyncio

from streams.gathering import Gathered


async def test_what_was_put_is_taken_in_order() -> None:
    gathered = Gathered(10)
    await gathered.put([1, 2])
    await gathered.put([3])
    assert await gathered.take() == [1, 2, 3]


async def test_no_more_than_a_batch_is_taken_at_once() -> None:
    gathered = Gathered(2)
    await gathered.put([1, 2, 3])
    assert [await gathered.take(), await gathered.take()] == [[1, 2], [3]]


async def test_whoever_takes_waits_for_something() -> None:
    gathered = Gathered(2)
    taking = asyncio.create_task(gathered.take())
    await asyncio.sleep(0)
    assert not taking.done()
    await gathered.put([1])
    assert await taking == [1]


async def test_whoever_puts_waits_while_a_batch_is_there() -> None:
    gathered = Gathered(2)
    await gathered.put([1, 2])
    putting = asyncio.create_task(gathered.put([3]))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not putting.done()
    assert await gathered.take() == [1, 2]
    await putting
    assert await gathered.take() == [3]
