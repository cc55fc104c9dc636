"""Sends what the sources say at a steady pace, whatever happens to the broker, and keeps the ledger."""

import hashlib
import json
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaProducer
from kafka.partitioner.default import murmur2
from kafka.producer.future import RecordMetadata

from tests.chaos.sources import Outgoing, Sources

SETTLE_S = 300.0


def digest(value: bytes) -> str:
    """Which message this is."""
    return hashlib.blake2b(value, digest_size=16).hexdigest()


def home_of(dctu: str, partitions: int) -> int:
    """Where Kafka's own clients put a message with this key."""
    return int(murmur2(dctu.encode()) & 0x7FFFFFFF) % partitions


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger: what was sent, and where the broker said it stands; `offset` None: not acknowledged."""

    log: int
    partition: int
    offset: int | None
    readings: int
    digest: str


class Load:
    """The load of one topic, in a thread of its own while it runs."""

    def __init__(
        self, address: str, topic: str, partitions: int, sources: Sources, slot: int, ledger: Path, pace_s: float
    ) -> None:
        """Connect; the first interval will be `slot`, each takes `pace_s` of the wall clock."""
        self.sources, self.slot, self.ledger, self.pace_s = sources, slot, ledger, pace_s
        self.entries: list[Entry] = []
        self.seconds = 0.0
        self.log = 0
        self._topic, self._partitions, self._address = topic, partitions, address
        self._written = 0
        self._open = 0
        self._again: deque[tuple[Outgoing, int]] = deque()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._producer = self._connect()

    @property
    def frames(self) -> int:
        """Messages with readings that the broker has acknowledged."""
        return sum(1 for entry in self.entries if entry.readings and entry.offset is not None)

    @property
    def readings(self) -> int:
        """Readings that the broker has acknowledged."""
        return sum(entry.readings for entry in self.entries if entry.offset is not None)

    def start(self) -> None:
        """Send until `pause`."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """Stop, and wait until the broker has acknowledged everything."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None
        self._settle()
        with self.ledger.open("a", encoding="utf-8") as file:
            for entry in self.entries[self._written :]:
                file.write(json.dumps({name: getattr(entry, name) for name in Entry.__slots__}) + "\n")
        self._written = len(self.entries)

    def begin_log(self) -> None:
        """Go on with a broker that has lost its log; nothing must be on the way."""
        self._producer.close()
        self.log += 1
        self._producer = self._connect()

    def close(self) -> None:
        """Stop for good."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._producer.close(timeout=5)

    def send(self, message: Outgoing) -> None:
        """Send one message; a tick into every partition."""
        for partition in self._partitions_of(message):
            self._send(message, partition)

    def _partitions_of(self, message: Outgoing) -> Iterable[int]:
        if not message.dctu:
            return range(self._partitions)
        return [(home_of(message.dctu, self._partitions) + message.astray) % self._partitions]

    def _send(self, message: Outgoing, partition: int) -> None:
        with self._lock:
            self._open += 1
        future = self._producer.send(self._topic, message.value, key=message.dctu.encode() or None, partition=partition)
        future.add_callback(self._acknowledged, message)
        future.add_errback(self._failed, message, partition)

    def _acknowledged(self, message: Outgoing, at: RecordMetadata) -> None:
        self._note(Entry(self.log, at.partition, at.offset, message.readings, digest(message.value)))

    def _failed(self, message: Outgoing, partition: int, _: Exception) -> None:
        # A source sends again what it was not told to be there.
        self._again.append((message, partition))
        self._note(Entry(self.log, partition, None, message.readings, digest(message.value)))

    def _note(self, entry: Entry) -> None:
        with self._lock:
            self._open -= 1
            self.entries.append(entry)

    def _run(self) -> None:
        begun = due = time.monotonic()
        while not self._stop.is_set():
            for message in self.sources.interval(self.slot):
                self.send(message)
            self.slot += 1
            self._send_again()
            due += self.pace_s
            self._stop.wait(max(0.0, due - time.monotonic()))
        self.seconds += time.monotonic() - begun

    def _send_again(self) -> None:
        while self._again:
            self._send(*self._again.popleft())

    def _settle(self) -> None:
        until = time.monotonic() + SETTLE_S
        while self._open or self._again:
            assert time.monotonic() < until, f"{self._open} messages are not acknowledged after {SETTLE_S:g} s"
            self._send_again()
            time.sleep(0.05)

    def _connect(self) -> KafkaProducer:
        return KafkaProducer(
            bootstrap_servers=self._address,
            acks="all",
            linger_ms=5,
            batch_size=2**18,
            reconnect_backoff_max_ms=1000,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )
