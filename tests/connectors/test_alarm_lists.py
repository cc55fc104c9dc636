"""Tests of connectors.alarm_lists: order and limits; the filters are tested through `tengerim alarms`."""

import psycopg
import pytest

from connectors.alarm_lists import Wanted, journal_of, list_alarms
from tests.connectors.alarmed import alarm, at, entry, fill
from tests.property.database import Database

pytestmark = pytest.mark.stack


def states_of(connection: psycopg.Connection) -> list[str]:
    return [row["object"] for row in list_alarms(connection, Wanted())]


@pytest.fixture
def quiet(database: Database) -> Database:
    """No alarms."""
    for table in ("notification", "alarm_event", "alarm"):
        database.connection.execute(f"delete from {table}".encode())
    database.connection.commit()
    return database


def test_who_asks_for_somebody_is_first_then_the_higher_then_the_newer(quiet: Database) -> None:
    shown = [
        ("A", "UNACK", "low", 0), ("B", "SHLVD", "high", 9), ("C", "LUNACK", "high", 0), ("D", "UNACK", "high", 5),
        ("E", "ACKED", "high", 9), ("F", "RTNUN", "low", 1), ("G", "UNACK", "medium", 1), ("H", "LACK", "medium", 2),
        ("I", "NORM", "high", 9),
    ]  # fmt: skip
    fill(quiet.url, [alarm(code=c, state=s, priority=p, raised_at=at(m)) for c, s, p, m in shown], [])
    assert states_of(quiet.connection) == list("DCGAFEHB")


def test_what_never_called_comes_after_what_did(quiet: Database) -> None:
    fill(quiet.url, [alarm(code="A", raised_at=None), alarm(code="B"), alarm(code="C")], [])
    assert states_of(quiet.connection) == ["B", "C", "A"]


def test_a_journal_of_some_is_of_the_last_in_order(quiet: Database) -> None:
    of = alarm()
    fill(quiet.url, [of], [(0, entry(of, word, minutes)) for word, minutes in (("a", 3), ("b", 1), ("c", 2), ("d", 3))])
    found = journal_of(quiet.connection, Wanted(), newest=3)
    assert [row["event"] for row in found] == ["c", "a", "d"]


def test_a_period_begins_with_its_begin_and_ends_before_its_end(quiet: Database) -> None:
    of = alarm()
    fill(quiet.url, [of], [(0, entry(of, word, minutes)) for word, minutes in (("a", 1), ("b", 2), ("c", 3))])
    assert [row["event"] for row in journal_of(quiet.connection, Wanted(), at(1), at(3))] == ["a", "b"]


def test_what_is_asked_for_is_no_part_of_the_query(quiet: Database) -> None:
    fill(quiet.url, [alarm(code="O'Neil")], [])
    assert [row["object"] for row in list_alarms(quiet.connection, Wanted(object="O'Neil"))] == ["O'Neil"]
    assert list_alarms(quiet.connection, Wanted(object="x' or true --")) == []
    assert list_alarms(quiet.connection, Wanted(zone="x') or (true")) == []
