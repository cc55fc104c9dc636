"""Brings a database to the tables of `schemas/sql`.

Two layers of plain SQL: *core* runs everywhere, each file once; *community* runs where TimescaleDB's licence has it,
is idempotent and is looked for at each start, so that a change of edition is picked up. Nothing depends on it.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import NamedTuple

import psycopg

from connectors.database import DatabaseError
from schemas.time import LOCAL

_SINCE, _OFFSET = datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=5)
_LOCK = 0x74656E67  # "teng": two starts at once take turns


class Migrated(NamedTuple):
    """What a migration did: names of the core files applied now, and whether the community layer is on."""

    applied: list[str]
    community: bool


def _files(layer: str) -> list[tuple[str, str]]:
    folder = files("schemas") / "sql" / layer
    return sorted((item.name, item.read_text(encoding="utf-8")) for item in folder.iterdir())


def has_community(connection: psycopg.Connection) -> bool:
    """Whether this TimescaleDB is of the Community edition."""
    row = connection.execute("select current_setting('timescaledb.license', true) = 'timescale'").fetchone()
    return bool(row and row[0])


def _unpacks_any_number(connection: psycopg.Connection) -> bool:
    """Whether the database has the community layer's setting: a dump leaves it behind."""
    row = connection.execute(
        "select exists (select from pg_db_role_setting join pg_database d on d.oid = setdatabase"
        " where datname = current_database()"
        " and 'timescaledb.max_tuples_decompressed_per_dml_transaction=0' = any (setconfig))"
    ).fetchone()
    return bool(row and row[0])


def check_time_zone(connection: psycopg.Connection) -> None:
    """Whether server and program know the market's time as it has been since 1 March 2024. Raises DatabaseError.

    Days and local times come of the time zone database of whoever computes them; one from before that date is an hour
    off, silently.
    """
    row = connection.execute("select %s::timestamptz at time zone %s", [_SINCE, LOCAL.key]).fetchone()
    connection.rollback()
    for where, local in (("the database server", row[0] if row else None), ("Python", _SINCE.astimezone(LOCAL))):
        if local is None or local.replace(tzinfo=None) != _SINCE.replace(tzinfo=None) + _OFFSET:
            raise DatabaseError(
                f"{where} has an old time zone database: in {LOCAL.key} it is UTC+5 since 1 March 2024. "
                "Update tzdata there"
            )


def migrate(connection: psycopg.Connection) -> Migrated:
    """Apply what is missing, in order, all in one transaction each layer."""
    check_time_zone(connection)
    try:
        connection.execute("create extension if not exists timescaledb")
    except psycopg.errors.Error as error:
        # A server that has the extension's files but did not load them cuts the connection.
        if not connection.closed:
            connection.rollback()
        raise DatabaseError(
            f"this server has no TimescaleDB ({str(error).splitlines()[0]}); "
            "install its package and name it in shared_preload_libraries, or use `tengerim up`"
        ) from None
    connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
    connection.execute(
        "create table if not exists migration (name text primary key, applied_at timestamptz not null default now())"
    )
    done = {name for (name,) in connection.execute("select name from migration")}
    applied = []
    for name, text in _files("core"):
        if name not in done:
            connection.execute(text.encode())
            connection.execute("insert into migration (name) values (%s)", [name])
            applied.append(name)
    connection.commit()
    community = has_community(connection)
    if community:
        # Not again where it is there: it would wait for whoever reads the big tables, and everybody else for it.
        layer = "".join(text for _, text in _files("community"))
        name = f"community {hashlib.sha256(layer.encode()).hexdigest()[:12]}"
        if name not in done or not _unpacks_any_number(connection):
            connection.execute(layer.encode())
            connection.execute("insert into migration (name) values (%s) on conflict do nothing", [name])
    connection.commit()
    return Migrated(applied, community)
