"""What stands on a topic, read with a client of its own."""

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
