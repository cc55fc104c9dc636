"""Tests of connectors.drain."""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql

from connectors import drain
from connectors.database import DatabaseError, connect, create_database, database_name, drop_database, space_url
from connectors.drain import DrainError, Look, look, messages_left, wait_until_drained
from connectors.kafka import KafkaError, delete_topics, end_offsets, ensure_topics, topic_ids
from connectors.migrations import migrate
from connectors.producer import Producer
from infra.stack.stack import Addresses
from schemas.topics import topics_of
from tests.messages import member

PARTITIONS = 2


@pytest.mark.parametrize(
    ("ends", "places", "left"),
    [
        ({0: 0, 1: 0}, {}, 0),
        ({0: 5, 1: 3}, {}, 8),
        ({0: 5, 1: 3}, {0: ("id", 5), 1: ("id", 2)}, 1),
        ({0: 5, 1: 3}, {0: ("id", 5), 1: ("id", 3)}, 0),
        ({0: 5}, {0: ("id", 7)}, 0),
        ({0: 5}, {0: ("of a lost log", 5)}, 5),
        ({0: 0}, {0: ("of a lost log", 5)}, 1),
    ],
    ids=["empty", "never begun", "in the middle", "at the end", "beyond an earlier look", "anew", "anew and empty"],
)
def test_what_is_left_of_a_topic(ends: dict[int, int], places: dict[int, tuple[str, int]], left: int) -> None:
    assert messages_left(ends, "id", places) == left


class Pipeline:
    """A space with messages in its topics; the tests play its worker."""

    def __init__(self, kafka: str, space: str, url: str) -> None:
        self.kafka, self.space, self.url = kafka, space, url
        self.said: list[str] = []

    def process(self, agent: str, topic: str) -> None:
        """Have an agent process a topic to its end."""
        (topic_id,) = topic_ids(self.kafka, [topic]).values()
        with connect(self.url) as connection:
            for partition, end in end_offsets(self.kafka, topic).items():
                connection.execute(
                    "insert into ingest_offset (agent, topic, partition, topic_id, next_off, epoch)"
                    " values (%s, %s, %s, %s, %s, 1) on conflict (agent, topic, partition)"
                    " do update set next_off = excluded.next_off",
                    [agent, topic, partition, topic_id, end],
                )

    def process_all(self) -> None:
        self.process("collect", topics_of(self.space).frames)
        self.process("balance", topics_of(self.space).changes)

    def write(self, statement: bytes) -> None:
        with connect(self.url) as connection:
            connection.execute(statement)

    def look(self) -> Look:
        return look(self.kafka, self.url, self.space)

    def wait(self, timeout_s: float = 30.0, no_worker_s: float = 1.0) -> None:
        wait_until_drained(self.kafka, self.url, self.space, self.said.append, timeout_s, no_worker_s)

    @contextmanager
    def worker(self) -> Iterator[None]:
        """A member of the group of balance."""
        with member(self.kafka, topics_of(self.space).changes, f"{self.space}.balance"):
            yield


@pytest.fixture(scope="module")
def url(stack: Addresses) -> Iterator[str]:
    """A database for all tests of this file: making one takes long."""
    url = space_url(stack.database, f"t{secrets.token_hex(6)}")
    create_database(url)
    with connect(url) as connection:
        migrate(connection)
    yield url
    drop_database(url)


