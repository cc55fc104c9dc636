"""The demonstration's day, end to end, against the oracle."""

import ast
import csv
import inspect
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from connectors.database import connect, space_url
from connectors.reader_role import ROLE
from dashboards.grafana.build import dashboards
from infra.stack.stack import Addresses
from tests.dashboards.grafana.asking import Range, Value, expanded, targets
from tests.scenario.comparison import VIEWS, differences
from tests.scenario.oracle import consult, figures

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
# The day before the demonstration's begins: the master data are imported then.
OPENING = datetime(2026, 1, 19, 19, tzinfo=UTC)
# 12:12 local: a DCTU is silent, the schedule has just been corrected, values of yesterday once of two times.
MOMENT = datetime(2026, 1, 21, 7, 12, tzinfo=UTC)
FOR_A_MOMENT = {
    "reading": "reading_as_of({at}, {begin}, {end})",
    "revision": "revision_as_of({at}, {begin}, {end})",
    "balance_15m": "balance_15m_as_of({at}, {begin}, {end}, interval '5 min', least({at}, watermark()))",
    "balance_1h": "balance_1h_as_of({at}, {begin}, {end}, interval '5 min', least({at}, watermark()))",
    "gap": "gap_as_of({at}, interval '5 min')",
    "quarantine": "quarantine_as_of({at})",
}
# Every call of the day: the interval (local), what, of whom, how urgent, how much.
with Path(__file__).with_name("demo_alarms.csv").open(encoding="utf-8", newline="") as _file:
    CALLS = list(csv.DictReader(_file))
# Of a gap these two are not kept by the moment.
NOT_OF_A_MOMENT = frozenset({"channels", "declared"})


