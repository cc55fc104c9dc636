"""Tests of infra.demo.view."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from rich.console import Console

from infra.demo.view import hour, mw, read, render
from infra.stack.stack import Addresses
from tests.connectors.filled import at, new_archive, plan, register

NOW = datetime(2026, 1, 21, 5, 31, tzinfo=UTC)
EMPTY: dict[str, list[dict[str, Any]]] = {"nodes": [], "alarms": [], "units": [], "silent": [], "events": []}


def node(kind: str, code: str, **changed: object) -> dict[str, object]:
    """What the view reads of a node: 2,000 MW generated of 2,080 planned, 1,900 MW used of 1,900."""
    return {
        "node_kind": kind, "node": code, "now": NOW, "ts": NOW - timedelta(minutes=16), "gen_plan_wh": 520_000_000,
        "gen_fact_wh": 500_000_000, "cons_plan_wh": 475_000_000, "cons_fact_wh": 475_000_000, "exch_plan_wh": None,
        "exch_fact_wh": None, "imbalance_wh": 20_000_000, "completeness": 0.9375, "hour": NOW, "closed_intervals": 1,
        "hour_imbalance_naive_wh": 20_000_000, "hour_imbalance_persist_wh": 80_400_000,
    } | changed  # fmt: skip


def shown(state: dict[str, list[dict[str, Any]]], speed: float | None = None) -> str:
    """The screen as text, its blanks made one."""
    file = io.StringIO()
    Console(file=file, width=160).print(render(EMPTY | state, speed))
    return " ".join(file.getvalue().split())


def test_before_anything_has_happened_it_waits() -> None:
    screen = shown({})
    assert "Tengerim waiting for the first interval to close …" in screen
    assert "every DCTU reports" in screen


def test_in_a_line_it_is_another_one_with_each_hour() -> None:
    assert hour(EMPTY) == "waiting for the first interval to close"
    state = EMPTY | {"nodes": [node("system", "system")], "alarms": [{}]}
    assert hour(state) == "2026-01-21 10:00 Asia/Almaty: 1 alarm, 0 silent devices"


def test_power_is_the_mean_of_an_interval() -> None:
    assert mw(250_000) == 1.0
    assert mw(-1_000_000) == -4.0
    assert mw(None) is None


def test_a_balance_is_in_mw_and_local_time() -> None:
    screen = shown({"nodes": [node("system", "system")]}, speed=360.0)
    assert "Wed 21 Jan 2026 10:31 Asia/Almaty, 360 times as fast" in screen
    assert "Balance, MW, 10:15–10:30" in screen
    assert "│ system 2,000 2,080 -80 1,900 1,900 +0 – +80 +20 +80 93.8% │" in screen


def test_what_a_node_does_not_have_is_a_dash() -> None:
    bare = dict.fromkeys(("gen_plan_wh", "gen_fact_wh", "cons_plan_wh", "completeness"), None)
    assert "│ West – – – 1,900 – – – +80 +20 +80 – │" in shown({"nodes": [node("zone", "West", **bare)]})


def test_the_units_farthest_from_the_schedule_are_named() -> None:
    unit = {
        "node": "GRES1", "name": "Ekibastuz GRES-1", "plan_wh": 520_000_000, "fact_wh": 80_000_000,
        "imbalance_wh": 440_000_000, "completeness": 1.0,
    }  # fmt: skip
    assert "│ GRES1 Ekibastuz GRES-1 320 2,080 +1,760 100%" in shown({"units": [unit]})
    assert "+1,760 –" in shown({"units": [unit | {"completeness": None}]})


def alarm(number: int, **changed: object) -> dict[str, object]:
    """What the view reads of an alarm: a loss of 1,760 MW that nobody has acknowledged."""
    return {
        "alarm_id": number, "state": "LUNACK", "priority": "high", "type": "TRIP", "object": f"P{number}",
        "name": "Plant", "value": 1_760_000_000, "limit_value": 200_000_000, "unit": "W", "raised_at": NOW,
        "since": None,
    } | changed  # fmt: skip


def test_alarms_say_what_stands_and_what_is_over() -> None:
    over = alarm(2, state="RTNUN", type="DEV_GEN", priority="low", value=-15_000_000, limit_value=14_000_000)
    screen = shown({"alarms": [alarm(1), over]})
    assert "Alarms: 1 stand " in screen
    assert "│ ● TRIP P1 Plant 1,760 MW 200 MW 10:31" in screen
    assert "│ ✓ DEV_GEN P2 Plant -15 MW 14 MW 10:31" in screen


def test_of_many_alarms_the_rest_is_counted() -> None:
    screen = shown({"alarms": [alarm(number) for number in range(11)]})
    assert "Alarms: 11 stand, 3 more not shown" in screen
    assert "P8" not in screen


def test_without_alarms_nothing_asks_for_a_hand() -> None:
    assert "nothing asks for a hand" in shown({})


def test_the_silent_are_listed_and_the_rest_counted() -> None:
    first = NOW - timedelta(hours=2)
    gaps = [
        {"dctu": f"D{n}", "first_start": first, "last_end": first + timedelta(minutes=90), "channels": 7}
        for n in range(10)
    ]
    screen = shown({"silent": gaps})
    assert "Silent: 10 DCTUs, 4 more not shown" in screen
    assert "│ D0 08:31 6 7" in screen
    assert "D9" not in screen


def test_what_happened_on_another_day_says_which() -> None:
    events = [{"at": NOW, "what": "silent: [D1]"}, {"at": NOW - timedelta(days=1), "what": "healed: D2"}]
    screen = shown({"nodes": [node("system", "system")], "events": events})
    assert "10:31 silent: [D1]" in screen
    assert "20.01. 10:31 healed: D2" in screen


@pytest.fixture
def archive(stack: Addresses, tmp_path: Path) -> Iterator[psycopg.Connection]:
    with new_archive(stack.database) as connection:
        register(connection, tmp_path)
        yield connection


@pytest.mark.stack
def test_events_come_from_the_archive_newest_first(archive: psycopg.Connection) -> None:
    plan(archive, "UG", "06:00", 1000, came="01:00")
    for dctu, opened, healed in (("DF", "02:00", "03:00"), ("DG", "02:00", None)):
        archive.execute(
            "insert into gap select %s, %s, dctu_id, 1, false, %s, %s from dctu_key where dctu = %s",
            [at("01:00"), at("01:15"), at(opened), at(healed) if healed else None, dctu],
        )
    archive.execute(
        "insert into quarantine (received_at, rule, detail, dctu, digest, frame_digest)"
        " values (%s, 'GRID', '', 'DF', '', '')",
        [at("04:00")],
    )
    archive.commit()
    state = read(archive)
    assert [event["what"] for event in state["events"]] == [
        "refused GRID: 1 of DF",
        "healed: DF, handed over 01:45 late",
        "silent: DF, DG",
        "schedule version 1 for 1 units from 02.03. 11:00",
    ]
    assert [gap["dctu"] for gap in state["silent"]] == ["DG"]
    assert (state["nodes"], state["units"]) == ([], [])
    assert "refused GRID: 1 of DF" in shown(state)
