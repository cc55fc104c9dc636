"""Tests of connectors.silent, on rows written by hand."""

from datetime import timedelta

import pytest

from connectors.scope import ALL
from connectors.silent import list_silent
from tests.connectors.filled import watch
from tests.connectors.rows import gap, partial
from tests.property.database import Database
from tests.property.world import minute

pytestmark = pytest.mark.stack
HOUR = timedelta(hours=1)


def silent(database: Database, strip: timedelta = HOUR, healed: timedelta = HOUR) -> list[dict[str, object]]:
    found = list_silent(database.connection, ALL, strip, healed)
    database.connection.rollback()
    return found


def test_who_is_silent_comes_first_the_longest_first_then_who_has_just_healed(database: Database) -> None:
    watch(database.connection, minute(185))
    gap(database.connection, "DA", 120, 150, None)
    gap(database.connection, "DB", 90, 150, None)
    gap(database.connection, "DC", 60, 75, 150)
    assert [(row["dctu"], row["since"], row["healed_at"]) for row in silent(database)] == [
        ("DB", minute(90), None), ("DA", minute(120), None), ("DC", minute(60), minute(150)),
    ]  # fmt: skip


def test_who_healed_long_ago_is_silent_no_more(database: Database) -> None:
    watch(database.connection, minute(185))
    gap(database.connection, "DC", 60, 75, 100)
    assert silent(database) == []


def test_who_is_silent_again_has_not_healed(database: Database) -> None:
    watch(database.connection, minute(185))
    gap(database.connection, "DC", 60, 75, 150)
    gap(database.connection, "DC", 120, 135, None)
    assert [(row["since"], row["until"], row["healed_at"]) for row in silent(database)] == [
        (minute(60), minute(135), None)
    ]


def test_a_device_is_named_by_where_it_stands(database: Database) -> None:
    watch(database.connection, minute(185))
    gap(database.connection, "DC", 60, 75, None)
    (row,) = silent(database)
    assert (row["facility"], row["facility_name"], row["entity"], row["zone"]) == ("G", "Gora", "L", "W")


def test_the_strip_says_of_each_interval_what_came_in_time_and_what_is_there(database: Database) -> None:
    watch(database.connection, minute(185))
    gap(database.connection, "DC", 120, 150, None)
    partial(database.connection, "DC", "UC", 120, 4, 0, 4)
    partial(database.connection, "DC", "UC", 135, 4, 1, 2)
    partial(database.connection, "DC", "UX", 135, 4, 1, 2)
    partial(database.connection, "DC", "UC", 165, 0, 0, 0)
    (row,) = silent(database)
    assert (row["starts_at"], row["on_time"], row["present"]) == (
        minute(120), [0, 25, None, None], [100, 50, None, None],
    )  # fmt: skip


def test_before_anything_was_heard_there_is_no_strip(database: Database) -> None:
    watch(database.connection, None)
    gap(database.connection, "DC", 120, 150, None)
    database.connection.execute("set statement_timeout = '10s'")
    (row,) = silent(database)
    assert (row["since"], row["starts_at"], row["on_time"]) == (minute(120), None, None)
