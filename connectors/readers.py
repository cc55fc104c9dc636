"""Connections for those who only read, shared by requests."""

import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from connectors.database import DatabaseError, database_name

WAIT_S = 5.0
# What a person waits for; what takes longer is asked for in pieces.
STATEMENT_S = 60
_OPTIONS = (
    f"-c timezone=UTC -c statement_timeout={STATEMENT_S}s -c default_transaction_read_only=on"
    " -c default_transaction_isolation=repeatable\\ read"
)


class Readers:
    """A pool of them. A database that is away or comes back needs nobody's help."""

    def __init__(self, url: str, most: int = 12) -> None:
        """Connect when somebody asks."""
        self._name = database_name(url)
        self._pool = ConnectionPool(
            url, min_size=0, max_size=most, open=False, timeout=WAIT_S, check=_check, name="readers",
            kwargs={"connect_timeout": 3, "autocommit": True, "options": _OPTIONS},
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
            raise DatabaseError(f"the database {self._name} does not answer, or all who read it are busy") from None
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


def _check(connection: psycopg.Connection) -> None:
    """Raise where a connection has ended: while nobody asks, only its end can wait to be read."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    if waiting.poll(0):
        ConnectionPool.check_connection(connection)
