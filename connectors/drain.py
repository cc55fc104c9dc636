"""Waits until what stands in Kafka has been processed to its end, through alarm."""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import psycopg

from connectors.database import DatabaseError, NoDatabaseError, connect
from connectors.kafka import KafkaError, NoTopicError, end_offsets, group_members, topic_ids
from schemas.topics import topics_of

LOOK_S = 0.5
SAY_S = 5.0
NO_WORKER_S = 60.0

Say = Callable[[str], None]


class DrainError(Exception):
    """Not everything was processed; the text says what is left and what to do."""


class Look(NamedTuple):
    """What was there at one moment: where the topics end, and what is left to do, in words; nothing when done."""

    ends: Mapping[str, Mapping[int, int]]
    left: list[str]


def wait_until_drained(
    kafka: str, database: str, space: str, say: Say, timeout_s: float = 600.0, no_worker_s: float = NO_WORKER_S
) -> None:
    """Return when two looks in a row, with no new message between them, find nothing left to process.

    Servers that go away meanwhile are waited for, and so is a worker that has not started yet. Raises DrainError after
    `timeout_s`, or when something is left and no worker has been there for `no_worker_s`; KafkaError or DatabaseError
    when not even a first look is possible.
    """
    begun = time.monotonic()
    last: Look | None = None
    worker_at = begun
    said_at = begun
    while True:
        now = time.monotonic()
        try:
            seen = look(kafka, database, space)
            if not seen.left and last == seen:
                return
            last = last or seen
            if not seen.left or has_worker(kafka, space):
                worker_at = now
        except (KafkaError, DatabaseError) as error:
            if last is None:
                raise
            seen, worker_at = Look({}, [str(error)]), now
        left = "; ".join(seen.left) or "nothing, to be confirmed"
        if now - begun > timeout_s:
            raise DrainError(f"not drained within {timeout_s:g} s; left: {left}. See `tengerim status`")
        if now - worker_at > no_worker_s:
            raise DrainError(
                f"no worker of space {space} has been there for {no_worker_s:g} s; start one with `tengerim worker`. "
                f"Left: {left}"
            )
        if now - said_at >= SAY_S:
            say(f"left: {left}")
            said_at = now
        last = seen
        time.sleep(LOOK_S)


def look(kafka: str, database: str, space: str) -> Look:
    """See how far the agents are. In the order of the flow, so that nothing slips through from behind to before."""
    topics = topics_of(space)
    try:
        connection = connect(database)
    except NoDatabaseError:
        return Look({}, ["a worker has yet to make the database"])
    with connection:
        connection.autocommit = True
        try:
            ids = topic_ids(kafka, topics)
            ends: dict[str, dict[int, int]] = {}
            frames = end_offsets(kafka, topics.frames)
            left = [_behind(connection, "collect", topics.frames, ids[topics.frames], frames)]
            left += [_waiting(connection, "recompute", "periods to compute anew")]
            left += [_waiting(connection, "outbox", "messages to send on")]
            changes = end_offsets(kafka, topics.changes)
            left += [_behind(connection, "balance", topics.changes, ids[topics.changes], changes)]
            for agent, topic in (("alarm", topics.events), ("command", topics.commands)):
                ends |= {topic: end_offsets(kafka, topic)}
                left += [_behind(connection, agent, topic, ids[topic], ends[topic])]
        except NoTopicError as error:
            return Look({}, [str(error)])
        except psycopg.errors.UndefinedTable:
            return Look({}, ["a worker has yet to make the tables"])
        except psycopg.OperationalError as error:
            raise DatabaseError(
                f"the database went away ({str(error).splitlines()[0]}); see `tengerim status`"
            ) from None
    return Look({topics.frames: frames, topics.changes: changes, **ends}, [words for words in left if words])


def has_worker(kafka: str, space: str) -> bool:
    """Whether any agent of a space has a member in its consumer group."""
    return any(group_members(kafka, f"{space}.{agent}") for agent in ("collect", "balance", "alarm"))


def messages_left(ends: Mapping[int, int], topic_id: str, places: Mapping[int, tuple[str, int]]) -> int:
    """How many messages an agent has not processed, by the (topic id, next offset) that it keeps of each partition.

    An agent that stands in a topic of another id has not seen this one at all, not even that it is empty.
    """
    left = 0
    for partition, end in ends.items():
        known_id, next_off = places.get(partition, (topic_id, 0))
        left += max(end - next_off, 0) if known_id == topic_id else max(end, 1)
    return left


def _behind(connection: psycopg.Connection, agent: str, topic: str, topic_id: str, ends: Mapping[int, int]) -> str:
    rows = connection.execute(
        "select partition, topic_id, next_off from ingest_offset where agent = %s and topic = %s", [agent, topic]
    )
    places = {partition: (known_id, next_off) for partition, known_id, next_off in rows}
    left, total = messages_left(ends, topic_id, places), sum(ends.values())
    if left > total:
        return f"{agent} has yet to see that {topic} was made anew"
    return f"{agent} has {left:,} of {total:,} messages of {topic} before it" if left else ""


def _waiting(connection: psycopg.Connection, table: str, what: str) -> str:
    row = connection.execute(
        psycopg.sql.SQL("select count(*) from {}").format(psycopg.sql.Identifier(table))
    ).fetchone()
    return f"{row[0]:,} {what}" if row and row[0] else ""
