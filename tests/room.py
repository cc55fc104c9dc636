"""Alarms of the small fleet in a space of their own, and somebody who obeys orders."""

import asyncio
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from kafka import KafkaConsumer, TopicPartition

from alerts.master import shipped
from connectors.database import connect, connect_async, create_database, drop_database, space_url
from connectors.kafka import delete_topics, ensure_topics, topic_ids
from connectors.migrations import migrate
from infra.stack.stack import Addresses
from schemas.topics import topics_of
from streams.alarm_desk import Desk
from streams.commanding import Commander
from tests.connectors.alarmed import TABLES, alarm, at, entry, fill
from tests.connectors.filled import register

# In the order of the list: what asks for somebody first, then by priority, the newest first.
ALARMS = [
    alarm("TRIP", "facility", "F", escalated=True),
    alarm("PIPELINE", "system", "clock", state="LUNACK", life="LUNACK", value=130, limit_value=120, unit="s"),
    alarm("ZONE_IMB", "zone", "NS", priority="medium", raised_at=at(30)),
    alarm("DEV_GEN", "facility", "G", priority="medium", raised_at=at(15), value=60_000_000, unit="W"),
    alarm("DEV_GEN", "facility", "F", state="RTNUN", life="RTNUN", priority="low", condition=False),
    alarm("DEV_CONS", "facility", "G", state="ACKED", life="ACKED", acked_at=at(20), acked_by="Айгерім"),
    alarm("GAP_DCTU", "dctu", "DG", state="DSUPR", rule_reason="GAP_ENTITY L", order_reason="agreed", raised_at=None),
    alarm("GAP_EMC", "emc", "M1", state="SHLVD", priority="low", shelved_until=at(75), raised_at=at(5), unit="points"),
    alarm("GAP_EMC", "emc", "M2", state="OOSRV", priority="low", out_of_service="replaced", raised_at=at(4), value=2,
          unit="points", detail={"dctu": "DG", "says": "ә"}),
]  # fmt: skip
NORMAL = alarm("TRIP", "facility", "G", state="NORM", life="NORM", condition=False, since_ts=None)
JOURNAL = [
    (0, entry(ALARMS[0], minutes=15)),
    (3, entry(ALARMS[3], minutes=20)),
    (0, entry(ALARMS[0], "escalate", 20, actor="", detail={"a": 1})),
    (2, entry(ALARMS[2], minutes=30)),
    (5, entry(ALARMS[5], "acknowledge", 45, actor="Айгерім", reason="звоню", state_before="UNACK")),
    (7, entry(ALARMS[7], "shelve", 60, actor="B", reason="test")),
]


@contextmanager
def new_space(stack: Addresses, folder: Path) -> Iterator[str]:
    """A space with the master data of the small fleet and its topics, gone at the end; its name."""
    space = f"t{secrets.token_hex(6)}"
    url = space_url(stack.database, space)
    create_database(url)
    try:
        with connect(url) as connection:
            migrate(connection)
            register(connection, folder)
        ensure_topics(stack.kafka, space, 1)
        yield space
        delete_topics(stack.kafka, space)
    finally:
        drop_database(url)


@dataclass(frozen=True)
class Room:
    """A space with the alarms above, by their numbers, and its topic of orders."""

    kafka: str
    space: str
    url: str
    numbers: list[int]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with connect(self.url) as connection:
            return connection.execute(query.encode()).fetchall()

    def write(self, statement: str) -> None:
        """As an agent that changes alarms: whoever holds them in memory reads them anew."""
        with connect(self.url) as connection:
            connection.execute(statement.encode())
            connection.execute("update alarm_version set version = version + 1")

    def wait_for(self, query: str) -> None:
        """Return once the one value of a query is true."""
        until = time.monotonic() + 20
        while not self.rows(query)[0][0]:
            assert time.monotonic() < until
            time.sleep(0.05)

    def state(self, place: int) -> str:
        (row,) = self.rows(f"select state from alarm where alarm_id = {self.numbers[place]}")
        return str(row[0])

    @contextmanager
    def answering(self) -> Iterator[None]:
        """The agent's work on orders, as a worker does it."""
        topics, end = topics_of(self.space), threading.Event()

        async def opened() -> psycopg.AsyncConnection:
            return await connect_async(self.url)

        async def work() -> None:
            owner = Commander(topics, opened, Desk(shipped()))
            begin = await owner.assign(topic_ids(self.kafka, [topics.commands])[topics.commands], [0])
            consumer = KafkaConsumer(bootstrap_servers=self.kafka, enable_auto_commit=False)
            place = TopicPartition(topics.commands, 0)
            consumer.assign([place])
            consumer.seek(place, begin[0])
            while not end.is_set():
                for records in consumer.poll(timeout_ms=50).values():
                    await owner.process([(record.partition, record.offset, record.value) for record in records])
            consumer.close()
            await owner.close()

        thread = threading.Thread(target=asyncio.run, args=(work(),))
        thread.start()
        try:
            yield
        finally:
            end.set()
            thread.join()


def room_of(stack: Addresses, space: str) -> Room:
    """The space with the alarms above and nothing else."""
    url = space_url(stack.database, space)
    with connect(url) as connection:
        for table in TABLES:
            connection.execute(f"delete from {table}".encode())
    return Room(stack.kafka, space, url, fill(url, [*ALARMS, NORMAL], JOURNAL))
