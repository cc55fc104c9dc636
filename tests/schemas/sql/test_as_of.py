"""Tests of 007_as_of.sql, on one history told by hand."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.stack.stack import Addresses
from tests.connectors.filled import GRACE, Version, at, new_archive, plan, register, store, watch

pytestmark = pytest.mark.stack

EVER = "infinity"
HOUR = ("00:00", "01:00")
VERSIONS = [
    Version("M1/01", "00:00", 300, "00:16"),
    Version("M1/01", "00:00", 310, "05:00", seq=2),
    Version("M1/02", "00:00", 20, "00:16"),
    Version("M2/01", "00:00", 90, "00:40"),
    Version("M2/03", "00:00", 7, "00:40"),
    Version("M4/01", "00:00", 4, "00:17"),
    Version("M1/01", "00:15", 250, "00:31"),
    # The older one came later: it is never in force again.
    Version("M1/01", "00:30", 100, "00:46", seq=5),
    Version("M1/01", "00:30", 999, "02:00", seq=4),
    Version("M1/02", "00:30", 30, "00:46", seq=5),
    *(Version(channel, "01:30", 1, "01:46") for channel in ("M1/01", "M1/02", "M4/01")),
]


@pytest.fixture(scope="module")
def history(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """What came when, to be asked for at any moment; nobody writes to it."""
    with new_archive(stack.database) as connection:
        tell(connection, tmp_path_factory.mktemp("history"))
        yield connection


def tell(connection: psycopg.Connection, folder: Path) -> None:
    register(connection, folder)
    plan(connection, "UG", "00:00", 1001)
    plan(connection, "UC", "00:00", 400)
    register(
        connection,
        folder,
        at("00:10"),
        units=["UN,New,F,generation,gas,1"],
        channels=["M3,01,DG,UC,1,500", "M4,01,DF,UN,1,500"],
    )
    register(
        connection,
        folder,
        at("04:00"),
        facilities=["G,Gora West,L,NS,R2,B2,,,,2026-03-02T00:30Z,"],
        channels=["M1,02,DF,UC,1,500,2026-03-02T00:30Z,"],
    )
    plan(connection, "UG", "00:00", 2000, version=2, came="06:00")
    store(connection, VERSIONS)
    watch(connection, at("03:00"), at("02:00"))


def balances(
    history: psycopg.Connection, known: object, watched: datetime, period: tuple[str, str] = HOUR
) -> dict[tuple[str, datetime], Any]:
    """The rows by kind/node and start: plan and fact of each kind, imbalance, completeness, closed, version."""
    rows = history.execute(
        "select * from balance_15m_as_of(%s, %s, %s, %s, %s)", [known, *map(at, period), GRACE, watched]
    )
    return {(f"{kind}/{node}", start): rest for kind, node, start, *rest in rows}


def test_a_reading_is_the_version_in_force_by_then(history: psycopg.Connection) -> None:
    def known(text: str) -> list[Any]:
        return history.execute(
            "select ts, wh, revision, received_at from reading_as_of(%s, %s, %s)"
            " where (emc, code) = ('M1', '01') order by ts",
            [at(text), *map(at, HOUR)],
        ).fetchall()

    assert known("00:15") == []
    assert known("00:31") == [(at("00:00"), 300, 0, at("00:16")), (at("00:15"), 250, 0, at("00:31"))]
    assert known("02:00")[2:] == [(at("00:30"), 100, 1, at("00:46"))]
    assert known("05:00")[0] == (at("00:00"), 310, 1, at("05:00"))


def test_in_the_end_all_readings_and_revisions_are_those_of_the_views(history: psycopg.Connection) -> None:
    for view in ("reading", "revision"):
        asked = history.execute(
            f"select * from {view}_as_of('infinity', '2026-03-01Z', '2026-03-04Z') order by 1, 2, 3"
        )
        assert asked.fetchall() == history.execute(f"select * from v_{view} order by 1, 2, 3").fetchall() != []


def test_a_revision_is_every_other_version_known_by_then(history: psycopg.Connection) -> None:
    def known(text: str) -> list[Any]:
        return history.execute(
            "select wh, seq, received_at from revision_as_of(%s, %s, %s) order by wh", [at(text), *map(at, HOUR)]
        ).fetchall()

    assert known("01:59") == []
    assert known("02:00") == [(999, 4, at("02:00"))]
    assert known("05:00") == [(300, 1, at("00:16")), (999, 4, at("02:00"))]


def test_a_period_takes_its_begin_and_leaves_its_end(history: psycopg.Connection) -> None:
    starts = history.execute(
        "select distinct ts from reading_as_of('infinity', %s, %s) order by 1", [at("00:15"), at("00:30")]
    )
    assert starts.fetchall() == [(at("00:15"),)]


def test_the_schedule_in_force_is_the_highest_known_by_then(history: psycopg.Connection) -> None:
    def known(text: str) -> list[Any]:
        return history.execute(
            "select version, wh, in_force from schedule_as_of(%s) where unit = 'UG' order by version", [at(text)]
        ).fetchall()

    assert known("05:59") == [(1, 1001, True)]
    assert known("06:00") == [(1, 1001, False), (2, 2000, True)]


def test_nodes_and_names_are_those_known_by_then(history: psycopg.Connection) -> None:
    def known(text: str) -> dict[str, tuple[str, str]]:
        rows = history.execute("select node, name, zone from node_as_of(%s) where node in ('G', 'UN')", [at(text)])
        return {node: (name, zone) for node, name, zone in rows}

    assert known("00:09") == {"G": ("Gora", "W")}
    assert known("00:10") == {"G": ("Gora", "W"), "UN": ("New", "NS")}
    assert known("04:00") == {"G": ("Gora West", "NS"), "UN": ("New", "NS")}


def test_a_balance_is_plan_against_fact_of_every_node(history: psycopg.Connection) -> None:
    rows = balances(history, EVER, at("03:00"))
    late = [rows[f"unit/{unit}", at("00:00")] for unit in ("UG", "UC", "UE")]
    assert late == [
        [500, 290, None, None, None, None, 210, 1, True, 2],
        [None, None, 100, 90, None, None, -10, 1, True, 1],
        [None, None, None, None, None, 0, 0, 0, True, None],
    ]
    assert rows["facility/F", at("00:00")] == [500, 294, None, None, None, None, 206, 1, True, 2]
    assert rows["facility/G", at("00:00")] == [None, None, 100, 90, None, 0, -10, 1, True, 1]
    everything = [500, 294, 100, 90, None, 0, 196, 1, True, 2]
    assert rows["system/system", at("00:00")] == rows["provider/K", at("00:00")] == everything


def test_every_node_above_a_unit_has_a_row_and_no_other(history: psycopg.Connection) -> None:
    rows = balances(history, EVER, at("03:00"))
    assert {node for node, start in rows if start == at("00:45")} == {
        "unit/UG", "unit/UC", "unit/UE", "unit/UN", "facility/F", "facility/G", "entity/K", "entity/L", "provider/K",
        "hub/H1", "region/R1", "region/R2", "branch/B1", "branch/B2", "zone/NS", "system/system",
    }  # fmt: skip


def test_the_remainder_of_an_hour_goes_to_its_first_intervals(history: psycopg.Connection) -> None:
    rows = balances(history, at("05:00"), at("03:00"))
    assert [rows["unit/UG", at(f"00:{minute}")][0] for minute in ("00", "15", "30", "45")] == [251, 250, 250, 250]


def test_a_silent_node_is_closed_with_nothing_after_its_deadline(history: psycopg.Connection) -> None:
    silent = [None, None, 100, 0, None, None, -100, 0, True, 1]
    assert balances(history, at("00:20"), at("00:20"))["unit/UC", at("00:00")] == silent


def test_there_is_no_row_of_a_silent_node_before_its_deadline(history: psycopg.Connection) -> None:
    rows = balances(history, at("00:19"), at("00:19:59"))
    assert "unit/UC" not in {node for node, _ in rows}
    assert {start for _, start in rows} == {at("00:00")}


def test_a_complete_row_is_closed_before_its_deadline_and_an_incomplete_one_open(history: psycopg.Connection) -> None:
    rows = balances(history, at("00:16"), at("00:16"))
    assert rows["unit/UG", at("00:00")] == [251, 280, None, None, None, None, -29, 1, True, 1]
    assert rows["system/system", at("00:00")] == [251, 280, 100, 0, None, 0, -129, 2 / 3, False, 1]


def test_a_channel_is_expected_from_its_registration_on(history: psycopg.Connection) -> None:
    rows = balances(history, at("03:00"), at("03:00"))
    # M3/01 became known at 00:10.
    assert rows["unit/UC", at("00:00")][-3:] == [1, True, 1]
    assert rows["facility/G", at("00:15")][-3:] == [0, True, 1]
    assert rows["system/system", at("00:15")][-3] == 1 / 5


def test_a_node_has_silent_rows_from_its_registration_on_and_earlier_ones_only_of_readings(
    history: psycopg.Connection,
) -> None:
    rows = balances(history, EVER, at("03:00"), ("-1:00", "01:00"))
    # Registered at 00:10; a reading of 00:00 was handed in.
    assert sorted(start for node, start in rows if node == "unit/UN") == [
        at("00:00"), at("00:15"), at("00:30"), at("00:45"),
    ]  # fmt: skip
    assert rows["unit/UN", at("00:00")] == [None, 4, None, None, None, None, -4, 1, True, None]


def test_a_channel_belongs_to_its_unit_of_the_interval_as_known_by_then(history: psycopg.Connection) -> None:
    before, after = balances(history, at("03:59"), at("03:00")), balances(history, EVER, at("03:00"))
    # M1/02 moves from UG, where it is subtracted, to UC at 00:30.
    assert [before["unit/UG", at("00:30")][1], before["unit/UC", at("00:30")][3]] == [70, 0]
    assert [after["unit/UG", at("00:30")][1], after["unit/UC", at("00:30")][3]] == [100, 30]
    assert after["unit/UG", at("00:00")][1] == 290


def test_a_facility_belongs_to_its_zone_of_the_interval_as_known_by_then(history: psycopg.Connection) -> None:
    before, after = balances(history, at("03:59"), at("03:00")), balances(history, EVER, at("03:00"))
    assert [start for node, start in sorted(before) if node == "zone/W"] == [at(f"00:{m}") for m in (0, 15, 30, 45)]
    assert [start for node, start in sorted(after) if node == "zone/W"] == [at("00:00"), at("00:15")]
    assert after["zone/NS", at("00:30")][:4] == [500, 100, 100, 30]


def test_one_node_has_the_rows_that_it_has_among_all(history: psycopg.Connection) -> None:
    period, some = [*map(at, HOUR)], 0
    for node_id, kind, node in history.execute("select node_id, kind, node from node").fetchall():
        values = [EVER, *period, GRACE, at("03:00")]
        alone = history.execute(
            "select * from balance_15m_as_of(%s, %s, %s, %s, %s, %s) order by ts", [*values, node_id]
        )
        among = history.execute(
            "select * from balance_15m_as_of(%s, %s, %s, %s, %s) where node_kind = %s and node = %s order by ts",
            [*values, kind, node],
        )
        rows = alone.fetchall()
        assert rows == among.fetchall()
        some += len(rows)
    assert some > 40


def test_an_hour_is_the_sum_of_its_intervals(history: psycopg.Connection) -> None:
    rows = history.execute(
        "select * from balance_1h_as_of('infinity', %s, %s, %s, %s) where node = 'UG' order by ts",
        [at("00:00"), at("02:00"), GRACE, at("01:35")],
    ).fetchall()
    assert rows == [
        ("unit", "UG", at("00:00"), 2000, 640, None, None, None, None, 1360, 4 / 6, True, 2),
        ("unit", "UG", at("01:00"), None, 1, None, None, None, None, -1, 1 / 3, False, None),
    ]


def test_hours_are_taken_by_their_start(history: psycopg.Connection) -> None:
    rows = history.execute(
        "select distinct ts from balance_1h_as_of('infinity', %s, %s, %s, %s) order by 1",
        [at("00:15"), at("01:15"), GRACE, at("03:00")],
    )
    assert rows.fetchall() == [(at("01:00"),)]


def test_a_gap_reached_as_far_as_deadlines_had_passed(archive: psycopg.Connection, tmp_path: Path) -> None:
    register(archive, tmp_path)
    archive.execute(
        "insert into gap select %s, %s, dctu_id, 4, false, %s, %s from dctu_key where dctu = 'DF'",
        [at("00:00"), at("01:00"), at("00:20"), at("02:00")],
    )

    def known(text: str) -> tuple[Any, ...] | None:
        rows = archive.execute(
            "select first_start, last_end, healed_at, late_by from gap_as_of(%s, %s)", [text, GRACE]
        ).fetchall()
        return rows[0] if rows else None

    assert known("2026-03-02T00:19:59Z") is None
    assert known("2026-03-02T00:21Z") == (at("00:00"), at("00:15"), None, None)
    assert known("2026-03-02T00:50Z") == (at("00:00"), at("00:45"), None, None)
    assert known("2026-03-02T01:30Z") == (at("00:00"), at("01:00"), None, None)
    healed = (at("00:00"), at("01:00"), at("02:00"), timedelta(hours=1, minutes=45))
    assert known("2026-03-02T02:00Z") == known(EVER) == healed


def test_a_refusal_is_known_from_its_coming_and_its_replay_from_then(archive: psycopg.Connection) -> None:
    archive.execute(
        "insert into quarantine (received_at, rule, detail, digest, frame_digest, replayed_at)"
        " values (%s, 'UNKNOWN', '', '', '', %s)",
        [at("01:00"), at("02:00")],
    )

    def known(text: str) -> list[Any]:
        return archive.execute("select rule, replayed_at from quarantine_as_of(%s)", [at(text)]).fetchall()

    assert known("00:59") == []
    assert known("01:59") == [("UNKNOWN", None)]
    assert known("02:00") == [("UNKNOWN", at("02:00"))]


def test_the_archive_is_watched_as_far_as_its_slowest_partition(archive: psycopg.Connection) -> None:
    watch(archive, at("03:00"), at("02:00"))
    assert archive.execute("select watermark()").fetchone() == (at("02:00"),)


def test_a_partition_that_knows_no_time_holds_all_back(archive: psycopg.Connection) -> None:
    watch(archive, at("03:00"), None)
    assert archive.execute("select watermark() = '-infinity'").fetchone() == (True,)
    archive.execute("delete from ingest_offset")
    assert archive.execute("select watermark() = '-infinity'").fetchone() == (True,)
