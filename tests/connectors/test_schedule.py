"""Tests of connectors.schedule."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors.registry import import_registry
from connectors.schedule import Imported, PlannedHour, import_schedule, read_file
from connectors.table import TableError
from schemas.change import CHANGE, ScheduleChanged
from schemas.energy import quarters
from tests.connectors.fleet import FLEET, write_files

stack = pytest.mark.stack

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def plan(folder: Path, *lines: str) -> Path:
    path = folder / "plan.csv"
    path.write_text("\n".join(["unit,hour,mwh,version", *lines]), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (",2026-03-01T00:00Z,1,1", ["unit: is empty"]),
        ("U G,2026-03-01T00:00Z,1,1", ["unit: 'U G' has a blank; a code has none"]),
        ("UG,noon,1,1", ["hour: 'noon' is not an hour such as 2026-03-02T14:00+05:00"]),
        ("UG,,1,1", ["hour: '' is not an hour such as 2026-03-02T14:00+05:00"]),
        (
            "UG,2026-03-01T14:00,1,1",
            ["hour: '2026-03-01T14:00' has no offset; write for example 2026-03-02T14:00+05:00"],
        ),
        (
            "UG,2026-03-01T14:15+05:00,1,1",
            ["hour: '2026-03-01T14:15+05:00' is not a full hour of the years 2000 to 2099"],
        ),
        (
            "UG,2026-03-01T14:00+05:30,1,1",
            ["hour: '2026-03-01T14:00+05:30' is not a full hour of the years 2000 to 2099"],
        ),
        ("UG,1999-01-01T00:00Z,1,1", ["hour: '1999-01-01T00:00Z' is not a full hour of the years 2000 to 2099"]),
        ("UG,2026-03-01T00:00Z,,1", ["mwh: '' is not a number"]),
        ("UG,2026-03-01T00:00Z,1e30,1", ["mwh: '1e30' is larger than any energy this archive can hold"]),
        ("UG,2026-03-01T00:00Z,1,0", ["version: '0' is not the number of a version: 1, 2, 3 …"]),
        ("UG,2026-03-01T00:00Z,1,1.5", ["version: '1.5' is not the number of a version: 1, 2, 3 …"]),
        ("UG,2026-03-01T00:00Z,1,2147483648", ["version: '2147483648' is not the number of a version: 1, 2, 3 …"]),
        (
            "UG,noon,x,-1",
            [
                "hour: 'noon' is not an hour such as 2026-03-02T14:00+05:00",
                "mwh: 'x' is not a number",
                "version: '-1' is not the number of a version: 1, 2, 3 …",
            ],
        ),
    ],
)
def test_a_bad_value_is_named_with_line_and_column(tmp_path: Path, line: str, expected: list[str]) -> None:
    reading = read_file(plan(tmp_path, line))
    assert [str(error) for error in reading.errors] == [f"plan.csv:2:{problem}" for problem in expected]
    assert reading.hours == {}


def test_an_hour_is_an_instant_however_it_is_written(tmp_path: Path) -> None:
    reading = read_file(plan(tmp_path, "UG,2026-03-01T05:00+05:00,1,1", "UG,2026-03-01T00:00Z,1.000,1"))
    assert reading.errors == []
    assert reading.hours == {("UG", MARCH, 1): (1_000_000, 2)}


def test_one_version_cannot_say_two_things_of_an_hour(tmp_path: Path) -> None:
    reading = read_file(plan(tmp_path, "UG,2026-03-01T00:00Z,1.5,1", "UG,2026-03-01T05:00+05:00,2,1"))
    assert [str(error) for error in reading.errors] == [
        "plan.csv:3:mwh: line 2 has 1.5 MWh for the same unit, hour and version"
    ]


def test_energy_finer_than_a_watt_hour_is_rounded_and_counted(tmp_path: Path) -> None:
    reading = read_file(plan(tmp_path, "UG,2026-03-01T00:00Z,0.0000015,1", "UG,2026-03-01T01:00Z,-0.000001,1"))
    assert [wh for wh, _ in reading.hours.values()] == [2, -1]
    assert reading.rounded == 1


@pytest.fixture
def planned(archive: psycopg.Connection, tmp_path: Path) -> psycopg.Connection:
    """An archive with the small fleet and an empty outbox."""
    import_registry(archive, write_files(tmp_path / "registry", FLEET), MARCH, "here")
    archive.execute("delete from outbox")
    archive.commit()
    return archive


def bring(archive: psycopg.Connection, folder: Path, *lines: str) -> Imported:
    return import_schedule(archive, plan(folder, *lines), MARCH, "here")


def rows(archive: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    found = archive.execute(query.encode()).fetchall()
    archive.commit()
    return found


@stack
def test_hours_go_in_by_version(planned: psycopg.Connection, tmp_path: Path) -> None:
    done = bring(
        planned,
        tmp_path,
        "UG,2026-03-01T05:00+05:00,100.5,1",
        "UG,2026-03-01T05:00+05:00,20,2",
        "UG,2026-03-01T05:00+05:00,20,2",
        "UE,2026-03-01T06:00+05:00,-3,1",
    )
    assert done == Imported(added=3, known=0, units=2, rounded=0)
    assert rows(planned, "select unit, hour, version, wh, in_force from v_schedule order by unit, version") == [
        ("UE", MARCH + HOUR, 1, -3_000_000, True),
        ("UG", MARCH, 1, 100_500_000, False),
        ("UG", MARCH, 2, 20_000_000, True),
    ]
    assert rows(planned, "select distinct received_at from v_schedule") == [(MARCH,)]


@stack
def test_the_notice_names_units_and_hours(planned: psycopg.Connection, tmp_path: Path) -> None:
    bring(planned, tmp_path, "UG,2026-03-01T02:00Z,1,1", "UC,2026-03-01T00:00Z,1,1", "UG,2026-03-01T09:00Z,1,1")
    [(*address, message)] = rows(planned, "select agent, source_partition, topic, partition, key, message from outbox")
    assert address == ["schedule", 0, "here.changes", 0, None]
    assert CHANGE.validate_json(message) == ScheduleChanged(
        units=["UC", "UG"], first_hour=MARCH, last_hour=MARCH + 9 * HOUR
    )


@stack
def test_the_same_again_changes_nothing_and_the_rest_goes_in(planned: psycopg.Connection, tmp_path: Path) -> None:
    first, second = "UG,2026-03-01T00:00Z,1,1", "UC,2026-03-01T00:00Z,1,1"
    bring(planned, tmp_path, first)
    assert bring(planned, tmp_path, first) == Imported(added=0, known=1, units=0, rounded=0)
    assert bring(planned, tmp_path, first, second) == Imported(added=1, known=1, units=1, rounded=0)
    messages = [CHANGE.validate_json(message) for (message,) in rows(planned, "select message from outbox")]
    assert [message.units for message in messages if isinstance(message, ScheduleChanged)] == [["UG"], ["UC"]]


@stack
def test_other_values_of_a_known_version_are_refused_with_the_whole_file(
    planned: psycopg.Connection, tmp_path: Path
) -> None:
    bring(planned, tmp_path, "UG,2026-03-01T00:00Z,1.25,1")
    with pytest.raises(TableError) as caught:
        bring(planned, tmp_path, "UC,2026-03-01T00:00Z,1,1", "UG,2026-03-01T00:00Z,2,1")
    assert [str(error) for error in caught.value.errors] == [
        "plan.csv:3:mwh: version 1 already has 1.25 MWh for this hour; a correction needs a new version"
    ]
    assert rows(planned, "select unit from daily_schedule") == [("UG",)]


@stack
def test_unknown_units_and_negative_plans_are_refused(planned: psycopg.Connection, tmp_path: Path) -> None:
    with pytest.raises(TableError) as caught:
        bring(
            planned,
            tmp_path,
            "UG,2026-03-01T00:00Z,-1,1",
            "UX,2026-03-01T00:00Z,1,1",
            "UC,2026-03-01T00:00Z,-0.5,1",
            "UX,2026-03-01T01:00Z,1,1",
            "UE,2026-03-01T00:00Z,-1,1",
        )
    assert [str(error) for error in caught.value.errors] == [
        "plan.csv:2:mwh: -1 MWh is below zero; only the plan of an interchange may be",
        "plan.csv:3:unit: 'UX' is not in the master data; import it first (lines that name it: 2)",
        "plan.csv:4:mwh: -0.5 MWh is below zero; only the plan of an interchange may be",
    ]
    assert rows(planned, "select count(*) from daily_schedule") == [(0,)]


@stack
def test_rows_of_a_program_go_in_like_a_file(planned: psycopg.Connection) -> None:
    hours = [PlannedHour("UG", MARCH + k * HOUR, 1, k) for k in range(24)]
    assert import_schedule(planned, hours, MARCH, "here").added == 24
    with pytest.raises(TableError, match=r"^rows:1:mwh: version 1 already has 0 MWh"):
        import_schedule(planned, [PlannedHour("UG", MARCH, 1, 7)], MARCH, "here")


@stack
def test_a_long_list_of_units_is_told_in_several_messages(planned: psycopg.Connection, tmp_path: Path) -> None:
    names = [f"UN{k}" for k in range(1001)]
    units = {"units": [f"{name},,F,generation,," for name in names]}
    import_registry(planned, write_files(tmp_path / "registry", units), MARCH, "here")
    import_schedule(planned, [PlannedHour(name, MARCH, 1, 5) for name in names], MARCH, "here")
    found = rows(planned, "select message from outbox where agent = 'schedule' order by outbox_id")
    messages = [CHANGE.validate_json(message) for (message,) in found]
    told = [message.units for message in messages if isinstance(message, ScheduleChanged)]
    assert [len(part) for part in told] == [500, 500, 1]
    assert sorted(unit for part in told for unit in part) == sorted(names)


@stack
def test_sql_cuts_an_hour_into_quarters_as_python_does(archive: psycopg.Connection) -> None:
    values = [*range(-9, 10), 2**62 + 3, -(2**62) - 3, 2**63 - 1, -(2**63) + 1]
    found = archive.execute(
        "select array_agg(quarter_wh(wh, '2026-03-01T07:00Z'::timestamptz + k * interval '15 minutes') order by k)"
        " from unnest(%s::bigint[]) with ordinality v (wh, n), generate_series(0, 3) k group by n order by n",
        [values],
    ).fetchall()
    assert [tuple(row[0]) for row in found] == [quarters(wh) for wh in values]
