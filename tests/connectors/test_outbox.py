"""Tests of connectors.outbox."""

from collections.abc import Iterator

import psycopg
import pytest
from kafka import KafkaConsumer, TopicPartition

from connectors.kafka import KafkaError, delete_topics, ensure_topics
from connectors.outbox import send_pending
from infra.stack.stack import Addresses
from schemas.topics import topics_of

pytestmark = pytest.mark.stack


@pytest.fixture
def topic(stack: Addresses, space: str) -> Iterator[str]:
    """The topic `changes` of the space."""
    ensure_topics(stack.kafka, space, 1)
    yield topics_of(space).changes
    delete_topics(stack.kafka, space)


def put(archive: psycopg.Connection, topic: str, *messages: bytes, agent: str = "registry") -> None:
    for message in messages:
        archive.execute(
            "insert into outbox (agent, source_partition, topic, partition, message) values (%s, 0, %s, 0, %s)",
            [agent, topic, message],
        )
    archive.commit()


def left(archive: psycopg.Connection) -> list[bytes]:
    found = archive.execute("select message from outbox order by outbox_id").fetchall()
    archive.commit()
    return [message for (message,) in found]


def on_topic(address: str, topic: str) -> list[bytes]:
    consumer = KafkaConsumer(bootstrap_servers=address.split(","), enable_auto_commit=False)
    try:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        found: list[bytes] = []
        while len(found) < end:
            found += [record.value for record in consumer.poll(timeout_ms=1000).get(place, [])]
        return found
    finally:
        consumer.close()


def test_messages_of_the_agent_go_in_order_and_leave(archive: psycopg.Connection, stack: Addresses, topic: str) -> None:
    put(archive, topic, b"1", b"2", b"3")
    put(archive, topic, b"other", agent="collect")
    assert send_pending(archive, stack.kafka, "registry") == 3
    assert on_topic(stack.kafka, topic) == [b"1", b"2", b"3"]
    assert left(archive) == [b"other"]
    assert send_pending(archive, stack.kafka, "registry") == 0


def test_without_the_topic_they_stay(archive: psycopg.Connection, stack: Addresses, space: str) -> None:
    put(archive, topics_of(space).changes, b"1")
    with pytest.raises(KafkaError, match="has no topic"):
        send_pending(archive, stack.kafka, "registry")
    assert left(archive) == [b"1"]


def test_nothing_to_send_needs_no_kafka(archive: psycopg.Connection) -> None:
    assert send_pending(archive, "127.0.0.1:1", "registry") == 0
