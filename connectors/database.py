"""Connections to TimescaleDB, one database a space."""

from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

Say = Callable[[str], None]


class DatabaseError(Exception):
    """The database cannot be used; the text says what to do."""


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
            f"no database at {urlsplit(url).hostname}:{urlsplit(url).port or 5432} ({str(error).splitlines()[0]}); "
            "start the local stack with `tengerim up`, or set TENGERIM_DATABASE"
        ) from None


def create_database(url: str) -> bool:
    """Make the database of an address where it is missing; True when it was made."""
    name = database_name(url)
    with _server(url) as server:
        if server.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            return False
        server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return True


def drop_database(url: str) -> None:
    """Remove the database of an address, whoever is connected."""
    with _server(url) as server:
        server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database_name(url))))


def connect(url: str) -> psycopg.Connection:
    """A connection in UTC, transactions by hand. Raises DatabaseError with a sentence for the user."""
    try:
        return psycopg.connect(url, connect_timeout=10, options="-c timezone=UTC")
    except psycopg.OperationalError as error:
        raise DatabaseError(
            f"cannot open the database {database_name(url)} ({str(error).splitlines()[0]}); "
            "start the local stack with `tengerim up`, or set TENGERIM_DATABASE"
        ) from None


async def connect_async(url: str) -> psycopg.AsyncConnection:
    """As `connect`, for agents: raises psycopg.OperationalError, which they retry."""
    return await psycopg.AsyncConnection.connect(
        url, connect_timeout=10, options="-c timezone=UTC", prepare_threshold=2
    )
