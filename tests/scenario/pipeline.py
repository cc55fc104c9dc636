"""Agents at work in a space of their own: in a real worker, or in this process where a case is too small for one."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import psycopg
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from connectors import sending
from connectors.database import connect_async, space_url
from connectors.drain import DrainError, wait_until_drained
from connectors.kafka import end_offsets, topic_ids
from infra.space import prepare, remove
from infra.stack.stack import Addresses
from infra.worker import environment
from schemas.settings import Settings
from schemas.topics import topics_of
from streams.alarm import Alarmer
from streams.alarm_desk import Desk
from streams.balance import Balancer
from streams.batch import Rules
from streams.collect import Collector
from streams.commanding import Commander
from streams.owner import Owner
from streams.rules_file import RulesFile

# For machines that have much else to do.
DRAIN_S = 600.0
START_S = 300.0
STOP_S = 60.0
SEND_S = 60.0


class Pipeline(Protocol):
    """Whatever brings what was sent to its end."""

    settings: Settings

    def drain(self) -> None:
        """Return when everything sent is processed."""


def settings_of(home: Path, addresses: Addresses, space: str, partitions: int) -> Settings:
    """Settings of a space whose only clock are the ticks that a test sends."""
    given = {name: getattr(addresses, name) for name in Addresses.__dataclass_fields__}
    return Settings(home=home, space=space, partitions=partitions, clock="none", **given)


@contextmanager
def made(settings: Settings) -> Iterator[str]:
    """The space, made and in the end removed; gives the address of its database."""
    try:
        yield prepare(settings, lambda line: None)
    finally:
        remove(settings)


class Worker:
    """`tengerim worker` as a process; may be started again after it was stopped."""

    def __init__(self, settings: Settings, log: Path) -> None:
        """`log`: what it says goes there."""
        self.settings = settings
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop."""
        self.stop()

    def start(self) -> None:
        """Start it; that it is ready shows when it drains."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "infra", "worker"],
                env=environment(self.settings, 0),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Stop it in order, as `tengerim worker` is stopped."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise AssertionError(f"the worker did not stop within {STOP_S:g} s:\n{self.said()}") from None

    def drain(self) -> None:
        """Wait until everything sent is processed."""
        url = space_url(self.settings.database, self.settings.space)
        try:
            wait_until_drained(self.settings.kafka, url, self.settings.space, lambda line: None, DRAIN_S, START_S)
        except DrainError as error:
            raise AssertionError(f"{error}; the worker said:\n{self.said()}") from error

    def said(self) -> str:
        """The end of what it said."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]


class Agents:
    """Collect, balance and alarm in this process: all of a worker but Faust and the processes."""

    def __init__(self, settings: Settings) -> None:
        """Own nothing yet."""
        self.settings = settings
        topics = topics_of(settings.space)
        rules = Rules(
            settings.partitions, settings.grace_s * 1_000_000, settings.ahead_s * 1_000_000, settings.ring_intervals
        )
        desk = Desk(RulesFile(settings.alarm_rules).changed())
        self._owners: tuple[Owner, ...] = (
            Collector(topics, rules, self._connect),
            Balancer(topics, rules, self._connect),
            Alarmer(topics, rules.grace_us, self._connect, desk, dict),
            Commander(topics, self._connect, desk),
        )
        self._loop = asyncio.Runner()
        self._producer = KafkaProducer(bootstrap_servers=settings.kafka)
        self._consumers: list[KafkaConsumer] = []

    def __enter__(self) -> Self:
        """Own every partition, and begin where the database says."""
        for owner in self._owners:
            topic = owner.places.topic
            topic_id = topic_ids(self.settings.kafka, [topic])[topic]
            begin = self._loop.run(owner.assign(topic_id, end_offsets(self.settings.kafka, topic)))
            consumer = KafkaConsumer(bootstrap_servers=self.settings.kafka, enable_auto_commit=False)
            consumer.assign([TopicPartition(topic, partition) for partition in begin])
            for partition, offset in begin.items():
                consumer.seek(TopicPartition(topic, partition), offset)
            self._consumers.append(consumer)
        self._outbox = self._loop.run(self._connect())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Let go of everything."""
        for consumer in self._consumers:
            consumer.close()
        self._producer.close()
        for owner in self._owners:
            self._loop.run(owner.close())
        self._loop.run(self._outbox.close())
        self._loop.close()

    def drain(self) -> None:
        """Process what was sent, send on what came of it, until nothing is left."""
        while any(self._step(owner, consumer) for owner, consumer in zip(self._owners, self._consumers, strict=True)):
            pass

    def _step(self, owner: Owner, consumer: KafkaConsumer) -> bool:
        messages = _waiting(consumer)
        if messages:
            self._loop.run(owner.process(messages))
        sources = list(owner.places.places)
        sent = self._loop.run(sending.send_waiting(self._outbox, [owner.places.agent], sources, self._send))
        return bool(messages) or sent > 0

    async def _send(self, topic: str, partition: int | None, key: bytes | None, message: bytes) -> Awaitable[object]:
        return asyncio.to_thread(self._producer.send(topic, message, key=key, partition=partition).get, SEND_S)

    async def _connect(self) -> psycopg.AsyncConnection:
        return await connect_async(space_url(self.settings.database, self.settings.space))


def _waiting(consumer: KafkaConsumer) -> list[tuple[int, int, bytes]]:
    """What stands on a topic and was not read before: partition, offset, bytes."""
    places = list(consumer.assignment())
    ends = consumer.end_offsets(places)
    found: list[tuple[int, int, bytes]] = []
    while any(consumer.position(place) < ends[place] for place in places):
        for records in consumer.poll(timeout_ms=200).values():
            found += [(record.partition, record.offset, record.value) for record in records]
    return found
