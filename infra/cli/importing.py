"""What the commands that import have in common: the archive, the moment, the notice to running workers."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import cyclopts
import psycopg

from connectors.database import connect, create_database, space_url
from connectors.kafka import KafkaError
from connectors.migrations import migrate
from connectors.outbox import send_pending
from connectors.readings import read_instant
from connectors.table import TableError
from infra.cli.error import UserError
from schemas.settings import Settings
from schemas.time import FIRST_SLOT, LAST_SLOT, slot_of

ReceivedAt = Annotated[
    str | None,
    cyclopts.Parameter(
        name="--received-at", help="When it came, with offset: 2026-03-02T09:30+05:00. Without it, now."
    ),
]


def moment(option: str, text: str | None) -> datetime:
    """The moment that an option gives, with offset and within the archive's calendar; or now. Raises UserError."""
    if text is None:
        return datetime.now(UTC)
    try:
        at = read_instant(text)
    except ValueError as error:
        raise UserError(f"{option} {error}") from None
    if not FIRST_SLOT <= slot_of(at) < LAST_SLOT:
        raise UserError(f"{option} {text!r} lies outside the archive's calendar, 2000 to 2099")
    return at


def check_file(file: Path) -> None:
    """Whether there is a file to read (a pipe will do). Raises UserError."""
    if file.is_dir():
        raise UserError(f"{file} is a folder; name a CSV file")
    if not file.exists():
        raise UserError(f"{file}: there is no such file")


@contextmanager
def importing(settings: Settings) -> Iterator[psycopg.Connection]:
    """The archive of the space, made where it is missing; what goes wrong inside becomes a UserError."""
    url = space_url(settings.database, settings.space)
    create_database(url)
    with closing(connect(url)) as connection:
        migrate(connection)
        try:
            yield connection
        except TableError as error:
            raise UserError(f"nothing was imported; mend this first:\n{error}") from None
        except psycopg.OperationalError as error:
            problem = str(error).splitlines()[0]
            raise UserError(f"the database broke off ({problem}); see `tengerim status`, then import again") from None


def notify(connection: psycopg.Connection, settings: Settings, agent: str) -> str:
    """Tell running workers; how that went, in words for the end of a line. Without Kafka it is no error."""
    try:
        return "running workers know" if send_pending(connection, settings.kafka, agent) else ""
    except KafkaError as error:
        return f"a running worker will pass it on, because now it could not be: {error}"
