"""Tests of the views: the public contract."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from infra.stack.stack import Addresses
from tests.connectors.filled import KNOWN, at, new_archive, register

pytestmark = pytest.mark.stack

BALANCE = (
    "node_kind node ts gen_plan_wh gen_fact_wh cons_plan_wh cons_fact_wh exch_plan_wh exch_fact_wh imbalance_wh "
    "completeness closed schedule_version"
)
COLUMNS = {
    "v_reading": "emc code ts wh quality revision received_at",
    "v_revision": "emc code ts wh quality rank sent_at seq received_at",
    "v_balance_15m": BALANCE,
    "v_balance_1h": BALANCE,
    "v_node_now": "node_kind node now ts",
    "v_gap": "dctu first_start last_end channels opened_at healed_at late_by declared",
    "v_completeness": "dctu day expected on_time late missing",
    "v_completeness_15m": "dctu ts expected on_time late missing",
    "v_channel": "emc code dctu unit sign max_wh registered_at",
    "v_quarantine": "quarantine_id received_at rule detail dctu channel start wh status sent_at seq",
    "v_schedule": "unit hour version wh received_at in_force",
    "v_node": "node_kind node name unit_kind fuel capacity_w",
    "v_alarm_now": "alarm_id type object_kind object state priority condition raised_at acked_at acked_by escalated",
    "v_alarm_event": "at event_id alarm_id type object_kind object event state_before state annunciated priority",
    "v_audit": "audit_id at actor subject address action target outcome detail",
    "v_alarm_kpi": "day annunciated low medium high alarms most_per_hour most_per_10_min floods_10_min",
}
MORE_MAY_FOLLOW = {"v_node_now", "v_revision", "v_quarantine", "v_schedule", "v_node", "v_alarm_now", "v_alarm_event"}


@pytest.fixture(scope="module")
def fleet(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """The small fleet; nobody writes to it."""
    with new_archive(stack.database) as connection:
        register(connection, tmp_path_factory.mktemp("fleet"))
        yield connection


def views(connection: psycopg.Connection) -> dict[str, list[str]]:
    """Every view of ours with its columns in order."""
    rows = connection.execute(
        "select c.relname, array_agg(a.attname::text order by a.attnum) from pg_class c"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0"
        " where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace group by 1"
    )
    return dict(rows.fetchall())


def test_the_views_are_those_of_the_contract(fleet: psycopg.Connection) -> None:
    assert views(fleet).keys() == COLUMNS.keys()


def test_the_columns_of_the_views_are_kept(fleet: psycopg.Connection) -> None:
    found = views(fleet)
    for view, columns in COLUMNS.items():
        wanted = columns.split()
        assert (found[view][: len(wanted)] if view in MORE_MAY_FOLLOW else found[view]) == wanted, view


def test_every_view_and_every_column_has_a_comment(fleet: psycopg.Connection) -> None:
    bare = fleet.execute(
        "select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum >= 0"
        " where c.relkind = 'v' and c.relnamespace = 'public'::regnamespace"
        " and (col_description(c.oid, a.attnum) is null or obj_description(c.oid, 'pg_class') is null)"
    )
    assert bare.fetchall() == []


def test_an_hour_is_the_sum_of_its_intervals(archive: psycopg.Connection, tmp_path: Path) -> None:
    register(archive, tmp_path)
    balance(archive, "00:00", 1, 10, gen_fact=100, imbalance=-7)
    balance(archive, "00:15", 2, 9, gen_fact=50, imbalance=3)
    balance(archive, "01:00", 2, 9, gen_fact=1, imbalance=1)
    rows = archive.execute(
        "select ts, gen_fact_wh, cons_fact_wh, imbalance_wh, completeness, schedule_version from v_balance_1h"
        " where node = 'UG' order by ts"
    )
    assert rows.fetchall() == [(at("00:00"), 150, None, -4, 3 / 19, 10), (at("01:00"), 1, None, 1, 2 / 9, 9)]


@pytest.mark.parametrize(("starts", "closed"), [(("00", "15", "30"), False), (("00", "15", "30", "45"), True)])
def test_an_hour_is_closed_with_its_last_interval(
    archive: psycopg.Connection, tmp_path: Path, starts: tuple[str, ...], closed: bool
) -> None:
    register(archive, tmp_path)
    for minute in starts:
        balance(archive, f"00:{minute}", 1, 1)
    assert archive.execute("select closed from v_balance_1h").fetchall() == [(closed,)]


def test_completeness_lies_between_nothing_and_all(fleet: psycopg.Connection) -> None:
    rows = fleet.execute("select share_of(p, e) from (values (0, 4), (1, 4), (5, 4), (0, 0), (2, 0)) t (p, e)")
    assert [share for (share,) in rows] == [0, 0.25, 1, 0, 1]


def balance(
    connection: psycopg.Connection, start: str, present: int, expected: int, gen_fact: int = 0, imbalance: int = 0
) -> None:
    """A closed row of unit UG; its schedule version is what is expected."""
    connection.execute(
        "insert into balance (ts, node_id, present, expected, schedule_version, closed, gen_fact_wh, imbalance_wh,"
        " computed_at) select %s, node_id, %s, %s, %s, true, %s, %s, now() from node where node = 'UG'",
        [at(start), present, expected, expected, gen_fact, imbalance],
    )


def test_completeness_is_counted_by_local_day(archive: psycopg.Connection, tmp_path: Path) -> None:
    register(archive, tmp_path)
    # 19:00 UTC is midnight in Almaty.
    for start, present, on_time in (("18:45", 3, 3), ("19:00", 1, 0), ("19:15", 4, 4)):
        archive.execute(
            "insert into partial select %s, 0, dctu_id, 0, %s, 4, %s from dctu_key where dctu = 'DF'",
            [at(start), present, on_time],
        )
    day = at("00:00").date()
    assert archive.execute("select * from v_completeness order by day").fetchall() == [
        ("DF", day, 4, 3, 0, 1),
        ("DF", day + timedelta(days=1), 8, 4, 1, 3),
    ]
    assert archive.execute("select * from completeness(%s, %s)", [day, day + timedelta(days=1)]).fetchall() == [
        ("DF", day, 4, 3, 0, 1)
    ]


def test_completeness_is_counted_by_interval(archive: psycopg.Connection, tmp_path: Path) -> None:
    register(archive, tmp_path)
    for unit, present, on_time in ((0, 1, 0), (1, 4, 4), (2, 5, 3)):
        archive.execute(
            "insert into partial select %s, 0, dctu_id, %s, %s, 4, %s from dctu_key where dctu = 'DF'",
            [at("01:00"), unit, present, on_time],
        )
    rows = archive.execute("select * from v_completeness_15m").fetchall()
    # What came of one unit and was not expected makes up for nothing of another.
    assert rows == [("DF", at("01:00"), 12, 7, 3, 3)]


def test_a_channel_is_shown_by_its_newest_master_data(archive: psycopg.Connection, tmp_path: Path) -> None:
    register(archive, tmp_path)
    register(archive, tmp_path, KNOWN + timedelta(hours=1), channels=[f"M1,02,DF,UE,1,700,{at('12:00').isoformat()},"])
    rows = archive.execute("select emc, code, dctu, unit, sign, max_wh, registered_at from v_channel").fetchall()
    assert rows == [
        ("M1", "01", "DF", "UG", 1, 500_000, KNOWN),
        ("M1", "02", "DF", "UE", 1, 700_000, KNOWN),
        ("M2", "01", "DG", "UC", 1, 500_000, KNOWN),
        ("M2", "03", "DG", None, 0, 500_000, KNOWN),
    ]


def test_only_the_highest_version_of_an_hour_is_in_force(archive: psycopg.Connection) -> None:
    for unit, version in (("A", 1), ("A", 3), ("B", 2)):
        archive.execute("insert into daily_schedule values (%s, %s, %s, 1, %s)", [unit, KNOWN, version, KNOWN])
    rows = archive.execute("select unit, version, in_force from v_schedule order by 1, 2").fetchall()
    assert rows == [("A", 1, False), ("A", 3, True), ("B", 2, True)]


def test_every_kind_of_node_knows_its_place(fleet: psycopg.Connection) -> None:
    rows = fleet.execute("select * from v_node where node_kind <> 'unit' order by node_kind, node").fetchall()
    assert [row[:-1] for row in rows] == [
        ("branch", "B1", "B1", None, None, None, None, None, None, None, None, "B1", None, None, None),
        ("branch", "B2", "B2", None, None, None, None, None, None, None, None, "B2", None, None, None),
        ("entity", "K", "Kegoc", None, None, None, None, "K", "K", None, None, None, None, None, None),
        ("entity", "L", "Likom", None, None, None, None, "L", "K", None, None, None, None, None, None),
        ("facility", "F", "Fort", None, None, None, "F", "K", "K", "NS", "R1", "B1", "H1", 51.2, 71.4),
        ("facility", "G", "Gora", None, None, None, "G", "L", "K", "W", "R2", "B2", "", None, None),
        ("hub", "H1", "H1", None, None, None, None, None, None, None, None, None, "H1", None, None),
        ("provider", "K", "Kegoc", None, None, None, None, None, "K", None, None, None, None, None, None),
        ("region", "R1", "R1", None, None, None, None, None, None, None, "R1", None, None, None, None),
        ("region", "R2", "R2", None, None, None, None, None, None, None, "R2", None, None, None, None),
        ("system", "system", "system", None, None, None, None, None, None, None, None, None, None, None, None),
        ("zone", "NS", "NS", None, None, None, None, None, None, "NS", None, None, None, None, None),
        ("zone", "W", "W", None, None, None, None, None, None, "W", None, None, None, None, None),
    ]
    assert {row[-1] for row in rows} == {KNOWN}


def test_a_unit_carries_its_capacity_and_the_place_of_its_facility(fleet: psycopg.Connection) -> None:
    assert fleet.execute("select * from v_node where node = 'UG'").fetchone() == (
        "unit", "UG", "Unit G", "generation", "coal", 100_000_000, "F", "K", "K", "NS", "R1", "B1", "H1", 51.2, 71.4,
        KNOWN,
    )  # fmt: skip


def test_a_node_is_shown_by_its_newest_master_data(archive: psycopg.Connection, tmp_path: Path) -> None:
    register(archive, tmp_path)
    register(archive, tmp_path, facilities=["F,Fort,L,W,R2,B2,,,,2026-06-01T00:00Z,"])
    assert archive.execute("select entity, zone from v_node where node = 'UG'").fetchone() == ("L", "W")


def test_nodes_by_the_thousand_are_listed_at_once(archive: psycopg.Connection, tmp_path: Path) -> None:
    units = [f"U{number},Unit {number},F,generation,,1" for number in range(2_000)]
    register(archive, tmp_path, entities=["K,K,,"], facilities=["F,F,K,Z,R,B,,,"], units=units)
    began = datetime.now(UTC)
    assert archive.execute("select count(*) from v_node").fetchone() == (2_007,)
    # Some milliseconds; a row at a time would take half a minute.
    assert datetime.now(UTC) - began < timedelta(seconds=5)
