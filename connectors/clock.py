"""The wall clock, written into the stream."""

import asyncio
from asyncio import Event
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from connectors.kafka import KafkaError
from connectors.producer import Producer

log = structlog.get_logger()

# How long a tick may go unacknowledged before that is said; no longer, because whoever stops the clock waits for it.
PATIENCE_S = 4.0


def wall() -> datetime:
    """The machine's clock, UTC."""
    return datetime.now(UTC)


async def run_clock(producer: Producer, tick_s: float, stop: Event, now: Callable[[], datetime] = wall) -> None:
    """Write a tick into every partition of `frames` each `tick_s` seconds, the first at once, until `stop` is set.

    While Kafka is away ticks are tried all the same: a late one does no harm, the greatest counts. Only the clock may
    use the producer meanwhile.
    """
    away = False
    while not stop.is_set():
        try:
            await asyncio.to_thread(_tick, producer, now())
        except KafkaError as error:
            if not away:
                log.warning("the clock's ticks are not acknowledged", error=str(error))
            away = True
        else:
            if away:
                log.info("the clock's ticks are acknowledged again")
            away = False
        try:
            async with asyncio.timeout(tick_s):
                await stop.wait()
        except TimeoutError:
            continue


def _tick(producer: Producer, now: datetime) -> None:
    producer.send_tick(now)
    producer.flush(PATIENCE_S)
