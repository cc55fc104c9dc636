"""Sends frames and ticks to the topic `frames`: what a source of readings needs of Kafka."""

from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import msgspec
from kafka import KafkaProducer, errors
from kafka.producer.future import FutureRecordMetadata

from connectors.kafka import CONNECT_S, MAX_MESSAGE_BYTES, KafkaError, partition_count, servers, unreachable
from schemas.frame import Frame
from schemas.partitioning import partition_of
from schemas.topics import topics_of

LINGER_MS = 5
# Soon enough after a restart of the broker; the client's own pause grows to half a minute.
RECONNECT_MS = 1_000
BATCH_BYTES = 2**18
# The client itself knows no limit to what waits for the broker.
UNACKNOWLEDGED_BYTES = 64 * 2**20

_encode = msgspec.json.Encoder().encode


def encode_frame(frame: Frame) -> bytes:
    """A frame as it stands on the topic: columnar JSON, instants in UTC."""
    return _encode(
        {
            "dctu": frame.dctu,
            "seq": frame.seq,
            "sent_at": frame.sent_at.astimezone(UTC),
            "slices": [
                {
                    "start": part.start.astimezone(UTC),
                    "channels": part.channels,
                    "wh": part.wh,
                    "status": part.status,
                }
                for part in frame.slices
            ],
        }
    )


def encode_tick(now: datetime) -> bytes:
    """A tick as it stands on the topic."""
    return _encode({"now": now.astimezone(UTC)})


class Producer:
    """Sends to the frames of a space, in order by DCTU, each message written once and by all replicas.

    A message counts as sent when `flush` (or leaving the `with` block) has returned. Not for several threads at once.
    Every method raises KafkaError. Messages are not compressed: gzip, the one codec every client has, costs both ends
    more than the bytes that it saves.
    """

    def __init__(self, address: str, space: str) -> None:
        """Connect; raises NoTopicError where the topics of the space have not been made."""
        self._address = address
        self._topic = topics_of(space).frames
        self._partitions = partition_count(address, self._topic)
        self._partition: dict[str, int] = {}
        self._waiting: deque[tuple[FutureRecordMetadata, int]] = deque()
        self._bytes = 0
        try:
            self._kafka = KafkaProducer(
                bootstrap_servers=servers(address),
                bootstrap_timeout_ms=int(CONNECT_S * 1000),
                max_block_ms=int(CONNECT_S * 1000),
                reconnect_backoff_max_ms=RECONNECT_MS,
                acks="all",
                enable_idempotence=True,
                linger_ms=LINGER_MS,
                batch_size=BATCH_BYTES,
                max_request_size=MAX_MESSAGE_BYTES,
                allow_auto_create_topics=False,
                metrics_enabled=False,
            )
            # Known now, sending does not wait for a broker that is away.
            self._kafka.partitions_for(self._topic)
        except (errors.KafkaError, OSError) as error:
            raise unreachable(address, error) from None

    def __enter__(self) -> Self:
        """The producer itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Flush, unless something went wrong already, and close."""
        try:
            if error is None:
                self.flush()
        finally:
            self.close()

    def send_frame(self, frame: Frame) -> None:
        """Send a frame to the partition of its DCTU."""
        self.send_raw(frame.dctu, encode_frame(frame))

    def send_raw(self, dctu: str, payload: bytes) -> None:
        """Send bytes as they are to the partition of a DCTU."""
        partition = self._partition.get(dctu)
        if partition is None:
            partition = self._partition[dctu] = partition_of(dctu, self._partitions)
        self._send(payload, partition, dctu.encode())

    def send_tick(self, now: datetime) -> None:
        """Send the time to every partition."""
        payload = encode_tick(now)
        for partition in range(self._partitions):
            self._send(payload, partition, None)

    def flush(self, timeout_s: float | None = None) -> None:
        """Return when Kafka has acknowledged all that was sent since the last time; raise where it has not.

        After `timeout_s` it raises, too; what waits then is still tried, and the next `flush` tells what came of it.
        """
        try:
            self._kafka.flush(timeout_s)
        except errors.KafkaError as error:
            raise KafkaError(
                f"Kafka at {self._address} has not acknowledged {len(self._waiting)} messages yet ({error}); "
                "see `tengerim status`"
            ) from None
        sent, lost = len(self._waiting), []
        while self._waiting:
            future, _ = self._waiting.popleft()
            try:
                future.get()
            except errors.KafkaError as error:
                lost.append(error)
        self._bytes = 0
        if lost:
            raise self._not_acknowledged(f"{len(lost)} of {sent} messages", lost[0])

    def close(self) -> None:
        """Let go of the connection; what has not been flushed may be lost."""
        try:
            self._kafka.close(timeout=1)
        except errors.KafkaTimeoutError:
            # It would go on waiting for the broker in its thread: nothing public makes it give up.
            self._kafka._sender.force_close()
            with suppress(errors.KafkaTimeoutError):
                self._kafka.close(timeout=1)

    def _send(self, payload: bytes, partition: int, key: bytes | None) -> None:
        try:
            future = self._kafka.send(self._topic, payload, key=key, partition=partition)
        except errors.MessageSizeTooLargeError:
            raise KafkaError(
                f"a message of {len(payload)} bytes is more than Kafka takes ({MAX_MESSAGE_BYTES}); split the frame"
            ) from None
        except errors.KafkaError as error:
            raise unreachable(self._address, error) from None
        self._waiting.append((future, len(payload)))
        self._bytes += len(payload)
        while self._bytes > UNACKNOWLEDGED_BYTES:
            oldest, size = self._waiting.popleft()
            self._bytes -= size
            try:
                oldest.get()
            except errors.KafkaError as error:
                raise self._not_acknowledged("a message", error) from None

    def _not_acknowledged(self, what: str, why: object) -> KafkaError:
        return KafkaError(
            f"Kafka at {self._address} did not acknowledge {what} ({why}); send them again when it is back"
        )
