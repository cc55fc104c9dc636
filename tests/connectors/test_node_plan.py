"""Tests of connectors.node_plan: against the balances of the same schedule, and ahead of them."""

import pytest

from connectors.node_plan import read_node_plan
from connectors.schedule import PlannedHour, import_schedule
from connectors.scope import ALL
from tests.property.database import Database
from tests.property.world import CHANGES, minute

pytestmark = pytest.mark.stack


def plan(database: Database, unit: str, hour: int, wh: int, version: int = 1) -> None:
    import_schedule(database.connection, [PlannedHour(unit, minute(60 * hour), version, wh)], minute(0), "test")


def planned(database: Database, kind: str, node: str, begin: int, end: int) -> list[tuple[object, ...]]:
    rows = read_node_plan(database.connection, ALL, kind, node, minute(60 * begin), minute(60 * end))
    database.connection.rollback()
    return [tuple(row.values()) for row in rows]


def test_the_plan_of_a_node_is_the_sum_of_its_units_by_kind(database: Database) -> None:
    for unit, wh in (("UG", 100), ("UC", 40), ("UX", 2), ("UE", -7)):
        plan(database, unit, 30, wh)
    assert planned(database, "system", "system", 30, 31) == [(minute(1800), 100, 42, -7, 1)]
    assert planned(database, "facility", "G", 30, 31) == [(minute(1800), None, 42, None, 1)]
    assert planned(database, "unit", "UG", 30, 31) == [(minute(1800), 100, None, None, 1)]


def test_the_highest_version_is_in_force_hour_by_hour(database: Database) -> None:
    plan(database, "UG", 30, 100)
    plan(database, "UG", 31, 100)
    plan(database, "UG", 31, 90, version=2)
    assert planned(database, "zone", "NS", 29, 33) == [
        (minute(1800), 100, None, None, 1), (minute(1860), 90, None, None, 2),
    ]  # fmt: skip


def test_a_unit_counts_where_it_belongs_in_that_hour(database: Database) -> None:
    # G goes from zone W to NS at 01:45.
    database.import_registry(CHANGES[2])
    for hour in (0, 3):
        plan(database, "UC", hour, 40)
    assert planned(database, "zone", "W", 0, 4) == [(minute(0), None, 40, None, 1)]
    assert planned(database, "zone", "NS", 0, 4) == [(minute(180), None, 40, None, 1)]


@pytest.mark.parametrize("node", ["NS", "nobody"])
def test_without_a_plan_there_is_nothing(database: Database, node: str) -> None:
    assert planned(database, "zone", node, 0, 4) == []
