"""What stands on a topic, read with a client of its own; and a member of a group, to be counted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from kafka import KafkaConsumer, TopicPartition


class Message(NamedTuple):
    """One message as the broker has it."""

    partition: int
    key: bytes | None
    value: bytes


def messages_of(address: str, topic: str) -> list[Message]:
    """Everything on a topic, by partition, in order."""
    consumer = KafkaConsumer(bootstrap_servers=address, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        places = [TopicPartition(topic, partition) for partition in sorted(consumer.partitions_for_topic(topic))]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        found: list[Message] = []
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(timeout_ms=200).values():
                found += [Message(record.partition, record.key, record.value) for record in records]
        return sorted(found, key=lambda message: message.partition)
    finally:
        consumer.close()


@contextmanager
def member(address: str, topic: str, group: str) -> Iterator[None]:
    """A consumer that has joined a group, and leaves it in the end."""
    for _ in range(6):
        consumer = KafkaConsumer(topic, bootstrap_servers=address, group_id=group)
        try:
            # Now and then one that joins a group of a new topic is given nothing, and asks no more.
            until = time.monotonic() + 20
            while not consumer.assignment() and time.monotonic() < until:
                consumer.poll(timeout_ms=100)
            if consumer.assignment():
                yield
                return
        finally:
            consumer.close()
    raise AssertionError(f"nobody could join {group}")
