"""Tests of streams.alarm: what the cases of tests/scenario cannot show. Rows of balances are written by hand."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from connectors.database import connect_async
from schemas.event import EVENT, BalancesClosed, Event, TimeReached
from schemas.topics import topics_of
from streams.alarm import Alarmer
from streams.alarm_desk import Desk
from tests.alerts.making import master
from tests.connectors.alarmed import clear
from tests.property.database import Database
from tests.property.world import minute

pytestmark = pytest.mark.stack
TOPICS = topics_of("test")
GRACE_US = 5 * 60 * 1_000_000
# A trip at once, and nothing else.
RULES = master(
    TRIP={"after_correction": 0}, DEV_GEN={"enabled": False}, DEV_CONS={"enabled": False},
    HOUR_PROJ={"enabled": False}, ZONE_IMB={"enabled": False}, PLAN_MISSING={"enabled": False},
)  # fmt: skip


class Alarming:
    """An agent, and a hand in the tables of balance."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.offset = 0

    async def start(self) -> None:
        self.alarmer = Alarmer(TOPICS, GRACE_US, self._connect, Desk(RULES), dict)
        self.offset = (await self.alarmer.assign("log", [0]))[0]

    async def _connect(self) -> psycopg.AsyncConnection:
        return await connect_async(self.database.url)

    async def __call__(self, *events: Event | bytes) -> None:
        """Events come; bytes as they are."""
        raw = [event if isinstance(event, bytes) else EVENT.dump_json(event) for event in events]
        await self.alarmer.process([(0, self.offset + i, message) for i, message in enumerate(raw)])
        self.offset += len(raw)

    def close(self, start: float, fact: int, plan: int = 100_000_000) -> BalancesClosed:
        """The facility F and its unit generate so much in an interval that is closed."""
        self.database.connection.execute(
            "insert into balance (ts, node_id, present, expected, schedule_version, closed, gen_plan_wh, gen_fact_wh,"
            " imbalance_wh, computed_at) select %s, node_id, 1, 1, 1, true, %s, %s, %s, now() from node"
            " where (kind, node) in (('facility', 'F'), ('unit', 'UG')) on conflict (node_id, ts) do update"
            " set gen_fact_wh = excluded.gen_fact_wh",
            [minute(start), plan, fact, plan - fact],
        )
        self.database.connection.commit()
        return BalancesClosed(
            start=minute(start), newest=True, node_kind=["facility", "unit"], node=["F", "UG"], imbalance_wh=[0, 0],
            completeness=[1.0, 1.0],
        )  # fmt: skip

    def reach(self, told: float, balance: float | None = None) -> TimeReached:
        """Somebody tells of a time; balance is so far (None: the same)."""
        self.database.connection.execute(
            "insert into ingest_offset (agent, topic, partition, topic_id, next_off, epoch, watched_until)"
            " values ('balance', %s, 0, 'log', 0, 1, %s)"
            " on conflict (agent, topic, partition) do update set watched_until = excluded.watched_until",
            [TOPICS.changes, minute(told if balance is None else balance)],
        )
        self.database.connection.commit()
        return TimeReached(until=minute(told))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        found = self.database.connection.execute(query.encode()).fetchall()
        self.database.connection.commit()
        return found

    def journal(self) -> list[str]:
        return [
            f"{type_} {event}" for type_, event in self.rows("select type, event from alarm_event order by event_id")
        ]

    def watched(self) -> object:
        return self.rows("select watched_until from ingest_offset where agent = 'alarm'")[0][0]

    async def trip(self) -> None:
        """F loses most of its generation in the interval from 00:15 on."""
        await self(self.reach(1))
        await self(self.close(0, 100_000_000), self.close(15, 20_000_000), self.reach(35))


@pytest_asyncio.fixture
async def alarm(database: Database, connection: psycopg.AsyncConnection) -> AsyncIterator[Alarming]:
    await clear(connection)
    made = Alarming(database)
    await made.start()
    yield made
    await made.alarmer.close()


async def test_what_closed_is_followed_and_called_for_once(alarm: Alarming) -> None:
    await alarm.trip()
    assert alarm.journal() == ["TRIP raise"]
    assert alarm.rows("select count(*) from notification") == [(1,)]
    # Told of again, it is no news.
    await alarm(alarm.close(15, 20_000_000), alarm.close(15, 20_000_000))
    assert alarm.journal() == ["TRIP raise"]


