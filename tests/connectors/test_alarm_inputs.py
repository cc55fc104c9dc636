"""Tests of connectors.alarm_inputs, on rows written by hand."""

from datetime import date, datetime, timedelta

import psycopg
import pytest

from connectors import alarm_inputs
from connectors.alarm_inputs import Arrived
from connectors.schedule import PlannedHour, import_schedule
from schemas.time import day_slots, slot_start
from tests.connectors.rows import gap, partial, reading, revision
from tests.property.database import Database
from tests.property.world import CHANGES, minute

pytestmark = pytest.mark.stack


async def test_the_presence_of_a_dctu_is_that_of_its_units_where_anything_is_expected(
    database: Database,
    cursor: psycopg.AsyncCursor,
) -> None:
    partial(database.connection, "DA", "UG", 0, 3, 1, 2)
    # More than is expected counts for nobody else.
    partial(database.connection, "DA", "UC", 0, 2, 4, 5)
    partial(database.connection, "DB", "UE", 0, 0, 1, 1)
    partial(database.connection, "DC", "UE", 15, 1, 1, 1)
    assert await alarm_inputs.read_presence(cursor, minute(0)) == {"DA": Arrived(5, 3, 4)}


async def test_what_has_arrived_is_by_dctu_and_interval(database: Database, cursor: psycopg.AsyncCursor) -> None:
    for start in (0, 15, 30):
        partial(database.connection, "DA", "UG", start, 3, 1, 2)
        partial(database.connection, "DB", "UE", start, 1, 0, 0)
    found = await alarm_inputs.read_arrived(cursor, ["DA"], minute(0), minute(30))
    assert found == {"DA": {minute(0): Arrived(3, 1, 2), minute(15): Arrived(3, 1, 2)}}
    assert set(await alarm_inputs.read_arrived(cursor, None, minute(0), minute(15))) == {"DA", "DB"}
    assert await alarm_inputs.read_arrived(cursor, [], minute(0), minute(30)) == {}


async def test_a_dctu_belongs_to_who_has_its_facility_then(database: Database, cursor: psycopg.AsyncCursor) -> None:
    # G goes from L to K at 01:45.
    database.import_registry(CHANGES[2])
    assert await alarm_inputs.read_owners(cursor, minute(90)) == {"DA": "K", "DB": "K", "DC": "L"}
    assert await alarm_inputs.read_owners(cursor, minute(105)) == {"DA": "K", "DB": "K", "DC": "K"}


async def test_an_emc_is_there_with_what_first_came_before_the_deadline(
    database: Database, cursor: psycopg.AsyncCursor
) -> None:
    # M1 has two channels; one came in time, was corrected late, the other came late.
    reading(database.connection, "M1", 15, 50, revisions=1)
    revision(database.connection, "M1", 15, 31)
    reading(database.connection, "M1", 15, 36, code="02")
    found = await alarm_inputs.read_emcs(cursor, ["DA"], minute(15), minute(35))
    assert found["DA", "M1"] == Arrived(2, 1, 2)
    assert found["DA", "M2"].present == 0
    assert {dctu for dctu, _ in found} == {"DA"}


async def test_what_came_at_the_deadline_came_late(database: Database, cursor: psycopg.AsyncCursor) -> None:
    reading(database.connection, "M1", 15, 35)
    found = await alarm_inputs.read_emcs(cursor, ["DA"], minute(15), minute(35))
    assert found["DA", "M1"] == Arrived(2, 0, 1)


async def test_before_its_registration_nothing_is_expected_of_an_emc(cursor: psycopg.AsyncCursor) -> None:
    # M6 was registered at 00:37.
    for start, known in ((30, False), (45, True)):
        found = await alarm_inputs.read_emcs(cursor, ["DC"], minute(start), minute(start + 20))
        assert (("DC", "M6") in found) is known


async def test_the_last_arrival_is_when_the_last_cell_first_came(
    database: Database, cursor: psycopg.AsyncCursor
) -> None:
    period = (minute(0), minute(30))
    assert await alarm_inputs.last_arrival(cursor, *period, dctu="DA") is None
    reading(database.connection, "M1", 0, 90, revisions=1)
    revision(database.connection, "M1", 0, 40)
    reading(database.connection, "M1", 15, 60, code="02")
    reading(database.connection, "M1", 30, 99)
    reading(database.connection, "M3", 15, 95, code="02")
    assert await alarm_inputs.last_arrival(cursor, *period, dctu="DA") == minute(60)
    assert await alarm_inputs.last_arrival(cursor, *period, emc="M3") == minute(95)


