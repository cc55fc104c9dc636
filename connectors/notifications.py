"""What Alertmanager is to be told: written with the transition, delivered and kept alive from the table."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.types.json import Jsonb


class Notice(NamedTuple):
    """That an alarm stands, or (`ended`) no longer. `escalation`: the call of the next one; of an end: that alone."""

    alarm_id: int
    escalation: bool
    ended: bool
    labels: dict[str, str]
    annotations: dict[str, str]


class Waiting(NamedTuple):
    """One to be delivered."""

    notification_id: int
    alarm_id: int
    labels: dict[str, str]
    annotations: dict[str, str]
    created_at: datetime
    ended: bool
    changed_at: datetime
    new: bool  # never delivered as it is now
    attempts: int


async def write(cursor: psycopg.AsyncCursor, notices: Sequence[Notice]) -> None:
    """Write what is to be told, in its order, in the caller's transaction."""
    for notice in notices:
        if notice.ended:
            await cursor.execute(
                "update notification set ended = true, changed_at = clock_timestamp(), attempts = 0, error = ''"
                " where alarm_id = %s and not ended and (escalation or not %s)",
                [notice.alarm_id, notice.escalation],
            )
            continue
        # To Alertmanager an alert with other labels is another one: the old one ends.
        await cursor.execute(
            "update notification set ended = true, changed_at = clock_timestamp() where alarm_id = %s"
            " and escalation = %s and not ended and labels <> %s",
            [notice.alarm_id, notice.escalation, Jsonb(notice.labels)],
        )
        await cursor.execute(
            "insert into notification (alarm_id, escalation, labels, annotations) values (%s, %s, %s, %s)"
            " on conflict (alarm_id, escalation) where not ended do update set labels = excluded.labels,"
            " annotations = excluded.annotations, changed_at = clock_timestamp(),"
            " attempts = 0, error = ''",
            [notice.alarm_id, notice.escalation, Jsonb(notice.labels), Jsonb(notice.annotations)],
        )


async def due(connection: psycopg.AsyncConnection, again_s: float, most: int) -> list[Waiting]:
    """What has changed since it was delivered, and what stands and was delivered longer ago than `again_s`."""
    cursor = await connection.execute(
        "select notification_id, alarm_id, labels, annotations, created_at, ended, changed_at,"
        " delivered_at is null or delivered_at < changed_at, attempts from notification"
        " where delivered_at is null or delivered_at < changed_at"
        " or delivered_at < clock_timestamp() - make_interval(secs => %s) order by attempts, notification_id limit %s",
        [again_s, most],
    )
    rows = await cursor.fetchall()
    await connection.commit()
    return [Waiting(*row) for row in rows]


async def delivered(cursor: psycopg.AsyncCursor, told: Sequence[Waiting]) -> None:
    """They have been delivered as they were; those that ended are forgotten."""
    ids, versions = [w.notification_id for w in told], [w.changed_at for w in told]
    await cursor.execute(
        "delete from notification n using unnest(%s::bigint[], %s::timestamptz[]) w (id, changed_at)"
        " where n.notification_id = w.id and n.changed_at = w.changed_at and n.ended",
        [ids, versions],
    )
    await cursor.execute(
        "update notification n set delivered_at = clock_timestamp(), attempts = 0, error = ''"
        " from unnest(%s::bigint[], %s::timestamptz[]) w (id, changed_at)"
        " where n.notification_id = w.id and n.changed_at = w.changed_at",
        [ids, versions],
    )


async def failed(cursor: psycopg.AsyncCursor, tried: Sequence[Waiting], error: str) -> None:
    """They could not be delivered; they are tried again."""
    await cursor.execute(
        "update notification set attempts = attempts + 1, error = %s where notification_id = any (%s)",
        [error, [w.notification_id for w in tried]],
    )


async def count_waiting(connection: psycopg.AsyncConnection) -> int:
    """How many have not been delivered as they are."""
    cursor = await connection.execute(
        "select count(*) from notification where delivered_at is null or delivered_at < changed_at"
    )
    row: Any = await cursor.fetchone()
    await connection.commit()
    return int(row[0])
