"""The alarms in memory, a cache of the tables: opened and closed within a transaction that holds their version.

`events` and `commands` change the same alarms, perhaps in two processes. Whoever finds another version than the one it
knows reads all of it again.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import structlog

from alerts.announcing import notices_of
from alerts.book import Book
from alerts.master import Master, MasterError, parse, shipped
from connectors import alarms, notifications
from connectors.objects import describe
from schemas.alarm import AlarmType, Priority

log = structlog.get_logger()


def _wall() -> datetime:
    return datetime.now(UTC)


class Desk:
    """The book of a space, by the rules in force."""

    def __init__(self, master: Master | None, public_url: str = "", wall: Callable[[], datetime] = _wall) -> None:
        """Know nothing of the alarms yet. `public_url`: where people look at them.

        Without a master alarm database (its file is wrong) the one that was last in force goes on, or else the shipped.
        """
        self.master = master or shipped()
        self._recalls = master is None
        self._link = public_url.rstrip("/")
        self.wall = wall
        self._book: Book | None = None
        self._version: int | None = None
        self._held = 0
        self._kept_rules = ""
        # Calls of transactions, for the metrics.
        self.called: list[tuple[AlarmType, Priority]] = []

    def use(self, master: Master) -> None:
        """Put a master alarm database in force."""
        self.master, self._recalls = master, False

    def forget(self) -> None:
        """Discard the alarms: the database knows better."""
        self._book, self._version, self._kept_rules = None, None, ""
        self.called.clear()

    async def open(self, cursor: psycopg.AsyncCursor) -> Book:
        """The alarms as they are, held until the transaction ends."""
        version = await alarms.hold(cursor)
        if self._recalls:
            self.use(await _recalled(cursor))
        if self._book is None or self._version != version or self._book.master is not self.master:
            self._book = Book(self.master, await alarms.load(cursor))
        # In work: should the transaction fail, nobody takes this book for what is stored.
        self._held, self._version = version, None
        return self._book

    async def close(self, cursor: psycopg.AsyncCursor, book: Book) -> None:
        """Write what changed; the caller's transaction commits it, or everything is forgotten."""
        version = self._held
        if self._kept_rules != book.master.digest:
            await alarms.keep_rules(cursor, book.master.digest, book.master.text)
            self._kept_rules = book.master.digest
        if book.changed:
            self.called += book.called()
            dirty = book.take_dirty()
            book.number(dirty, await alarms.write(cursor, [book.to_row(instance) for instance in dirty]))
            await alarms.journal(cursor, book.take_entries())
            if calls := book.take_calls():
                keys = [(call.instance.key.kind, call.instance.key.code) for call in calls]
                facts = await describe(cursor, keys)
                await notifications.write(cursor, notices_of(book, calls, facts, self._link))
            version = await alarms.changed(cursor)
        if self._book is book:
            self._version = version


async def _recalled(cursor: psycopg.AsyncCursor) -> Master:
    text = await alarms.newest_rules(cursor)
    try:
        master = shipped() if text is None else parse(text, "the rules last in force")
    except MasterError as error:
        # Of another release.
        log.warning("the alarm rules last in force cannot be used", error=str(error))
        master = shipped()
    log.warning("alarm rules in force until the file is right", digest=master.digest)
    return master
