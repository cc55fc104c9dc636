"""Tests of connectors.sending."""

from collections.abc import Awaitable

import psycopg
import pytest
from aiokafka.errors import MessageSizeTooLargeError

from connectors import sending
from connectors.sending import Letter

pytestmark = pytest.mark.stack


async def write(connection: psycopg.AsyncConnection, agent: str, *letters: Letter) -> None:
    async with connection.transaction(), connection.cursor() as cursor:
        await sending.write(cursor, agent, letters)


class Broker:
    """Takes messages, and acknowledges them later unless it fails."""

    def __init__(self, fails_at: bytes | None = None, error: Exception | None = None) -> None:
        self.taken: list[tuple[str, int | None, bytes | None, bytes]] = []
        self._fails_at = fails_at
        self._error = error or OSError("the broker is away")

    async def send(self, topic: str, partition: int | None, key: bytes | None, message: bytes) -> Awaitable[object]:
        self.taken.append((topic, partition, key, message))

        async def acknowledge() -> None:
            if message == self._fails_at:
                raise self._error

        return acknowledge()


async def waiting(connection: psycopg.AsyncConnection) -> list[bytes]:
    rows = await (await connection.execute("select message from outbox order by outbox_id")).fetchall()
    await connection.commit()
    return [bytes(message) for (message,) in rows]


ONE, TWO = Letter(0, "changes", 0, None, b"one"), Letter(0, "frames", 1, b"DA", b"two")


async def test_letters_are_sent_in_order_and_then_gone(connection: psycopg.AsyncConnection) -> None:
    await write(connection, "collect", ONE, TWO)
    broker = Broker()
    assert await sending.count_waiting(connection, ["collect"], [0]) == 2
    assert await sending.send_waiting(connection, ["collect"], [0], broker.send) == 2
    assert broker.taken == [("changes", 0, None, b"one"), ("frames", 1, b"DA", b"two")]
    assert await sending.send_waiting(connection, ["collect"], [0], broker.send) == 0
    assert await waiting(connection) == []


async def test_letters_of_other_agents_and_partitions_stay(connection: psycopg.AsyncConnection) -> None:
    await write(connection, "collect", ONE, ONE._replace(source_partition=1, message=b"other partition"))
    await write(connection, "balance", ONE._replace(message=b"other agent"))
    broker = Broker()
    assert await sending.send_waiting(connection, ["collect"], [0], broker.send) == 1
    assert await waiting(connection) == [b"other partition", b"other agent"]
    assert await sending.send_waiting(connection, ["collect", "balance"], [0, 1], broker.send) == 2


async def test_what_the_broker_did_not_take_stays_and_goes_again(connection: psycopg.AsyncConnection) -> None:
    await write(connection, "collect", ONE, TWO)
    with pytest.raises(OSError, match="the broker is away"):
        await sending.send_waiting(connection, ["collect"], [0], Broker(fails_at=b"two").send)
    assert await waiting(connection) == [b"two"]
    broker = Broker()
    assert await sending.send_waiting(connection, ["collect"], [0], broker.send) == 1


async def test_what_was_sent_before_one_that_never_can_be_goes_once(connection: psycopg.AsyncConnection) -> None:
    class Small(Broker):
        async def send(self, topic: str, partition: int | None, key: bytes | None, message: bytes) -> Awaitable[object]:
            if message == b"two":
                raise OSError("too large")
            return await super().send(topic, partition, key, message)

    await write(connection, "collect", ONE, TWO, ONE._replace(message=b"three"))
    with pytest.raises(OSError, match="too large"):
        await sending.send_waiting(connection, ["collect"], [0], Small().send)
    assert await waiting(connection) == [b"two", b"three"]


async def test_many_letters_go_in_steps(connection: psycopg.AsyncConnection) -> None:
    await write(connection, "collect", *(ONE._replace(message=str(i).encode()) for i in range(1100)))
    broker, steps = Broker(), []
    while sent := await sending.send_waiting(connection, ["collect"], [0], broker.send):
        steps.append(sent)
    assert (sum(steps), len(steps) > 1) == (1100, True)
    assert [int(message) for *_, message in broker.taken] == list(range(1100))


async def test_a_letter_is_written_with_what_it_tells_of(connection: psycopg.AsyncConnection) -> None:
    async with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        await sending.write(cursor, "collect", [ONE])
    assert await waiting(connection) == []


async def test_no_letters_are_no_rows(connection: psycopg.AsyncConnection) -> None:
    await write(connection, "collect")
    assert await waiting(connection) == []


class Strict(Broker):
    """Refuses before anything is sent, as the client does that sees the size."""

    async def send(self, topic: str, partition: int | None, key: bytes | None, message: bytes) -> Awaitable[object]:
        if message == b"one":
            raise MessageSizeTooLargeError
        return await super().send(topic, partition, key, message)


@pytest.mark.parametrize("broker", [Strict(), Broker(b"one", MessageSizeTooLargeError())], ids=["client", "broker"])
async def test_what_kafka_will_never_take_is_quarantined_and_the_others_do_not_wait(
    connection: psycopg.AsyncConnection, broker: Broker
) -> None:
    await write(connection, "collect", ONE, TWO)
    assert await sending.send_waiting(connection, ["collect"], [0], broker.send) == 2
    assert broker.taken[-1][-1] == b"two"
    assert await waiting(connection) == []
    refused = await connection.execute(
        "select rule, detail, message from quarantine q join quarantine_frame f on f.digest = q.frame_digest"
    )
    detail = "to be sent on, but its 3 bytes are more than Kafka takes: split it at its sender"
    assert await refused.fetchall() == [("MALFORMED", detail, b"one")]