async def test_after_a_restart_nothing_is_evaluated_twice(alarm: Alarming) -> None:
    await alarm.trip()
    before = alarm.rows("select * from alarm"), alarm.rows("select * from alarm_event")
    await alarm.alarmer.close()
    await alarm.start()
    # What was processed comes again from the broker, and so does the time.
    alarm.offset = 0
    await alarm(alarm.reach(1), alarm.close(0, 100_000_000), alarm.close(15, 20_000_000), alarm.reach(35))
    assert (alarm.rows("select * from alarm"), alarm.rows("select * from alarm_event")) == before
    # New messages that tell of it again change nothing either.
    await alarm(alarm.close(15, 20_000_000), alarm.reach(35))
    assert alarm.rows("select * from alarm_event") == before[1]


async def test_after_a_restart_the_next_interval_is_followed(alarm: Alarming) -> None:
    await alarm.trip()
    await alarm.alarmer.close()
    await alarm.start()
    await alarm(alarm.close(30, 20_000_000), alarm.reach(50))
    assert alarm.journal() == ["TRIP raise", "TRIP clear"]


async def test_who_lost_the_partition_writes_nothing(alarm: Alarming) -> None:
    await alarm(alarm.reach(1))
    other = Alarming(alarm.database)
    await other.start()
    await alarm(alarm.close(0, 100_000_000), alarm.close(15, 20_000_000), alarm.reach(35))
    assert alarm.journal() == []
    assert alarm.rows("select next_off from ingest_offset where agent = 'alarm'") == [(1,)]
    await other(other.close(0, 100_000_000), other.close(15, 20_000_000), other.reach(35))
    assert alarm.journal() == ["TRIP raise"]
    # Nor by upkeep.
    await alarm.alarmer.tend()
    assert alarm.journal() == ["TRIP raise"]
    await other.alarmer.close()


@pytest.mark.parametrize("event", [b"", b"garbage", b'{"kind":"other"}', b'{"kind":"time","until":"soon"}', b"\xff"])
async def test_an_event_that_cannot_be_read_is_passed_over(alarm: Alarming, event: bytes) -> None:
    await alarm(alarm.reach(1), event)
    await alarm(event, alarm.close(0, 100_000_000), event, alarm.close(15, 20_000_000), event, alarm.reach(35), event)
    assert alarm.journal() == ["TRIP raise"]
    assert alarm.rows("select next_off from ingest_offset where agent = 'alarm'") == [(9,)]


async def test_names_and_kinds_of_different_length_are_no_event_that_stops_the_others(alarm: Alarming) -> None:
    await alarm(alarm.reach(1))
    crooked = alarm.close(0, 100_000_000).model_copy(update={"node": ["F"]})
    await alarm(crooked, alarm.close(0, 100_000_000), alarm.close(15, 20_000_000), alarm.reach(35))
    assert alarm.journal() == ["TRIP raise"]


async def test_nodes_that_nobody_knows_are_passed_over(alarm: Alarming) -> None:
    await alarm(alarm.reach(1))
    strange = BalancesClosed(
        start=minute(0), newest=True, node_kind=["facility"], node=["NOBODY"], imbalance_wh=[0], completeness=[1.0]
    )
    await alarm(strange, alarm.close(0, 100_000_000), alarm.close(15, 20_000_000), alarm.reach(35))
    assert alarm.journal() == ["TRIP raise"]


async def test_the_time_is_believed_no_further_than_balance_is(alarm: Alarming) -> None:
    await alarm(alarm.reach(1))
    await alarm(alarm.reach(10_000, balance=7))
    assert alarm.watched() == minute(7)
    await alarm(alarm.reach(9))
    assert alarm.watched() == minute(9)


async def test_a_time_before_ours_is_not_gone_back_to(alarm: Alarming) -> None:
    await alarm(alarm.reach(9))
    await alarm(alarm.reach(4))
    assert alarm.watched() == minute(9)


async def test_without_a_word_of_balance_no_time_is_believed(alarm: Alarming) -> None:
    await alarm(TimeReached(until=minute(9)))
    assert alarm.watched() is None


async def test_what_was_closed_before_the_first_time_calls_nobody(alarm: Alarming) -> None:
    await alarm(alarm.close(0, 100_000_000), alarm.close(15, 20_000_000), alarm.reach(60))
    assert alarm.journal() == []
