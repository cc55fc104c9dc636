"""Topics, offsets and consumer groups of a Kafka cluster."""

import logging
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from kafka import KafkaAdminClient, TopicPartition, errors
from kafka.protocol.consumer import OffsetSpec

from schemas.topics import Topics, topics_of

# The database is what is known; the log only has to outlast the longest stop of a worker.
RETENTION = timedelta(days=7)
# A frame may be as large as this; brokers of the stack take no larger message.
MAX_MESSAGE_BYTES = 8 * 2**20
NO_TOPIC_ID = "none"
CONNECT_S = 10.0
REQUEST_S = 30.0

# Whatever goes wrong reaches the caller as KafkaError; the client's own log would say it again, many times a second.
logging.getLogger("kafka").setLevel(logging.CRITICAL)


class KafkaError(Exception):
    """Kafka cannot be used; the text says what to do."""


class NoTopicError(KafkaError):
    """A topic does not exist (yet)."""


def servers(address: str) -> list[str]:
    """The bootstrap servers of an address, one of which listens. Raises KafkaError."""
    found = address.split(",")
    refused: OSError | None = None
    for server in found:
        host, _, port = server.rpartition(":")
        if not (host and port.isdigit() and 0 < int(port) < 65536):
            raise KafkaError(f"{address!r} is no address of Kafka: set TENGERIM_KAFKA to host:port[,host:port]")
        try:
            # The client would try for long, and leave its sockets open when it gives up.
            socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()
            return found
        except OSError as error:
            refused = error
    raise unreachable(address, refused)


def unreachable(address: str, error: Exception | None) -> KafkaError:
    """The sentence for a broker that does not answer."""
    why = (error.strerror if isinstance(error, OSError) else None) or error
    if isinstance(error, errors.KafkaTimeoutError):
        why = f"no answer within {CONNECT_S:g} s"
    return KafkaError(f"no Kafka at {address} ({why}); start the local stack with `tengerim up`, or set TENGERIM_KAFKA")


@contextmanager
def _admin(address: str) -> Iterator[Any]:
    try:
        client = KafkaAdminClient(
            bootstrap_servers=servers(address),
            bootstrap_timeout_ms=int(CONNECT_S * 1000),
            request_timeout_ms=int(REQUEST_S * 1000),
        )
    except (errors.KafkaError, OSError) as error:
        raise unreachable(address, error) from None
    try:
        yield client
    except errors.KafkaError as error:
        raise KafkaError(f"Kafka at {address} did not do as asked ({error}); see `tengerim status`") from None
    finally:
        client.close()


def ensure_topics(address: str, space: str, partitions: int) -> None:
    """Make the topics of a space that are missing; those that exist stay as they are.

    Raises KafkaError where `frames` has another number of partitions: its DCTUs would move to other ones.
    """
    topics = topics_of(space)
    settings = {"retention.ms": str(RETENTION // timedelta(milliseconds=1))}
    with _admin(address) as admin:
        there = _described(admin, topics)
        missing = {
            topic: {
                "num_partitions": partitions if topic == topics.frames else 1,
                "configs": settings | {"max.message.bytes": str(MAX_MESSAGE_BYTES)},
            }
            for topic in topics
            if topic not in there
        }
        if missing:
            for made in admin.create_topics(missing, raise_errors=False)["topics"]:
                if made["error_code"] not in (0, errors.TopicAlreadyExistsError.errno):
                    raise KafkaError(f"Kafka at {address} did not make topic {made['name']}: {made['error_message']}")
            admin.wait_for_topics(list(missing))
            there = _described(admin, topics)
    found = len(there[topics.frames]["partitions"])
    if found != partitions:
        raise KafkaError(
            f"topic {topics.frames} has {found} partitions, not {partitions}: with another number its DCTUs would move "
            f"to other partitions. Set TENGERIM_PARTITIONS={found}, or take a new space (TENGERIM_SPACE), or remove "
            "everything with `tengerim wipe`"
        )


def delete_topics(address: str, space: str) -> None:
    """Remove the topics of a space, and wait until they are gone."""
    topics = topics_of(space)
    with _admin(address) as admin:
        there = list(_described(admin, topics))
        if there:
            admin.delete_topics(there, raise_errors=False)
        until = time.monotonic() + REQUEST_S
        while there and (there := list(_described(admin, topics))):
            if time.monotonic() > until:
                raise KafkaError(f"Kafka at {address} did not remove {', '.join(there)} within {REQUEST_S:.0f} s")
            time.sleep(0.1)


def topic_ids(address: str, topics: Sequence[str]) -> dict[str, str]:
    """The ids of topics: made anew under the same name, a topic has another. NO_TOPIC_ID where a broker gives none."""
    with _admin(address) as admin:
        there = _existing(admin, address, topics)
        return {topic: str(there[topic]["topic_id"] or NO_TOPIC_ID) for topic in topics}


def partition_count(address: str, topic: str) -> int:
    """How many partitions a topic has. Raises NoTopicError."""
    with _admin(address) as admin:
        return len(_existing(admin, address, [topic])[topic]["partitions"])


def end_offsets(address: str, topic: str) -> dict[int, int]:
    """The offset that the next message of each partition will get. Raises NoTopicError."""
    return _offsets(address, topic, OffsetSpec.LATEST)


def begin_offsets(address: str, topic: str) -> dict[int, int]:
    """The first offset that each partition still holds. Raises NoTopicError."""
    return _offsets(address, topic, OffsetSpec.EARLIEST)


def group_members(address: str, group: str) -> int:
    """How many members a consumer group has; 0 where there is no such group."""
    with _admin(address) as admin:
        return len(admin.describe_groups([group])[group]["members"])


def _offsets(address: str, topic: str, spec: object) -> dict[int, int]:
    with _admin(address) as admin:
        partitions = _existing(admin, address, [topic])[topic]["partitions"]
        asked = {TopicPartition(topic, partition["partition_index"]): spec for partition in partitions}
        found = admin.list_partition_offsets(asked)
        return {place.partition: int(at.offset) for place, at in sorted(found.items())}


def _described(admin: Any, topics: Topics | Sequence[str]) -> dict[str, dict[str, Any]]:
    return {topic["name"]: topic for topic in admin.describe_topics(list(topics)) if not topic["error_code"]}


def _existing(admin: Any, address: str, topics: Sequence[str]) -> dict[str, dict[str, Any]]:
    there = _described(admin, topics)
    missing = [topic for topic in topics if topic not in there]
    if missing:
        raise NoTopicError(
            f"Kafka at {address} has no topic {', '.join(missing)}; `tengerim worker` makes it at its start"
        )
    return there
