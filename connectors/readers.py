"""Connections for those who only read: shared by requests, each transaction one state of the archive."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from connectors.database import DatabaseError, database_name

WAIT_S = 5.0
# What a person waits for; what takes longer is asked for in pieces.
STATEMENT_S = 60


class Readers:
    """A pool of them. A database that is away or comes back needs nobody's help."""

    def __init__(self, url: str, most: int = 12) -> None:
        """Connect when somebody asks."""
        self._name = database_name(url)
        self._pool = ConnectionPool(
            url, min_size=0, max_size=most, open=False, timeout=WAIT_S, configure=_only_read,
            check=ConnectionPool.check_connection, name="readers",
            kwargs={"connect_timeout": 3, "options": f"-c timezone=UTC -c statement_timeout={STATEMENT_S}s"},
        )  # fmt: skip

    def open(self) -> None:
        """Begin."""
        self._pool.open(wait=False)

    def close(self) -> None:
        """End all connections."""
        self._pool.close()

    @contextmanager
    def reading(self) -> Iterator[psycopg.Connection]:
        """A connection until the block ends. Raises DatabaseError where there is none in time."""
        try:
            connection = self._pool.getconn()
        except PoolTimeout:
            raise DatabaseError(f"the database {self._name} does not answer, or all who read it are busy") from None
        try:
            yield connection
        finally:
            if not connection.closed:
                connection.rollback()
            self._pool.putconn(connection)


def _only_read(connection: psycopg.Connection) -> None:
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
