"""Tests of connectors.reader_role: who only looks may look at the views, and can do nothing else."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from connectors.database import connect, space_url
from connectors.reader_role import ROLE, allow_reader, making
from infra.stack.stack import Addresses
from tests.connectors.filled import fill_every_view, new_archive

pytestmark = pytest.mark.stack


def as_role(url: str, role: str) -> str:
    """The same address with another user."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}"))


@pytest.fixture(scope="module")
def filled(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    with new_archive(stack.database) as archive:
        fill_every_view(archive, tmp_path_factory.mktemp("filled"))
        assert allow_reader(archive) is None
        yield archive
        archive.rollback()


@pytest.fixture
def reader(stack: Addresses, filled: psycopg.Connection) -> Iterator[psycopg.Connection]:
    name = filled.info.dbname
    with closing(psycopg.connect(as_role(stack.database, ROLE), dbname=name, autocommit=True)) as connection:
        yield connection


@pytest.fixture
def name(stack: Addresses) -> Iterator[str]:
    """A role of the test's own, gone at its end."""
    found = f"t{secrets.token_hex(6)}"
    yield found
    with closing(psycopg.connect(stack.database, autocommit=True)) as server:
        server.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(found)))


def relations(connection: psycopg.Connection, kinds: str) -> list[str]:
    return [
        relation
        for (relation,) in connection.execute(
            "select oid::regclass::text from pg_class where relkind = any (%s) and relnamespace in"
            " ('public'::regnamespace, '_timescaledb_internal'::regnamespace) order by 1",
            [list(kinds)],
        )
    ]


def test_every_view_can_be_read(filled: psycopg.Connection, reader: psycopg.Connection) -> None:
    views = [view for view in relations(filled, "v") if view.startswith("v_") and view != "v_audit"]
    assert len(views) >= 15
    for view in views:
        assert reader.execute(f"select count(*) > 0 from {view}").fetchone() == (True,), view
    plan = reader.execute("select gen_plan_wh from node_plan('unit', 'UG', '2026-03-02Z', '2026-03-03Z')")
    assert plan.fetchall() == [(1000,)]


def test_who_did_what_is_not_for_everybody(reader: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("select 1 from v_audit")


def test_no_table_can_be_read(filled: psycopg.Connection, reader: psycopg.Connection) -> None:
    # What else the extension keeps in its schema is about its jobs.
    tables = [name for name in relations(filled, "r") if "." not in name or name.endswith("_chunk")]
    assert {"reading", "unit_version", "quarantine_frame"} <= set(tables)
    assert any(table.endswith("_chunk") for table in tables)
    for table in tables:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(f"select 1 from {table} limit 1")


@pytest.mark.parametrize(
    "statement",
    [
        "insert into daily_schedule values ('UG', now(), 9, 1, now())",
        "update v_quarantine set detail = 'x'",
        "delete from v_quarantine",
        "truncate reading",
        "create table mine (x int)",
        "drop view v_gap",
        "select refresh_registry()",
        "alter function node_plan security invoker",
    ],
)
def test_nothing_can_be_written_even_where_it_is_asked_for(reader: psycopg.Connection, statement: str) -> None:
    with pytest.raises((psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InsufficientPrivilege)):
        reader.execute(statement)
    reader.execute("set default_transaction_read_only = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(statement)


def test_a_question_ends_after_half_a_minute(reader: psycopg.Connection) -> None:
    assert reader.execute("show statement_timeout").fetchone() == ("30s",)


def test_a_second_time_changes_nothing(filled: psycopg.Connection) -> None:
    rights = "select relname, relacl::text, xmin::text from pg_class where relname like 'v\\_%' order by 1"
    before = filled.execute(rights).fetchall()
    assert allow_reader(filled) is None
    assert filled.execute(rights).fetchall() == before


def test_spaces_made_at_once_make_one_role(stack: Addresses, name: str) -> None:
    with new_archive(stack.database) as one, new_archive(stack.database) as two:
        with ThreadPoolExecutor() as pool:
            assert list(pool.map(lambda archive: allow_reader(archive, name), (one, two))) == [None, None]
        for archive in (one, two):
            may = archive.execute("select has_table_privilege(%s::name, 'v_node', 'select')", [name])
            assert may.fetchone() == (True,)
            archive.rollback()


def test_a_server_that_lets_nobody_make_roles_is_told_what_to_do(
    stack: Addresses, filled: psycopg.Connection, name: str
) -> None:
    weak = f"{name}_weak"
    with closing(psycopg.connect(stack.database, autocommit=True)) as server:
        server.execute(sql.SQL("create role {} login").format(sql.Identifier(weak)))
    try:
        url = as_role(space_url(stack.database, filled.info.dbname.partition("_")[2]), weak)
        with closing(connect(url)) as archive:
            said = allow_reader(archive, name)
            assert said is not None
            assert "; ".join(making(name)) in said
            assert archive.execute("select 1").fetchone() == (1,)
    finally:
        with closing(psycopg.connect(stack.database, autocommit=True)) as server:
            server.execute(sql.SQL("drop role {}").format(sql.Identifier(weak)))
