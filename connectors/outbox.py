"""Sends on what a transaction left in `outbox`, for commands; agents send their own."""

from collections.abc import Sequence
from contextlib import suppress

import psycopg
from kafka import KafkaProducer, errors

from connectors.kafka import CONNECT_S, MAX_MESSAGE_BYTES, KafkaError, partition_count, unreachable

Message = tuple[str, int | None, bytes | None, bytes]


def send_pending(connection: psycopg.Connection, kafka_address: str, agent: str) -> int:
    """Send all messages of `agent`, oldest first; delete and commit once the broker has them. Returns how many.

    A message may go twice (running workers send what is left, too): receivers recompute, so it does no harm.
    Raises KafkaError; the messages then stay where they are.
    """
    rows = connection.execute(
        "select outbox_id, topic, partition, key, message from outbox where agent = %s order by outbox_id", [agent]
    ).fetchall()
    connection.commit()
    if rows:
        send_messages(kafka_address, [row[1:] for row in rows])
        connection.execute("delete from outbox where outbox_id = any(%s)", [[row[0] for row in rows]])
        connection.commit()
    return len(rows)


def send_messages(address: str, messages: Sequence[Message]) -> None:
    """Send messages (topic, partition, key, value) and return when the broker has them. Raises KafkaError."""
    for topic in {message[0] for message in messages}:
        partition_count(address, topic)
    limit_ms = int(CONNECT_S * 1000)
    try:
        producer = KafkaProducer(
            bootstrap_servers=address.split(","),
            bootstrap_timeout_ms=limit_ms,
            max_block_ms=limit_ms,
            request_timeout_ms=limit_ms,
            delivery_timeout_ms=2 * limit_ms,
            max_request_size=MAX_MESSAGE_BYTES,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
    except (errors.KafkaError, ValueError, OSError) as error:
        raise unreachable(address, error) from None
    try:
        waiting = [
            producer.send(topic, message, key=key, partition=partition) for topic, partition, key, message in messages
        ]
        for sent in waiting:
            sent.get(timeout=3 * CONNECT_S)
    except errors.KafkaError as error:
        raise KafkaError(f"Kafka at {address} did not take {len(messages)} messages ({error})") from None
    finally:
        with suppress(errors.KafkaTimeoutError):
            producer.close(timeout=1)
