"""Connections for those who only read, shared by requests."""

import select
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from threading import Timer

import psycopg
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from connectors.database import DatabaseError, database_name

WAIT_S = 5.0
# What a person waits for; what takes longer is asked for in pieces.
STATEMENT_S = 60
_OPTIONS = (
    f"-c timezone=UTC -c statement_timeout={STATEMENT_S}s -c default_transaction_read_only=on"
    " -c default_transaction_isolation=repeatable\\ read"
)
_CONNECT = {"connect_timeout": 3, "autocommit": True, "options": _OPTIONS}


@contextmanager
def in_time(connection: psycopg.Connection) -> Iterator[None]:
    """End what a connection is asked in the block after STATEMENT_S. Raises DatabaseError.

    The database's own limit counts the time as well in which nobody takes what it has.
    """
    end = Timer(STATEMENT_S, connection.cancel_safe)
    end.daemon = True
    end.start()
    try:
        yield
    except psycopg.errors.QueryCanceled:
        raise DatabaseError(f"this takes the database longer than {STATEMENT_S} s; ask for less of it") from None
    finally:
        end.cancel()


class Readers:
    """A pool of them. A database that is away or comes back needs nobody's help."""

    def __init__(self, url: str, most: int = 12) -> None:
        """Connect when somebody asks."""
        self._name = database_name(url)
        self._pool = ConnectionPool(
            url, min_size=0, max_size=most, open=False, timeout=WAIT_S, check=_check, name="readers",
            kwargs=_CONNECT,
        )  # fmt: skip

    def open(self) -> None:
        """Begin."""
        self._pool.open(wait=False)

    def close(self) -> None:
        """End all connections."""
        self._pool.close()

    @contextmanager
    def asking(self) -> Iterator[psycopg.Connection]:
        """A connection for single questions. Raises DatabaseError where there is none in time."""
        try:
            connection = self._pool.getconn()
        except PoolTimeout:
            raise _nobody(self._name) from None
        try:
            yield connection
        finally:
            self._pool.putconn(connection)

    @contextmanager
    def reading(self) -> Iterator[psycopg.Connection]:
        """The same for several questions: until the block ends it sees one state of the archive."""
        with self.asking() as connection:
            connection.execute("begin")
            try:
                yield connection
            finally:
                # One that was cut has no transaction any more.
                with suppress(psycopg.OperationalError):
                    connection.execute("rollback")


class QuickReaders:
    """The same for short questions out of an event loop: no thread has to wake up for them.

    They are few, and planned once for all values: more at a time would wait for each other in the database.
    """

    def __init__(self, url: str, most: int = 8) -> None:
        """Connect when somebody asks."""
        self._name = database_name(url)
        self._pool = AsyncConnectionPool(
            url, min_size=0, max_size=most, open=False, timeout=WAIT_S, check=_check_quickly, name="quick readers",
            kwargs={**_CONNECT, "options": f"{_OPTIONS} -c plan_cache_mode=force_generic_plan"},
        )  # fmt: skip

    async def open(self) -> None:
        """Begin."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """End all connections."""
        await self._pool.close()

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """A connection for single questions. Raises DatabaseError where there is none in time."""
        try:
            connection = await self._pool.getconn()
        except PoolTimeout:
            raise _nobody(self._name) from None
        try:
            yield connection
        finally:
            await self._pool.putconn(connection)


def _nobody(name: str) -> DatabaseError:
    return DatabaseError(f"the database {name} does not answer, or all who read it are busy")


def _has_ended(connection: psycopg.Connection | psycopg.AsyncConnection) -> bool:
    """Whether a connection may have: while nobody asks, only its end can wait to be read."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _check(connection: psycopg.Connection) -> None:
    if _has_ended(connection):
        ConnectionPool.check_connection(connection)


async def _check_quickly(connection: psycopg.AsyncConnection) -> None:
    if _has_ended(connection):
        await AsyncConnectionPool.check_connection(connection)