@pytest.fixture
def pipeline(stack: Addresses, space: str, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    monkeypatch.setattr(drain, "LOOK_S", 0.05)
    monkeypatch.setattr(drain, "SAY_S", 0.2)
    ensure_topics(stack.kafka, space, PARTITIONS)
    with Producer(stack.kafka, space) as producer:
        producer.send_tick(datetime(2026, 3, 1, tzinfo=UTC))
    with connect(url) as connection:
        connection.execute("truncate ingest_offset, outbox, recompute")
    yield Pipeline(stack.kafka, space, url)
    delete_topics(stack.kafka, space)


@pytest.mark.stack
def test_what_is_processed_to_its_end_is_drained_without_a_worker(pipeline: Pipeline) -> None:
    pipeline.process_all()
    assert pipeline.look().left == []
    pipeline.wait()


@pytest.mark.stack
def test_a_broker_that_has_yet_to_find_its_groups_is_waited_for(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse(kafka: str, group: str) -> list[str]:
        asked.append(group)
        pipeline.process_all()
        raise KafkaError("CoordinatorNotAvailableError")

    monkeypatch.setattr(drain, "group_members", refuse)
    pipeline.wait()
    assert asked


@pytest.mark.stack
def test_a_message_before_an_agent_is_left(pipeline: Pipeline) -> None:
    frames = topics_of(pipeline.space).frames
    assert pipeline.look().left == [f"collect has 2 of 2 messages of {frames} before it"]


@pytest.mark.stack
@pytest.mark.parametrize(
    ("statement", "left"),
    [
        (
            b"insert into outbox (agent, source_partition, topic, message) values ('registry', 0, 'changes', '')",
            "1 messages to send on",
        ),
        (b"insert into recompute (from_ts, to_ts) values (now(), now()), (now(), now())", "2 periods to compute anew"),
        (
            b"update ingest_offset set topic_id = 'of a lost log' where agent = 'collect' and partition = 0",
            "collect has 1 of 2 messages",
        ),
        (
            b"update ingest_offset set topic_id = 'of a lost log' where agent = 'balance'",
            "balance has yet to see that",
        ),
    ],
    ids=["outbox", "recompute", "another topic", "another topic, empty"],
)
def test_what_an_agent_has_yet_to_do_is_left(pipeline: Pipeline, statement: bytes, left: str) -> None:
    pipeline.process_all()
    pipeline.write(statement)
    (only,) = pipeline.look().left
    assert only.startswith(left)


@pytest.mark.stack
def test_without_a_worker_it_ends_with_what_to_do(pipeline: Pipeline) -> None:
    with pytest.raises(
        DrainError, match=rf"no worker of space {pipeline.space} .* 1 s; start one with `tengerim worker`"
    ):
        pipeline.wait()


@pytest.mark.stack
def test_a_worker_is_waited_for_while_it_is_there(pipeline: Pipeline) -> None:
    with (
        pipeline.worker(),
        pytest.raises(DrainError, match="not drained within 2 s; left: collect has 2 of 2 messages"),
    ):
        pipeline.wait(timeout_s=2.0, no_worker_s=0.5)
    assert pipeline.said
    assert all(line.startswith("left: collect has 2 of 2") for line in pipeline.said)


@pytest.mark.stack
def test_it_ends_once_a_worker_that_came_late_is_done(pipeline: Pipeline) -> None:
    late = threading.Timer(0.5, pipeline.process_all)
    late.start()
    pipeline.wait(no_worker_s=20.0)
    late.join()
    assert pipeline.look().left == []


@pytest.mark.stack
def test_topics_that_no_worker_has_made_are_waited_for(pipeline: Pipeline) -> None:
    delete_topics(pipeline.kafka, pipeline.space)
    with pytest.raises(DrainError, match=r"no worker of space .* Left: Kafka at .* has no topic"):
        pipeline.wait()


@pytest.mark.stack
def test_a_database_and_tables_that_no_worker_has_made_are_waited_for(stack: Addresses, space: str) -> None:
    url = space_url(stack.database, space)
    ensure_topics(stack.kafka, space, PARTITIONS)
    assert look(stack.kafka, url, space).left == ["a worker has yet to make the database"]
    create_database(url)
    try:
        assert look(stack.kafka, url, space).left == ["a worker has yet to make the tables"]
    finally:
        drop_database(url)
        delete_topics(stack.kafka, space)


@pytest.mark.stack
def test_servers_that_were_never_there_are_told_at_once(pipeline: Pipeline, stack: Addresses) -> None:
    with pytest.raises(KafkaError, match="no Kafka at"):
        wait_until_drained("127.0.0.1:1", pipeline.url, pipeline.space, pipeline.said.append)
    nowhere = "postgresql://tengerim@127.0.0.1:1/tengerim"
    with pytest.raises(DatabaseError, match=r"no database at 127\.0\.0\.1:1"):
        wait_until_drained(stack.kafka, nowhere, pipeline.space, pipeline.said.append)


@pytest.mark.stack
def test_a_database_that_goes_away_meanwhile_is_waited_for(pipeline: Pipeline, stack: Addresses) -> None:
    name = sql.Identifier(database_name(pipeline.url))
    with psycopg.connect(stack.database, autocommit=True) as server:

        def let_in(allowed: bool) -> None:
            server.execute(sql.SQL("alter database {} allow_connections {}").format(name, sql.Literal(allowed)))

        def go_away_and_come_back() -> None:
            let_in(False)
            time.sleep(0.7)
            let_in(True)
            pipeline.process_all()

        outage = threading.Timer(0.3, go_away_and_come_back)
        outage.start()
        pipeline.wait(no_worker_s=20.0)
        outage.join()
    assert any("cannot open the database" in line for line in pipeline.said)
