"""What senders do while Kafka is away: a broker of their own, which these tests kill."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from connectors.clock import run_clock
from connectors.kafka import KafkaError, end_offsets, ensure_topics
from connectors.producer import Producer
from infra.stack import stack as local
from infra.stack.stack import Addresses
from schemas.topics import topics_of
from tests.homes import alone
from tests.messages import messages_of

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture(scope="module")
def own_home(stack: Addresses, home: Path, tmp_path_factory: pytest.TempPathFactory, say: local.Say) -> Iterator[Path]:
    """The home of a second stack that starts Kafka only, with the programs of the first."""
    if not local.broker_is_kafka(home):
        pytest.skip("the broker is tansu (memory), a stand-in for Kafka: it has no log to come back with")
    own = tmp_path_factory.mktemp("stack")
    local.down(own, say)  # makes it a home
    (own / "kafka").symlink_to(home / "kafka")
    others = Addresses(
        database=stack.database, redis=stack.redis, prometheus=stack.prometheus, alertmanager=stack.alertmanager
    )
    with alone():
        local.up(own, others, say)
        yield own
        local.down(own, say)


@pytest.fixture
def kafka(own_home: Path, space: str, say: local.Say) -> str:
    """The address of the broker that may be killed; it runs, and the topics of `space` are there."""
    local.start(own_home, "kafka", say)
    running = local.running(own_home)
    assert running is not None
    ensure_topics(running.kafka, space, 2)
    return running.kafka


def test_what_waits_through_an_outage_arrives_once(kafka: str, own_home: Path, space: str, say: local.Say) -> None:
    with Producer(kafka, space) as producer:
        producer.send_raw("D1", b"before")
        producer.flush()
        local.kill(own_home, "kafka")
        producer.send_raw("D1", b"during")
        with pytest.raises(KafkaError, match=f"Kafka at {kafka} has not acknowledged 1 messages yet"):
            producer.flush(0.5)
        local.start(own_home, "kafka", say)
    assert [message.value for message in messages_of(kafka, topics_of(space).frames)] == [b"before", b"during"]


async def test_the_clock_outlives_an_outage_and_says_so_once(
    kafka: str, own_home: Path, space: str, say: local.Say
) -> None:
    frames, stop = topics_of(space).frames, asyncio.Event()
    with Producer(kafka, space) as producer, structlog.testing.capture_logs() as logged:
        clock = asyncio.create_task(run_clock(producer, 0.2, stop))
        async with asyncio.timeout(180):
            await until(lambda: end_offsets(kafka, frames)[0] > 0)
            await asyncio.to_thread(local.kill, own_home, "kafka")
            await until(lambda: len(logged) == 1)
            await asyncio.sleep(1.0)
            await asyncio.to_thread(local.start, own_home, "kafka", say)
            await until(lambda: len(logged) == 2)
            before = end_offsets(kafka, frames)[0]
            await until(lambda: end_offsets(kafka, frames)[0] > before + 2)
        stop.set()
        await clock
    assert [(line["log_level"], line["event"]) for line in logged] == [
        ("warning", "the clock's ticks are not acknowledged"),
        ("info", "the clock's ticks are acknowledged again"),
    ]


def test_who_gives_up_in_an_outage_is_not_held(kafka: str, own_home: Path, space: str) -> None:
    def give_up() -> None:
        with Producer(kafka, space) as producer:
            local.kill(own_home, "kafka")
            producer.send_raw("D1", b"during")
            raise ZeroDivisionError

    begun = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        give_up()
    assert time.monotonic() - begun < 20


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 (nobody would set an event)
        await asyncio.sleep(0.05)