async def test_mended_gaps_are_those_that_touch_the_period_or_healed_in_it(
    database: Database, cursor: psycopg.AsyncCursor
) -> None:
    for first, last, healed in ((0, 15, 20), (15, 45, 50), (30, 60, None), (60, 75, 90), (-15, 0, 40)):
        gap(database.connection, "DA", first, last, healed)
    found = await alarm_inputs.read_mended(cursor, minute(30), minute(60))
    assert sorted(found) == [
        ("DA", minute(-15), minute(0), minute(40)), ("DA", minute(15), minute(45), minute(50)),
    ]  # fmt: skip


async def test_what_has_arrived_in_single_intervals_is_of_these_alone(
    database: Database, cursor: psycopg.AsyncCursor
) -> None:
    for dctu, start in (("DA", 0), ("DA", 15), ("DB", 0), ("DB", 15)):
        partial(database.connection, dctu, "UG", start, 3, 1, 2)
    wanted = [("DA", minute(0)), ("DB", minute(15)), ("DC", minute(0))]
    assert await alarm_inputs.read_arrived_at(cursor, wanted) == dict.fromkeys(wanted[:2], Arrived(3, 1, 2))
    assert await alarm_inputs.read_arrived_at(cursor, []) == {}


async def test_an_emc_lacks_what_any_of_its_channels_lacks(database: Database, cursor: psycopg.AsyncCursor) -> None:
    reading(database.connection, "M1", 0, 20)
    reading(database.connection, "M1", 15, 35)
    reading(database.connection, "M1", 15, 35, code="02")
    wanted = [("M1", minute(0)), ("M1", minute(15)), ("M4", minute(0))]
    assert await alarm_inputs.missing_emcs(cursor, wanted) == {("M1", minute(0)), ("M4", minute(0))}
    assert await alarm_inputs.missing_emcs(cursor, []) == set()


async def test_the_cells_of_an_emc_are_counted(database: Database, cursor: psycopg.AsyncCursor) -> None:
    reading(database.connection, "M1", 0, 20)
    reading(database.connection, "M1", 15, 35, code="02")
    reading(database.connection, "M1", 60, 80)
    assert await alarm_inputs.count_emc(cursor, "M1", minute(0), minute(60)) == (8, 2)
    # Registered at 00:37, it is expected from 00:45 on.
    assert await alarm_inputs.count_emc(cursor, "M6", minute(0), minute(60)) == (1, 0)


DAY = date(2026, 3, 3)


def plan(database: Database, unit: str, hours: list[datetime], came: datetime) -> None:
    import_schedule(database.connection, [PlannedHour(unit, hour, 1, 0) for hour in hours], came, "test")


async def test_who_lacks_any_hour_of_a_day_lacks_a_plan(database: Database, cursor: psycopg.AsyncCursor) -> None:
    begin = slot_start(day_slots(DAY).start)
    hours = [begin + timedelta(hours=hour) for hour in range(24)]
    known_at = begin - timedelta(hours=6)
    plan(database, "UG", hours, known_at - timedelta(minutes=1))
    plan(database, "UX", hours, known_at + timedelta(minutes=1))
    plan(database, "UC", hours[:-1], known_at - timedelta(minutes=1))
    assert await alarm_inputs.read_planned(cursor, DAY, known_at) == {"K": (2, 1), "L": (2, 2)}
    assert await alarm_inputs.read_planned(cursor, DAY, known_at + timedelta(minutes=1)) == {"K": (2, 1), "L": (2, 1)}


async def test_a_plan_of_the_hours_around_a_day_is_no_plan_of_it(
    database: Database, cursor: psycopg.AsyncCursor
) -> None:
    begin = slot_start(day_slots(DAY).start)
    plan(database, "UG", [begin + timedelta(hours=hour) for hour in range(-1, 23)], begin - timedelta(days=2))
    assert (await alarm_inputs.read_planned(cursor, DAY, begin))["K"] == (2, 2)


async def test_an_agents_clock_is_its_own(cursor: psycopg.AsyncCursor) -> None:
    assert await alarm_inputs.read_clock(cursor, "balance", "test.changes") is None
    await cursor.execute(
        "insert into ingest_offset (agent, topic, partition, topic_id, next_off, epoch, watched_until)"
        " values ('balance', 'test.changes', 0, 'x', 0, 1, %s), ('balance', 'other.changes', 0, 'x', 0, 1, %s)",
        [minute(5), minute(9)],
    )
    assert await alarm_inputs.read_clock(cursor, "balance", "test.changes") == minute(5)
    assert await alarm_inputs.read_clock(cursor, "alarm", "test.changes") is None
