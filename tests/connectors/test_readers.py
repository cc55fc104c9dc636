"""Tests of connectors.readers."""

from collections.abc import Iterator

import psycopg
import pytest

from connectors import readers
from connectors.database import DatabaseError
from connectors.readers import Readers
from tests.property.database import Database

pytestmark = pytest.mark.stack


@pytest.fixture
def pool(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Readers]:
    monkeypatch.setattr(readers, "WAIT_S", 1.0)
    made = Readers(database.url, most=1)
    made.open()
    yield made
    made.close()


def test_a_reader_sees_one_state_and_changes_nothing(pool: Readers, database: Database) -> None:
    with pool.reading() as connection:
        before = connection.execute("select version from alarm_version").fetchone()
        database.connection.execute("update alarm_version set version = version + 1")
        database.connection.commit()
        assert connection.execute("select version from alarm_version").fetchone() == before
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("update alarm_version set version = 0")
    with pool.reading() as connection:
        assert connection.execute("select version from alarm_version").fetchone() != before


def test_a_connection_that_was_cut_is_replaced(pool: Readers, database: Database) -> None:
    with pool.reading() as connection:
        number = connection.info.backend_pid
    database.connection.execute("select pg_terminate_backend(%s, 5000)", [number])
    database.connection.commit()
    with pool.reading() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_connection_that_is_cut_in_use_is_let_go(pool: Readers, database: Database) -> None:
    with pool.reading() as connection:
        database.connection.execute("select pg_terminate_backend(%s)", [connection.info.backend_pid])
        database.connection.commit()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    with pool.reading() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_when_all_are_busy_it_says_so(pool: Readers) -> None:
    with pool.reading(), pytest.raises(DatabaseError, match="all who read it are busy"), pool.reading():
        pass


def test_a_database_that_is_away_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "WAIT_S", 0.5)
    away = Readers("postgresql://tengerim@127.0.0.1:1/tengerim_nowhere")
    away.open()
    with pytest.raises(DatabaseError, match="tengerim_nowhere does not answer"), away.reading():
        pass
    away.close()
