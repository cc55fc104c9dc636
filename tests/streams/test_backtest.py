"""Tests of streams.backtest: rule sets over an archive written by hand, read day by day."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from alerts.backtest import Replay, vanished
from alerts.book import Key
from alerts.master import Master
from connectors.schedule import PlannedHour, import_schedule
from schemas.alarm import AlarmType, Priority
from streams.backtest import backtest
from tests.alerts.making import master
from tests.connectors.rows import balance, gap, partial
from tests.property.database import Database
from tests.property.world import minute

pytestmark = pytest.mark.stack
GRACE = timedelta(minutes=5)
PLAN, LOW = 100_000_000, 80_000_000
DAY = 24 * 60
NO_PLANS = {"PLAN_MISSING": {"enabled": False}}
F = Key(AlarmType.DEV_GEN, "facility", "F")
DC = Key(AlarmType.GAP_DCTU, "dctu", "DC")


def rules(**changes: dict[str, Any]) -> Master:
    return master(**{**NO_PLANS, **changes})


def generate(database: Database, begin: int, end: int, low: range = range(0), **given: int) -> None:
    """F generates by plan; 80 MW less in the intervals that start in `low` (minutes)."""
    for start in range(begin, end, 15):
        fact = LOW if start in low else PLAN
        for kind, node in (("facility", "F"), ("unit", "UG")):
            balance(database.connection, kind, node, start, gen_plan_wh=PLAN, gen_fact_wh=fact, **given)


async def through(connection: psycopg.AsyncConnection, begin: int, end: int, *masters: Master) -> list[Replay]:
    return await backtest(connection, masters or [rules()], minute(begin), minute(end), GRACE)


def stood(replay: Replay, key: Key = F) -> list[tuple[object, ...]]:
    return [(one.raised_at, one.cleared_at, one.annunciated) for one in replay.occurrences if one.key == key]


async def test_what_deviated_is_found_with_when_and_by_how_much(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    generate(database, -15, 120, range(30, 60))
    (found,) = await through(connection, 0, 120)
    assert stood(found) == [(minute(45), minute(90), True)]
    (one,) = (one for one in found.occurrences if one.key == F)
    assert (one.priority, one.value, one.since) == (Priority.HIGH, -80_000_000, minute(30))


async def test_nothing_is_asked_of_what_lies_after_the_end(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    generate(database, -15, 120, range(60, 120))
    assert stood((await through(connection, 0, 60))[0]) == []


async def test_what_stood_at_the_begin_is_known_and_is_no_call_of_the_period(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    generate(database, -120, 120, range(-45, 30))
    (found,) = await through(connection, 0, 120)
    assert stood(found) == [(minute(-30), minute(60), True)]
    assert found.kpis(minute(0), minute(120)).top == []
    assert found.kpis(minute(-45), minute(120)).top == [("DEV_GEN facility/F", 1, 1.0)]


async def test_an_alarm_that_lasts_over_the_days_is_one(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    generate(database, -15, 3 * DAY, range(DAY - 60, 2 * DAY + 60))
    (found,) = await through(connection, 0, 3 * DAY)
    assert stood(found) == [(minute(DAY - 45), minute(2 * DAY + 90), True)]


async def test_progress_is_told_in_intervals_of_how_many(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    told: list[tuple[int, int]] = []
    await backtest(connection, [rules()], minute(0), minute(2 * DAY), GRACE, lambda *of: told.append(of))
    # Two hours before the begin are looked at, too.
    assert told == [(96, 200), (192, 200), (200, 200)]


async def test_two_rule_sets_go_through_the_same_values(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    generate(database, -15, 180, range(30, 60))
    generate(database, 180, 300, range(180, 195))
    strict, patient = await through(connection, 0, 300, rules(), rules(DEV_GEN={"on_delay": 1}))
    assert [one[0] for one in stood(strict)] == [minute(45), minute(195)]
    assert [one[0] for one in stood(patient)] == [minute(60)]
    assert [one.raised_at for one in vanished(strict.occurrences, patient.occurrences) if one.key == F] == [minute(195)]


async def test_kinds_are_read_that_only_one_rule_set_looks_at(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    generate(database, -15, 120, range(30, 60))
    of_units = rules(DEV_GEN={"kinds": ["unit"]})
    first, second = await through(connection, 0, 120, rules(), of_units)
    assert {one.key.kind for one in first.occurrences if one.key.type is AlarmType.DEV_GEN} == {"facility"}
    assert stood(second, F._replace(kind="unit", code="UG")) == [(minute(45), minute(90), True)]


async def test_what_may_come_of_missing_data_calls_nobody(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    # Nine tenths are there: the 80 MW of 400 are more than the tenth that is missing, 30 MW are not.
    generate(database, -15, 120, range(30, 45), present=9, expected=10)
    for kind, node in (("facility", "F"), ("unit", "UG")):
        database.connection.execute(
            "update balance set gen_fact_wh = 92500000 from node n where n.node_id = balance.node_id"
            " and (kind, node) = (%s, %s) and ts = %s",
            [kind, node, minute(90)],
        )
    database.connection.commit()
    (found,) = await through(connection, 0, 120)
    assert stood(found) == [(minute(45), minute(75), True), (minute(105), minute(120), False)]


def silent(database: Database, *runs: range, until: int = 240) -> None:
    """DC and DA report; DC not in time in the intervals that start in these."""
    for start in range(0, until, 15):
        missing = any(start in run for run in runs)
        partial(database.connection, "DC", "UC", start, 2, 0 if missing else 2, 2)
        partial(database.connection, "DA", "UG", start, 4, 4, 4)


async def test_a_silence_is_from_its_deadline_until_the_unit_transmits_again(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    silent(database, range(60, 120))
    # The rule waits for one more interval.
    (found,) = await through(connection, 0, 240)
    assert stood(found, DC) == [(minute(80), minute(155), True)]
    assert {one.key.code for one in found.occurrences if one.key.type is AlarmType.GAP_DCTU} == {"DC"}


async def test_a_silence_ends_when_its_gap_healed(database: Database, connection: psycopg.AsyncConnection) -> None:
    silent(database, range(60, 180))
    gap(database.connection, "DC", 60, 180, 190)
    # It transmits again, which is seen at 03:20.
    assert stood((await through(connection, 0, 240))[0], DC) == [(minute(80), minute(190), True)]


@pytest.mark.parametrize("there", [True, False])
async def test_tomorrows_schedule_is_looked_for_at_the_hour_of_the_rule(
    database: Database, connection: psycopg.AsyncConnection, *, there: bool
) -> None:
    # 18:00 local time is 13:00 UTC; the operating day begins at 19:00 UTC.
    if there:
        hours = [
            PlannedHour(unit, minute(60 * hour), 1, 0) for unit in ("UG", "UC", "UE", "UX") for hour in range(19, 43)
        ]
        import_schedule(database.connection, hours, minute(700), "test")
    (found,) = await through(connection, 0, 15 * 60, master())
    of_plans = [one for one in found.occurrences if one.key.type is AlarmType.PLAN_MISSING and one.annunciated]
    assert [one.raised_at for one in of_plans] == ([] if there else [minute(13 * 60)])


async def test_without_rows_there_is_nothing(database: Database, connection: psycopg.AsyncConnection) -> None:
    (found,) = await through(connection, 0, DAY)
    assert found.occurrences == []
