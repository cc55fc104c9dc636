"""The outbox as agents use it: rows written with what they tell of, sent from the table, deleted once sent."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import psycopg
from aiokafka.errors import MessageSizeTooLargeError
from pydantic import BaseModel

from connectors.refusals import Refusal, write_refusals
from schemas.rules import Rule


class Letter(NamedTuple):
    """One message to send on."""

    source_partition: int
    topic: str
    partition: int | None
    key: bytes | None
    message: bytes


def letter_of(source_partition: int, topic: str, message: BaseModel) -> Letter:
    """A message to the one partition of `changes` or `events`."""
    return Letter(source_partition, topic, 0, None, message.model_dump_json().encode())


Send = Callable[[str, int | None, bytes | None, bytes], Awaitable[Awaitable[object]]]
_AT_ONCE = 500


async def write(cursor: psycopg.AsyncCursor, agent: str, letters: Sequence[Letter]) -> None:
    """Put messages into the outbox, in the caller's transaction."""
    if letters:
        await cursor.execute(
            "insert into outbox (agent, source_partition, topic, partition, key, message) "
            "select %s, * from unnest(%s::int[], %s::text[], %s::int[], %s::bytea[], %s::bytea[])",
            [agent, *(list(column) for column in zip(*letters, strict=True))],
        )


async def count_waiting(connection: psycopg.AsyncConnection, agents: Sequence[str], partitions: Sequence[int]) -> int:
    """How many messages of these agents and partitions wait to be sent."""
    row = await (
        await connection.execute(
            "select count(*) from outbox where agent = any (%s) and source_partition = any (%s)",
            [list(agents), list(partitions)],
        )
    ).fetchone()
    await connection.commit()
    return int(row[0]) if row is not None else 0


async def send_waiting(
    connection: psycopg.AsyncConnection, agents: Sequence[str], partitions: Sequence[int], send: Send
) -> int:
    """Send the oldest messages of these agents and partitions, and delete them; gives how many.

    Raises what the first raised that could not be sent; what was sent is deleted all the same. A message that Kafka
    will never take goes into the quarantine, so that the others do not wait for it.
    """
    rows = await (
        await connection.execute(
            "select outbox_id, topic, partition, key, message from outbox"
            " where agent = any (%s) and source_partition = any (%s) order by outbox_id limit %s",
            [list(agents), list(partitions), _AT_ONCE],
        )
    ).fetchall()
    await connection.commit()
    if not rows:
        return 0
    errors: dict[int, BaseException] = {}
    handed_over: dict[int, Awaitable[object]] = {}
    for outbox_id, *letter in rows:
        try:
            handed_over[outbox_id] = await send(*letter)
        except Exception as error:
            errors[outbox_id] = error
            if not isinstance(error, MessageSizeTooLargeError):
                break
    answers = await asyncio.gather(*handed_over.values(), return_exceptions=True)
    errors |= {key: a for key, a in zip(handed_over, answers, strict=True) if isinstance(a, BaseException)}
    too_large = {key for key, error in errors.items() if isinstance(error, MessageSizeTooLargeError)}
    done = [*(handed_over.keys() - errors.keys()), *too_large]
    async with connection.transaction(), connection.cursor() as cursor:
        await write_refusals(cursor, [_refused(message) for key, *_, message in rows if key in too_large])
        await cursor.execute("delete from outbox where outbox_id = any (%s)", [done])
    if failed := errors.keys() - too_large:
        raise errors[min(failed)]
    return len(done)


def _refused(message: bytes) -> Refusal:
    detail = f"to be sent on, but its {len(message):,} bytes are more than Kafka takes: split it at its sender"
    return Refusal(Rule.MALFORMED, detail, None, message)