@pytest.fixture(scope="module")
def build(stack: Addresses) -> Path:
    """What `demo --once` left, made anew unless TENGERIM_REUSE_DEMO=1."""
    if os.environ.get("TENGERIM_REUSE_DEMO") != "1":
        done = subprocess.run(
            [sys.executable, "-m", "infra", "demo", "--once"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "build"


@pytest.fixture(scope="module")
def archive(build: Path, stack: Addresses) -> Iterator[psycopg.Connection]:
    with closing(connect(space_url(stack.database, "demo_once"))) as connection:
        yield connection


@pytest.fixture(scope="module")
def oracle(build: Path) -> duckdb.DuckDBPyConnection:
    return consult(build / "demo", OPENING)


def test_the_oracle_uses_nothing_of_the_product() -> None:
    tree = ast.parse(Path(inspect.getfile(consult)).read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported - sys.stdlib_module_names == {"duckdb", "pyarrow"}


@pytest.mark.parametrize("view", VIEWS)
def test_the_archive_holds_what_the_oracle_says_and_nothing_more(
    oracle: duckdb.DuckDBPyConnection, archive: psycopg.Connection, tmp_path: Path, view: str
) -> None:
    assert oracle.execute(f"select count(*) > 0 from {view}").fetchone() == (True,)
    assert differences(oracle, archive, view, tmp_path) == []


def test_the_report_says_what_the_oracle_counts(oracle: duckdb.DuckDBPyConnection, build: Path) -> None:
    report: dict[str, Any] = json.loads((build / "demo.json").read_text(encoding="utf-8"))
    assert report.pop("seconds") > 0
    assert report.pop("readings_per_s") > 0
    alarms = report.pop("alarms")
    assert report == figures(oracle)
    assert alarms["annunciated"] == len(CALLS)
    assert alarms["by_type"] == Counter(call["type"] for call in CALLS)
    assert alarms["by_priority"] == Counter(call["priority"] for call in CALLS)
    assert alarms["suppressed"] > 0


# What the whole day leaves nothing of: no schedule after it, and at its end nobody is silent.
NOTHING_IN_THE_END = {
    "control-room/Generation of the system: plan and fact/B", "control-room/Consumption of the system: plan and fact/B",
    "quality/Who is silent/A", "unit/Plan, limits, fact/B",
}  # fmt: skip


def test_every_panel_of_every_dashboard_shows_the_day(archive: psycopg.Connection, stack: Addresses) -> None:
    asked = [target for dashboard in dashboards("en") for target in targets(dashboard)]
    day = Range(OPENING + timedelta(days=1), OPENING + timedelta(days=2) - timedelta(seconds=1))
    values: dict[str, Value] = {
        "kind": ("generation", "consumption", "interchange"), "node_kind": "system", "node": "system", "step": "1 hour",
        "unit": "GRES1-G", "channel": ("UKHPP-B1/01",),
    }  # fmt: skip
    address = make_conninfo(stack.database, user=ROLE, dbname=archive.info.dbname)
    with closing(psycopg.connect(address, autocommit=True)) as reader:
        for target in asked:
            name = target.panel.removeprefix("$")
            if target.format == "variable" and name not in values:
                values[name] = tuple(value for _, value in reader.execute(expanded(target, day, values).encode()))
        empty = {str(one) for one in asked if not reader.execute(expanded(one, day, values).encode()).fetchall()}
    assert empty == NOTHING_IN_THE_END


def test_the_day_calls_the_operator_exactly_so_often(archive: psycopg.Connection) -> None:
    rows = archive.execute(
        "select to_char(interval_start at time zone 'Asia/Almaty', 'HH24:MI'), type, object, event, priority,"
        " case when unit in ('W', 'Wh') then round(value / 1e6) else value end::text,"
        " case when unit in ('W', 'Wh') then 'M' || unit else unit end from v_alarm_event"
        " where annunciated and at >= %(day)s and at < %(day)s + interval '1 day' order by interval_start, type, object",
        {"day": OPENING + timedelta(days=1)},
    )
    assert rows.fetchall() == [tuple(call.values()) for call in CALLS]


def test_the_list_of_calls_is_one_an_operator_can_live_with() -> None:
    assert len(CALLS) <= 40
    shares = {priority: count / len(CALLS) for priority, count in Counter(call["priority"] for call in CALLS).items()}
    assert shares == pytest.approx({"low": 0.80, "medium": 0.15, "high": 0.05}, abs=0.05)
    assert not any(call["type"] == "GAP_EMC" for call in CALLS)


def test_silence_calls_once_and_heals(archive: psycopg.Connection) -> None:
    rows = archive.execute(
        "select type, object, event, annunciated, detail ->> 'healed', detail ->> 'intervals', detail ->> 'still_missing'"
        " from v_alarm_event where type in ('GAP_DCTU', 'GAP_ENTITY') and (annunciated or event = 'clear')"
        " and state <> 'DSUPR' order by at, event_id"
    )
    assert rows.fetchall() == [
        ("GAP_DCTU", "UKHPP-D1", "raise", True, None, None, None),
        ("GAP_DCTU", "UKHPP-D1", "clear", False, "true", "6", "0"),
        ("GAP_ENTITY", "MAEK", "raise", True, None, None, None),
        ("GAP_ENTITY", "MAEK", "clear", False, "true", "3", "0"),
    ]


def test_what_was_corrected_of_yesterday_is_journalled_and_calls_nobody(archive: psycopg.Connection) -> None:
    rows = archive.execute(
        "select type, object, annunciated from v_alarm_event where event = 'would have alarmed' and object = 'PVLCHP3'"
    )
    assert rows.fetchall() == [("DEV_GEN", "PVLCHP3", False)]


def test_the_trip_is_quiet_once_the_schedule_is_corrected(archive: psycopg.Connection) -> None:
    rows = archive.execute(
        "select type, event, state, to_char(interval_start at time zone 'Asia/Almaty', 'HH24:MI') from v_alarm_event"
        " where object = 'GRES1' and event in ('raise', 'clear') and at >= %s and at < %s order by at, event_id",
        [OPENING + timedelta(hours=33), OPENING + timedelta(hours=42)],
    )
    assert rows.fetchall() == [
        ("TRIP", "raise", "UNACK", "09:00"),
        ("TRIP", "clear", "LUNACK", "09:15"),
        ("DEV_GEN", "raise", "UNACK", "09:30"),
        ("DEV_GEN", "clear", "DSUPR", "12:15"),
    ]


def test_what_is_kept_is_what_the_inputs_make(
    oracle: duckdb.DuckDBPyConnection, archive: psycopg.Connection, tmp_path: Path
) -> None:
    source = _source("balance_15m", "'infinity'::timestamptz")
    assert differences(oracle, archive, "balance_15m", tmp_path, source) == []


@pytest.fixture(scope="module")
def oracle_then(build: Path) -> duckdb.DuckDBPyConnection:
    return consult(build / "demo", OPENING, MOMENT)


@pytest.mark.parametrize("view", FOR_A_MOMENT)
def test_what_was_known_at_a_moment_is_what_had_come_until_then(
    oracle_then: duckdb.DuckDBPyConnection, archive: psycopg.Connection, tmp_path: Path, view: str
) -> None:
    assert oracle_then.execute(f"select count(*) > 0 from {view}").fetchone() == (True,)
    leave_out = NOT_OF_A_MOMENT if view == "gap" else frozenset[str]()
    source = _source(view, f"'{MOMENT.isoformat()}'::timestamptz")
    assert differences(oracle_then, archive, view, tmp_path, source, leave_out) == []


def test_one_watt_hour_is_a_difference(
    oracle: duckdb.DuckDBPyConnection, archive: psycopg.Connection, tmp_path: Path
) -> None:
    source = "(select emc, code, ts, wh + 1 as wh, quality, rank, sent_at, seq, received_at from v_revision)"
    assert len(differences(oracle, archive, "revision", tmp_path, source)) == 2


def test_a_row_too_few_is_a_difference(
    oracle: duckdb.DuckDBPyConnection, archive: psycopg.Connection, tmp_path: Path
) -> None:
    assert len(differences(oracle, archive, "gap", tmp_path, "(select * from v_gap limit 4)")) == 1


def _source(view: str, at: str) -> str:
    begin, end = "'2026-01-18Z'::timestamptz", "'2026-01-23Z'::timestamptz"
    return FOR_A_MOMENT[view].format(at=at, begin=begin, end=end)
