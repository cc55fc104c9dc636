"""The audit: who did what, from where. Only ever added to."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

Outcome = Literal["given", "done", "refused"]


class Entry(NamedTuple):
    """A row of `audit`, but for its number and time."""

    actor: str
    subject: str
    address: str
    action: str
    target: str
    outcome: Outcome
    detail: Mapping[str, object]


def write_audit(connection: psycopg.Connection, entries: Sequence[Entry]) -> None:
    """Write entries, and commit."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into audit (actor, subject, address, action, target, outcome, detail)"
            " values (%s, %s, %s, %s, %s, %s, %s)",
            [entry._replace(detail=Jsonb(dict(entry.detail))) for entry in entries],  # type: ignore[arg-type]
        )
    connection.commit()
