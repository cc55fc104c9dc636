"""Where an agent stands in its topics: offsets kept in the database, in the transaction of what they brought.

A partition has one owner at a time. Its epoch is raised on assignment, which waits for a transaction of the old owner;
whoever comes later with the old epoch is fenced.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import psycopg

from schemas.time import from_us, to_us


class Claim(NamedTuple):
    """Where to begin in a partition, and with which epoch."""

    next_off: int
    epoch: int
    watched_us: int | None
    tries: int
    suspect_off: int
    started_anew: bool
    cut_from: int | None  # where it stood, when the log now ends before that


@dataclass(slots=True)
class Place:
    """What the owner of a partition believes."""

    next_off: int
    epoch: int
    watched_us: int | None


class Advance(NamedTuple):
    """Where a batch ends in a partition."""

    next_off: int
    watched_us: int | None


async def claim(
    connection: psycopg.AsyncConnection,
    agent: str,
    topic: str,
    topic_id: str,
    partitions: Sequence[int],
    ends: Mapping[int, int] | None = None,
) -> dict[int, Claim]:
    """Become the owner of partitions: raise their epochs, tell where to begin. `ends`: where their logs end, if known.

    Another topic id means that the broker lost its log: the partition starts anew at 0. A log that ends before what was
    processed has lost its end: the partition goes on there. `tries` counts the deaths since the partition last moved.
    """
    claims: dict[int, Claim] = {}
    async with connection.transaction():
        for partition in sorted(partitions):
            row = await (
                await connection.execute(
                    """
                    insert into ingest_offset as o (agent, topic, partition, topic_id, next_off, epoch)
                    values (%(agent)s, %(topic)s, %(partition)s, %(id)s, 0, 1)
                    on conflict (agent, topic, partition) do update
                    set epoch = o.epoch + 1, updated_at = now(), topic_id = excluded.topic_id,
                        next_off = case when o.topic_id = excluded.topic_id
                                        then least(o.next_off, %(end)s::bigint) else 0 end,
                        suspect_off = case when o.topic_id = excluded.topic_id then o.suspect_off else -1 end
                    returning next_off, epoch, watched_until, tries, tried_off, suspect_off,
                        (select array[(old.topic_id <> %(id)s)::int, old.next_off] from ingest_offset old
                         where (old.agent, old.topic, old.partition) = (%(agent)s, %(topic)s, %(partition)s))
                    """,
                    {
                        "agent": agent,
                        "topic": topic,
                        "partition": partition,
                        "id": topic_id,
                        "end": (ends or {}).get(partition),
                    },
                )
            ).fetchone()
            assert row is not None
            next_off, epoch, watched, tries, tried_off, suspect_off, before = row
            anew, stood = before or (False, 0)
            claims[partition] = Claim(
                next_off, epoch, to_us(watched) if watched else None,
                tries if tried_off == next_off else 0, suspect_off, bool(anew),
                stood if not anew and stood > next_off else None,
            )  # fmt: skip
    return claims


async def lock(
    cursor: psycopg.AsyncCursor, agent: str, topic: str, places: Mapping[int, Place]
) -> tuple[dict[int, Advance], set[int]]:
    """Hold the offsets of partitions until the end of the transaction, in partition order.

    Gives how far those that are still ours are, and the partitions that have another owner.
    """
    await cursor.execute(
        "select partition, next_off, watched_until, epoch from ingest_offset"
        " where agent = %s and topic = %s and partition = any (%s) order by partition for update",
        [agent, topic, sorted(places)],
    )
    ours = {
        partition: Advance(next_off, to_us(watched) if watched is not None else None)
        for partition, next_off, watched, epoch in await cursor.fetchall()
        if epoch == places[partition].epoch
    }
    return ours, set(places) - set(ours)


async def advance(cursor: psycopg.AsyncCursor, agent: str, topic: str, advances: Mapping[int, Advance]) -> None:
    """Move locked partitions on."""
    partitions = sorted(advances)
    await cursor.execute(
        "update ingest_offset o set next_off = n.next_off, watched_until = n.watched, updated_at = now(), "
        "tries = case when o.next_off = n.next_off then o.tries else 0 end "
        "from unnest(%s::int[], %s::bigint[], %s::timestamptz[]) n (partition, next_off, watched) "
        "where o.agent = %s and o.topic = %s and o.partition = n.partition",
        [
            partitions,
            [advances[p].next_off for p in partitions],
            [from_us(us) if (us := advances[p].watched_us) is not None else None for p in partitions],
            agent,
            topic,
        ],
    )


def note_death(connection: psycopg.Connection, agent: str) -> None:
    """Note that a worker of this agent died. Wherever a partition has not moved since the last death, it counts.

    Raises psycopg.OperationalError.
    """
    with connection.transaction():
        # Another owner may be at work, or frozen in it: it holds its partitions in this order, too.
        connection.execute("set local lock_timeout = '3s'")
        connection.execute(
            "with held as materialized"
            " (select topic, partition from ingest_offset where agent = %(agent)s order by topic, partition for update)"
            " update ingest_offset o set tries = case when tried_off = next_off then tries + 1 else 1 end,"
            " tried_off = next_off from held"
            " where o.agent = %(agent)s and (o.topic, o.partition) = (held.topic, held.partition)",
            {"agent": agent},
        )


async def suspect(
    connection: psycopg.AsyncConnection, agent: str, topic: str, partition: int, offset: int, tries: int
) -> None:
    """Note the single message in work, so that a death tells which it was.

    What died before died of any message of a batch: from here on deaths count anew, from `tries` when it was first
    taken alone.
    """
    async with connection.transaction():
        await connection.execute(
            "update ingest_offset set suspect_off = %(offset)s, tried_off = next_off,"
            " tries = case when suspect_off = %(offset)s then tries else %(tries)s end"
            " where agent = %(agent)s and topic = %(topic)s and partition = %(partition)s",
            {"offset": offset, "tries": tries, "agent": agent, "topic": topic, "partition": partition},
        )


async def count(cursor: psycopg.AsyncCursor, agent: str, topic: str, counts: Mapping[tuple[int, str], int]) -> None:
    """Add to the tally of partitions: (partition, outcome) to number."""
    keys = sorted(key for key, n in counts.items() if n)
    if keys:
        await cursor.execute(
            "insert into tally as t (agent, topic, partition, outcome, n) "
            "select %s, %s, * from unnest(%s::int[], %s::text[], %s::bigint[]) "
            "on conflict (agent, topic, partition, outcome) do update set n = t.n + excluded.n",
            [agent, topic, [k[0] for k in keys], [k[1] for k in keys], [counts[k] for k in keys]],
        )
