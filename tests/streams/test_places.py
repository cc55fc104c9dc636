"""Tests of streams.places."""

import psycopg
import pytest

from connectors import offsets
from connectors.offsets import Advance, Place
from streams.places import LostMessagesError, Message, Places


def owned(**places: int) -> Places:
    """The owner of partitions p0, p1 … at these offsets."""
    found = Places("collect", "frames")
    found.places = {int(name[1:]): Place(next_off, 1, None) for name, next_off in places.items()}
    return found


def messages(*places: tuple[int, int]) -> list[Message]:
    return [(partition, offset, b"") for partition, offset in places]


def test_messages_of_owned_partitions_wait_in_their_order() -> None:
    given = messages((0, 5), (1, 7), (0, 6))
    assert owned(p0=5, p1=7).mine(given) == given


def test_what_was_processed_before_or_belongs_to_others_does_not() -> None:
    assert owned(p0=5).mine(messages((0, 3), (0, 4), (0, 5), (1, 0))) == messages((0, 5))
    assert owned().mine(messages((0, 0))) == []


def test_a_message_that_comes_twice_waits_once() -> None:
    assert owned(p0=5).mine(messages((0, 5), (0, 5), (0, 6), (0, 5))) == messages((0, 5), (0, 6))


@pytest.mark.parametrize("given", [[(0, 6)], [(0, 5), (0, 7)], [(1, 0), (0, 4), (0, 9)]])
def test_messages_that_are_gone_are_not_passed_over(given: list[tuple[int, int]]) -> None:
    with pytest.raises(
        LostMessagesError, match=r"frames\[0\]: next is message \d, the broker has \d: .* \(retention\)"
    ):
        owned(p0=5, p1=0).mine(messages(*given))


def test_the_way_to_accept_a_loss_is_told() -> None:
    with pytest.raises(LostMessagesError, match=r"update ingest_offset set next_off = 9 where agent = 'collect'.*= 0`"):
        owned(p0=5).mine(messages((0, 9)))


async def advance(connection: psycopg.AsyncConnection, partition: int, next_off: int, watched_us: int | None) -> None:
    async with connection.transaction(), connection.cursor() as cursor:
        await offsets.advance(cursor, "collect", "frames", {partition: Advance(next_off, watched_us)})


@pytest.mark.stack
async def test_a_claim_begins_where_the_last_owner_ended(connection: psycopg.AsyncConnection) -> None:
    assert await Places("collect", "frames").claim(connection, "log", [1, 0]) == {0: 0, 1: 0}
    await advance(connection, 1, 42, 7_000_000)
    places = Places("collect", "frames")
    assert await places.claim(connection, "log", [1]) == {1: 42}
    assert places.places == {1: Place(42, 2, 7_000_000)}


@pytest.mark.stack
async def test_who_lost_a_partition_learns_it_when_he_locks(connection: psycopg.AsyncConnection) -> None:
    old, new = Places("collect", "frames"), Places("collect", "frames")
    await old.claim(connection, "log", [0, 1, 2])
    await new.claim(connection, "log", [1])
    async with connection.transaction(), connection.cursor() as cursor:
        assert await old.lock(cursor, [0, 1]) == {1}
        assert set(old.places) == {0, 2}
        assert await old.lock(cursor, [1, 2]) == {1}
        assert await new.lock(cursor, [1]) == set()


@pytest.mark.stack
async def test_what_a_commit_did_whose_answer_was_lost_is_taken_over(connection: psycopg.AsyncConnection) -> None:
    places = Places("collect", "frames")
    await places.claim(connection, "log", [0])
    await advance(connection, 0, 9, 5_000_000)
    async with connection.transaction(), connection.cursor() as cursor:
        assert await places.lock(cursor, [0]) == set()
    assert places.places[0] == Place(9, 1, 5_000_000)
    assert places.mine(messages((0, 8), (0, 9))) == messages((0, 9))


@pytest.mark.stack
async def test_another_topic_of_the_same_name_starts_anew_but_time_does_not_go_back(
    connection: psycopg.AsyncConnection,
) -> None:
    places = Places("collect", "frames")
    await places.claim(connection, "log", [0])
    await advance(connection, 0, 9, 5_000_000)
    assert await places.claim(connection, "another log", [0]) == {0: 0}
    assert places.claims[0].started_anew
    assert places.places[0].watched_us == 5_000_000
    assert await places.claim(connection, "another log", [0]) == {0: 0}
    assert not places.claims[0].started_anew
