"""Tests of connectors.offsets."""

import asyncio

import psycopg
import pytest

from connectors import offsets
from connectors.database import connect_async
from connectors.offsets import Advance, Claim, Place
from tests.property.database import Database

pytestmark = pytest.mark.stack


async def claim(
    connection: psycopg.AsyncConnection, *partitions: int, log: str = "log", end: int | None = None
) -> dict[int, Claim]:
    ends = None if end is None else dict.fromkeys(partitions, end)
    return await offsets.claim(connection, "collect", "frames", log, partitions, ends)


async def advance(connection: psycopg.AsyncConnection, **ends: tuple[int, int | None]) -> None:
    async with connection.transaction(), connection.cursor() as cursor:
        advances = {int(name[1:]): Advance(*end) for name, end in ends.items()}
        await offsets.advance(cursor, "collect", "frames", advances)


async def tries(connection: psycopg.AsyncConnection) -> int:
    return (await claim(connection, 0))[0].tries


async def test_a_new_partition_begins_at_its_beginning(connection: psycopg.AsyncConnection) -> None:
    assert await claim(connection, 3) == {3: Claim(0, 1, None, 0, -1, False, None)}


async def test_every_claim_raises_the_epoch(connection: psycopg.AsyncConnection) -> None:
    epochs = [(await claim(connection, 0))[0].epoch for _ in range(3)]
    assert epochs == [1, 2, 3]


async def test_agents_and_topics_have_places_of_their_own(connection: psycopg.AsyncConnection) -> None:
    await claim(connection, 0)
    await advance(connection, p0=(7, 9))
    for agent, topic in (("balance", "frames"), ("collect", "other")):
        assert (await offsets.claim(connection, agent, topic, "log", [0]))[0].next_off == 0
    assert (await claim(connection, 0))[0][:3] == (7, 2, 9)


async def test_a_log_that_lost_its_end_goes_on_there(connection: psycopg.AsyncConnection) -> None:
    await claim(connection, 0)
    await advance(connection, p0=(7, 9))
    (found,) = (await claim(connection, 0, end=5)).values()
    assert (found.next_off, found.watched_us, found.started_anew, found.cut_from) == (5, 9, False, 7)
    assert (await claim(connection, 0, end=5))[0].cut_from is None


async def test_several_partitions_move_on_at_once_each_to_its_end(connection: psycopg.AsyncConnection) -> None:
    await claim(connection, 0, 1, 2)
    await advance(connection, p0=(5, 50), p2=(7, None))
    found = await claim(connection, 0, 1, 2)
    assert {p: (c.next_off, c.watched_us) for p, c in found.items()} == {0: (5, 50), 1: (0, None), 2: (7, None)}


async def test_a_lock_tells_what_is_stored_and_what_is_lost(connection: psycopg.AsyncConnection) -> None:
    await claim(connection, 0, 1)
    await advance(connection, p0=(5, 50))
    await claim(connection, 1)
    async with connection.transaction(), connection.cursor() as cursor:
        places = {partition: Place(0, 1, None) for partition in (0, 1, 2)}
        assert await offsets.lock(cursor, "collect", "frames", places) == ({0: Advance(5, 50)}, {1, 2})


async def test_a_locked_partition_is_claimed_after_the_transaction(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    await claim(connection, 0)
    other = await connect_async(database.url)
    async with connection.transaction(), connection.cursor() as cursor:
        await offsets.lock(cursor, "collect", "frames", {0: Place(0, 1, None)})
        claiming = asyncio.create_task(claim(other, 0))
        done, _ = await asyncio.wait([claiming], timeout=0.3)
        assert not done
        await offsets.advance(cursor, "collect", "frames", {0: Advance(9, None)})
    assert (await claiming)[0].next_off == 9
    await other.close()


async def test_another_log_begins_anew_once_and_keeps_its_time(connection: psycopg.AsyncConnection) -> None:
    await claim(connection, 0)
    await advance(connection, p0=(5, 50))
    assert (await claim(connection, 0, log="other"))[0] == Claim(0, 2, 50, 0, -1, True, None)
    assert (await claim(connection, 0, log="other"))[0] == Claim(0, 3, 50, 0, -1, False, None)


async def test_deaths_where_a_partition_stands_still_are_counted(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    await claim(connection, 0)
    assert await tries(connection) == 0
    for deaths in (1, 2, 3):
        offsets.note_death(database.connection, "collect")
        assert await tries(connection) == deaths


async def test_a_partition_that_moved_has_no_deaths(database: Database, connection: psycopg.AsyncConnection) -> None:
    await claim(connection, 0)
    offsets.note_death(database.connection, "collect")
    await advance(connection, p0=(1, None))
    assert await tries(connection) == 0
    offsets.note_death(database.connection, "collect")
    assert await tries(connection) == 1


async def test_a_partition_that_only_saw_time_pass_keeps_its_deaths(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    await claim(connection, 0)
    await advance(connection, p0=(1, None))
    offsets.note_death(database.connection, "collect")
    await advance(connection, p0=(1, 60))
    assert await tries(connection) == 1


async def test_deaths_of_another_agent_do_not_count(database: Database, connection: psycopg.AsyncConnection) -> None:
    await claim(connection, 0)
    offsets.note_death(database.connection, "balance")
    assert await tries(connection) == 0


async def test_a_suspect_is_remembered_and_its_deaths_are_counted_from_when_it_was_alone(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    await claim(connection, 0)
    for _ in range(5):
        offsets.note_death(database.connection, "collect")
    await offsets.suspect(connection, "collect", "frames", 0, 0, 2)
    found = (await claim(connection, 0))[0]
    assert (found.suspect_off, found.tries) == (0, 2)
    offsets.note_death(database.connection, "collect")
    await offsets.suspect(connection, "collect", "frames", 0, 0, 2)
    assert await tries(connection) == 3


async def test_outcomes_add_up(connection: psycopg.AsyncConnection) -> None:
    async with connection.cursor() as cursor:
        await offsets.count(cursor, "collect", "frames", {(0, "new"): 3, (0, "UNKNOWN"): 1, (1, "new"): 0})
        await offsets.count(cursor, "collect", "frames", {(0, "new"): 2, (1, "ticks"): 1})
        await offsets.count(cursor, "collect", "frames", {})
        await cursor.execute("select partition, outcome, n from tally order by 1, 2")
        assert await cursor.fetchall() == [(0, "UNKNOWN", 1), (0, "new", 5), (1, "ticks", 1)]
