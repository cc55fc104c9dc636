"""Connections to TimescaleDB, one database a space."""

from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

Say = Callable[[str], None]


class DatabaseError(Exception):
    """The database cannot be used; the text says what to do."""


class NoDatabaseError(DatabaseError):
    """The server is there, but a space's database has not been made (yet)."""


def space_url(url: str, space: str) -> str:
    """The address of a space's database: `main` is the one the setting names, others stand beside it."""
    parts = urlsplit(url)
    name = parts.path.lstrip("/") or "tengerim"
    return urlunsplit(parts._replace(path=f"/{name if space == 'main' else f'{name}_{space}'}"))


def database_name(url: str) -> str:
    """The name of the database in an address."""
    return urlsplit(url).path.lstrip("/")


def _server(url: str) -> psycopg.Connection:
    """A connection to the server's maintenance database, with autocommit."""
    try:
        return psycopg.connect(
            urlunsplit(urlsplit(url)._replace(path="/postgres")), autocommit=True, connect_timeout=10
        )
    except psycopg.OperationalError as error:
        raise DatabaseError(
            f"no database at {urlsplit(url).hostname}:{urlsplit(url).port or 5432} ({_why(error)}); "
            "start the local stack with `tengerim up`, or set TENGERIM_DATABASE"
        ) from None


def _why(error: psycopg.Error) -> str:
    """The reason alone: where the server is has been said."""
    return (str(error).splitlines() or [type(error).__name__])[0].rpartition(" failed: ")[2]


def database_exists(url: str) -> bool:
    """Whether the server has the database of an address. Raises DatabaseError where there is no server."""
    with _server(url) as server:
        return _has(server, database_name(url))


def create_database(url: str) -> bool:
    """Make the database of an address where it is missing; True when it was made."""
    name = database_name(url)
    with _server(url) as server:
        if _has(server, name):
            return False
        try:
            server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            # Another command made it in this moment.
            return False
        return True


def _has(server: psycopg.Connection, name: str) -> bool:
    return server.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is not None


def drop_database(url: str) -> None:
    """Remove the database of an address, whoever is connected."""
    with _server(url) as server:
        server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database_name(url))))


def connect(url: str) -> psycopg.Connection:
    """A connection in UTC, transactions by hand. Raises DatabaseError with a sentence for the user."""
    try:
        return psycopg.connect(url, connect_timeout=10, options="-c timezone=UTC")
    except psycopg.OperationalError as error:
        if not database_exists(url):
            raise NoDatabaseError(
                f"there is no database {database_name(url)}: nothing has been done in this space yet. The first import "
                "or `tengerim worker` makes it; TENGERIM_SPACE says which space is meant"
            ) from None
        raise DatabaseError(
            f"cannot open the database {database_name(url)} ({_why(error)}); see `tengerim status`"
        ) from None


async def connect_async(url: str, idle_s: int = 60) -> psycopg.AsyncConnection:
    """As `connect`, for agents: raises psycopg.OperationalError, which they retry.

    The server ends a transaction that has been left idle for `idle_s`: an agent that froze or whose machine is gone
    would hold its partitions for ever. And a server whose machine is gone is given up after half a minute.
    """
    options = f"-c timezone=UTC -c idle_in_transaction_session_timeout={idle_s}s"
    return await psycopg.AsyncConnection.connect(
        url, connect_timeout=10, options=options, prepare_threshold=2,
        keepalives_idle=10, keepalives_interval=5, keepalives_count=4, tcp_user_timeout=30_000,
    )  # fmt: skip
