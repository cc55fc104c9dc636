"""Tests of streams.owner, with the real database: whatever fails, every message counts once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from random import Random

import psycopg
import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from connectors import offsets
from connectors.database import connect_async
from schemas.topics import topics_of
from streams.collect import Collector
from streams.owner import POISON_AFTER, SINGLY_AFTER
from streams.places import LostMessagesError, Message
from tests.chaos.proxy import Proxy
from tests.property.core import rules_with
from tests.property.database import Database
from tests.property.histories import Reading, Sending, any_history, encode, in_any_order, tick
from tests.property.oracle import tables_after

pytestmark = pytest.mark.stack
RULES = rules_with(20)
# The first DCTU is of partition 0, the other of partition 1.
EACH = [("DA", "M1/01"), ("DC", "M4/01")]


def frame(number: int, partition: int = 0, *, wh: int = 5, sent: int = 0) -> bytes:
    dctu, channel = EACH[partition]
    return encode(Sending(dctu, number, sent or 15 * number + 15, (Reading(15 * number, channel, wh, 0),)), Random(1))


def stream(count: int, partition: int = 0) -> list[Message]:
    """Frames of one reading each; message n is of the n-th interval."""
    return [(partition, number, frame(number, partition)) for number in range(count)]


Make = Callable[..., Collector]


@pytest_asyncio.fixture
async def make(database: Database) -> AsyncIterator[Make]:
    made: list[Collector] = []

    def make(kind: type[Collector] = Collector, url: str = database.url) -> Collector:
        made.append(kind(topics_of("test"), RULES, lambda: connect_async(url)))
        return made[-1]

    yield make
    for collector in made:
        await collector.close()


def stored(database: Database) -> dict[str, int]:
    rows = database.connection.execute(
        "select emc || '/' || code, count(*) from reading join channel_key using (channel_id) group by 1"
    ).fetchall()
    database.connection.commit()
    return dict(rows)


def tally(database: Database) -> dict[tuple[int, str], int]:
    rows = database.connection.execute("select partition, outcome, n from tally").fetchall()
    database.connection.commit()
    return {(partition, outcome): n for partition, outcome, n in rows}


def retries() -> float:
    return REGISTRY.get_sample_value("tengerim_database_retries_total", {"agent": "collect"}) or 0.0


async def test_a_stale_owner_writes_nothing_of_what_it_lost(database: Database, make: Make) -> None:
    old, new = make(), make()
    await old.assign("log", [0, 1])
    await old.process(stream(2))
    assert await new.assign("log", [0]) == {0: 2}
    await old.process([*stream(4), *stream(3, 1)])
    assert stored(database) == {"M1/01": 2, "M4/01": 3}
    await new.process(stream(4))
    assert stored(database) == {"M1/01": 4, "M4/01": 3}
    assert tally(database)[0, "new"] == 4


async def test_an_owner_that_lost_everything_keeps_quiet(database: Database, make: Make) -> None:
    old, new = make(), make()
    await old.assign("log", [0])
    await new.assign("log", [0])
    await old.process(stream(2))
    await old.process(stream(3))
    assert stored(database) == {}
    assert old.places.places == {}


async def test_an_assignment_waits_for_the_transaction_of_the_old_owner(database: Database, make: Make) -> None:
    holding, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Collector):
        async def _write(self, *args: object) -> None:
            holding.set()
            await go_on.wait()
            await super()._write(*args)  # type: ignore[arg-type]

    old, new = make(Slow), make()
    await old.assign("log", [0])
    working = asyncio.create_task(old.process(stream(3)))
    await holding.wait()
    assigning = asyncio.create_task(new.assign("log", [0]))
    done, _ = await asyncio.wait([assigning], timeout=0.5)
    assert not done
    go_on.set()
    assert await assigning == {0: 3}
    await working
    assert stored(database) == {"M1/01": 3}


async def test_connections_that_are_cut_cost_a_retry_and_no_message(database: Database, make: Make) -> None:
    collector = make()
    await collector.assign("log", [0, 1])
    before = retries()
    cutting = asyncio.create_task(cut_connections(database, times=6))
    for number in range(12):
        await collector.process([(p, number, frame(number, p)) for p in (0, 1)])
        await asyncio.sleep(0.05)
    await cutting
    assert retries() > before
    assert stored(database) == {"M1/01": 12, "M4/01": 12}
    assert tally(database) == {(p, outcome): 12 for p in (0, 1) for outcome in ("frames", "new")}


async def cut_connections(database: Database, times: int) -> None:
    """End the connections of everybody but the test, again and again."""
    ours = database.connection.info.backend_pid
    connection = await connect_async(database.url)
    try:
        for _ in range(times):
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                " and backend_type = 'client backend' and pid not in (pg_backend_pid(), %s)",
                [ours],
            )
            await connection.commit()
            await asyncio.sleep(0.15)
    finally:
        await connection.close()


async def test_a_commit_whose_answer_is_lost_counts_once(database: Database, make: Make) -> None:
    with Proxy(database.url) as proxy:
        collector = make(url=proxy.url)
        await collector.assign("log", [0])
        for number, message in enumerate(stream(4)):
            proxy.lose_answer()
            await collector.process([message])
            assert proxy.lost == number + 1
        await collector.close()
    assert stored(database) == {"M1/01": 4}
    assert tally(database) == {(0, "frames"): 4, (0, "new"): 4}


async def test_time_does_not_go_back_with_an_answer_that_is_lost(database: Database, make: Make) -> None:
    with Proxy(database.url) as proxy:
        collector = make(url=proxy.url)
        await collector.assign("log", [0])
        await collector.process([(0, 0, tick(15)), (0, 1, frame(0))])
        proxy.lose_answer()
        await collector.process([(0, 2, tick(200)), (0, 3, frame(1))])
        assert proxy.lost == 1
        # Were it still 00:15, this would be a clock that runs ahead, and its deadline one to be judged again.
        await collector.process([(0, 4, frame(2, sent=200))])
        await collector.process([(0, 5, tick(215))])
        await collector.close()
    assert "FUTURE" not in {outcome for _, outcome in tally(database)}
    assert stored(database) == {"M1/01": 3}
    opened = database.connection.execute("select dctu_id, first_start, count(*) from gap group by 1, 2").fetchall()
    assert all(n == 1 for _, _, n in opened)
    events = database.connection.execute("select message from outbox where topic = 'test.events'").fetchall()
    database.connection.commit()
    opened_now = [message for (message,) in events if b'"opened"' in message]
    assert len(set(opened_now)) == len(opened_now)


@pytest.mark.parametrize("seed", range(2))
async def test_a_history_with_all_of_that_ends_in_its_tables(database: Database, seed: int) -> None:
    random = Random(seed)
    history = any_history(random)
    with Proxy(database.url) as proxy:

        async def trouble() -> None:
            for _ in range(12):
                proxy.lose_answer()
                await cut_connections(database, times=1)

        in_trouble = asyncio.create_task(trouble())
        await database.run(history, in_any_order(history, random), random, url=proxy.url)
        in_trouble.cancel()
        await asyncio.wait([in_trouble])
    assert database.tables() == tables_after(history)


async def test_memory_that_is_stale_is_read_again(database: Database, make: Make) -> None:
    collector = make()
    await collector.assign("log", [0])
    await collector.process(stream(1))
    # As another owner would, without this one's knowledge.
    database.connection.execute(
        "insert into reading select ts + interval '15 minutes', 7, sent_at, 9, received_at, channel_id, quality, rank, 0"
        " from reading"
    )
    database.connection.commit()
    await collector.process([(0, 1, frame(1, sent=45))])
    assert {version.wh for version in database.tables().reading.values()} == {5}
    assert {version.wh for found in database.tables().revision.values() for version in found} == {7}


async def test_what_is_gone_from_the_log_is_not_passed_over(database: Database, make: Make) -> None:
    collector = make()
    await collector.assign("log", [0])
    with pytest.raises(LostMessagesError, match=r"next is message 0, the broker has 2"):
        await collector.process(stream(3)[2:])
    assert stored(database) == {}


async def test_what_is_gone_is_not_passed_over_after_deaths_either(database: Database, make: Make) -> None:
    for _ in range(SINGLY_AFTER):
        await make().assign("log", [0])
        offsets.note_death(database.connection, "collect")
    collector = make()
    await collector.assign("log", [0])
    with pytest.raises(LostMessagesError):
        await collector.process(stream(3)[2:])


async def test_another_log_of_the_same_name_is_read_from_its_beginning(database: Database, make: Make) -> None:
    collector = make()
    await collector.assign("log", [0])
    await collector.process(stream(3))
    assert await collector.assign("another log", [0]) == {0: 0}
    await collector.process(stream(4))
    assert stored(database) == {"M1/01": 4}
    assert tally(database)[0, "duplicate"] == 3


class Killed(BaseException):
    """Stands for SIGKILL: nobody may catch it."""


class Fragile(Collector):
    """Dies of the culprit, whether it stands in a batch or alone."""

    death: BaseException = Killed()

    async def attempt(self, connection: psycopg.AsyncConnection, messages: list[Message]) -> None:
        if any(message == CULPRIT for _, _, message in messages):
            raise self.death
        await super().attempt(connection, messages)


CULPRIT = frame(2)


async def deaths_until_done(database: Database, make: Make, kind: type[Collector], messages: list[Message]) -> int:
    """Start a worker, let it die, note its death as the supervisor does, again and again."""
    for deaths in range(20):
        collector = make(kind)
        begin = await collector.assign("log", [0])
        try:
            await collector.process([message for message in messages if message[1] >= begin[0]])
        except (Killed, ValueError):
            await collector.close()
            offsets.note_death(database.connection, "collect")
            continue
        return deaths
    raise AssertionError("the worker dies for ever")


def poison(database: Database) -> list[tuple[str, bytes]]:
    rows = database.connection.execute(
        "select detail, message from quarantine join quarantine_frame f on f.digest = frame_digest where rule = 'POISON'"
    ).fetchall()
    database.connection.commit()
    return [(detail, bytes(message)) for detail, message in rows]


async def test_a_message_that_kills_every_worker_ends_in_the_quarantine(database: Database, make: Make) -> None:
    deaths = await deaths_until_done(database, make, Fragile, stream(5))
    assert deaths <= SINGLY_AFTER + POISON_AFTER
    assert poison(database) == [("the worker was killed while it processed this message alone", CULPRIT)]
    assert stored(database) == {"M1/01": 4}
    assert tally(database)[0, "POISON"] == 1


async def test_a_message_that_cannot_be_processed_ends_there_with_the_reason(database: Database, make: Make) -> None:
    class Raising(Fragile):
        death = ValueError("a bug")

    assert await deaths_until_done(database, make, Raising, stream(5)) == SINGLY_AFTER
    assert poison(database) == [("ValueError: a bug", CULPRIT)]
    assert stored(database) == {"M1/01": 4}


async def test_no_message_is_to_blame_for_the_upkeep(database: Database, make: Make) -> None:
    class Failing(Collector):
        async def upkeep(self, connection: psycopg.AsyncConnection) -> None:
            raise ValueError("a bug")

    for _ in range(SINGLY_AFTER + POISON_AFTER):
        collector = make(Failing)
        await collector.assign("log", [0])
        with pytest.raises(ValueError, match="a bug"):
            await collector.process(stream(3))
        await collector.close()
        offsets.note_death(database.connection, "collect")
    mended = make()
    await mended.assign("log", [0])
    await mended.process(stream(3))
    assert (poison(database), stored(database)) == ([], {"M1/01": 3})


async def test_two_deaths_of_something_else_condemn_nobody(database: Database, make: Make) -> None:
    for _ in range(SINGLY_AFTER):
        await make().assign("log", [0])
        offsets.note_death(database.connection, "collect")
    collector = make()
    await collector.assign("log", [0])
    await collector.process(stream(5))
    await collector.process([(0, 5, frame(5))])
    assert poison(database) == []
    assert stored(database) == {"M1/01": 6}


async def test_deaths_at_different_messages_condemn_nobody(database: Database, make: Make) -> None:
    for number, message in enumerate(stream(8)):
        collector = make()
        await collector.assign("log", [0])
        with suppress(Killed):
            await collector.process([message])
        await collector.close()
        offsets.note_death(database.connection, "collect")
        assert stored(database) == {"M1/01": number + 1}
    assert poison(database) == []


async def test_a_database_that_is_away_at_first_is_waited_for(database: Database, make: Make) -> None:
    tries = 0

    async def connect() -> psycopg.AsyncConnection:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise psycopg.OperationalError("connection refused")
        return await connect_async(database.url)

    collector = Collector(topics_of("test"), RULES, connect)
    assert await collector.assign("log", [0]) == {0: 0}
    await collector.close()
    assert tries == 3
