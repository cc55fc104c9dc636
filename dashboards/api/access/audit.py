"""Writes down who did what over HTTP, and what was refused to whom."""

import psycopg
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from connectors.audit import Entry, Outcome, write_audit
from connectors.database import DatabaseError, connect

log = structlog.get_logger()


class Audit:
    """Of one space."""

    def __init__(self, url: str) -> None:
        """`url`: of its database."""
        self._url = url

    def note(self, *entries: Entry) -> None:
        """Write entries; while the database is away the log has them."""
        try:
            with connect(self._url) as connection:
                write_audit(connection, entries)
        except (DatabaseError, psycopg.Error) as error:
            for entry in entries:
                log.error("the audit could not be written", error=str(error), **entry._asdict())

    async def noted(self, *entries: Entry) -> None:
        """The same, for coroutines."""
        await run_in_threadpool(self.note, *entries)


def entry(
    request: Request, name: str, subject: str, action: str, target: str, outcome: Outcome, **detail: object
) -> Entry:
    """An entry about a request."""
    # No text of PostgreSQL has a zero byte, nor has one in its JSON.
    name, subject, target = (text.replace("\0", "") for text in (name, subject, target))
    detail = {key: value.replace("\0", "") if isinstance(value, str) else value for key, value in detail.items()}
    return Entry(name, subject, request.client.host if request.client else "", action, target, outcome, detail)
