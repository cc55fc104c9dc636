"""Tests of streams.gathering."""

import asyncio

from streams.gathering import Gathered


def gathering(most: int, most_bytes: int = 1000) -> Gathered:
    """Of numbers, each as large as it says."""
    return Gathered(most, most_bytes, int)


async def test_what_was_put_is_taken_in_order() -> None:
    gathered = gathering(10)
    await gathered.put([1, 2])
    await gathered.put([3])
    assert await gathered.take() == [1, 2, 3]


async def test_no_more_than_a_batch_is_taken_at_once() -> None:
    gathered = gathering(2)
    await gathered.put([1, 2, 3])
    assert [await gathered.take(), await gathered.take()] == [[1, 2], [3]]


async def test_whoever_takes_waits_for_something() -> None:
    gathered = gathering(2)
    taking = asyncio.create_task(gathered.take())
    await asyncio.sleep(0)
    assert not taking.done()
    await gathered.put([1])
    assert await taking == [1]


async def test_whoever_puts_waits_while_a_batch_is_there() -> None:
    gathered = gathering(2)
    await gathered.put([1, 2])
    putting = asyncio.create_task(gathered.put([3]))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not putting.done()
    assert await gathered.take() == [1, 2]
    await putting
    assert await gathered.take() == [3]


async def test_a_batch_is_so_many_bytes_at_most_but_one_event_at_least() -> None:
    gathered = gathering(10, most_bytes=5)
    await gathered.put([2, 3, 1, 9, 1])
    assert [await gathered.take() for _ in range(4)] == [[2, 3], [1], [9], [1]]


async def test_whoever_puts_waits_while_the_bytes_of_a_batch_are_there() -> None:
    gathered = gathering(10, most_bytes=5)
    await gathered.put([5])
    putting = asyncio.create_task(gathered.put([1]))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not putting.done()
    assert await gathered.take() == [5]
    await putting
    assert await gathered.take() == [1]
