"""Tests of `tengerim alarms kpi | backtest | check | receivers`."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from alerts.master import SHIPPED, shipped
from connectors.database import connect, create_database, drop_database, space_url
from connectors.migrations import migrate
from infra.cli import main
from infra.receivers import CONFIG
from infra.stack.stack import Addresses
from tests.alerts.making import text_of
from tests.connectors.alarmed import alarm, at, entry, fill
from tests.room import new_space

Said = pytest.CaptureFixture[str]
# A day apart from the journal: 400 MW are planned, at 09:00 UTC 320 MW of them are lost for good.
BEGIN = datetime(2026, 3, 5, 6, tzinfo=UTC)
LOST = BEGIN + timedelta(hours=3)
PERIOD = ["--from", "2026-03-05T06:00Z", "--to", "2026-03-05T12:00Z"]
JOURNAL = [
    *((0, entry(alarm(), minutes=minutes)) for minutes in (0, 1, 2)),
    (0, entry(alarm(), "clear", 3)),
    (1, entry(alarm("DEV_GEN", code="G", priority="low"), minutes=120)),
]  # fmt: skip


@pytest.fixture(scope="module")
def filled_space(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A space with balances and a journal; these tests only read."""
    with new_space(stack, tmp_path_factory.mktemp("fleet")) as space:
        url = space_url(stack.database, space)
        with connect(url) as connection:
            for number in range(24):
                start = BEGIN + timedelta(minutes=15 * number)
                store(connection, start, 100_000_000, 100_000_000 if start < LOST else 20_000_000)
        fill(url, [alarm(), alarm("DEV_GEN", code="G", priority="low")], JOURNAL)
        yield space


def store(connection: psycopg.Connection, start: datetime, plan: int, fact: int) -> None:
    """A closed balance of the facility F and its unit."""
    connection.execute(
        "insert into balance (ts, node_id, present, expected, schedule_version, closed, gen_plan_wh, gen_fact_wh,"
        " imbalance_wh, computed_at) select %s, node_id, 2, 2, 1, true, %s, %s, %s, now() from node"
        " where (kind, node) in (('facility', 'F'), ('unit', 'UG'))",
        [start, plan, fact, plan - fact],
    )


@pytest.fixture
def used(filled_space: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENGERIM_SPACE", filled_space)
    monkeypatch.delenv("TENGERIM_ALARM_RULES", raising=False)


def answer(capsys: Said, *words: str) -> dict[str, Any]:
    assert main(["alarms", *words, "--format", "json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def calls(document: dict[str, Any], name: str = "calls") -> list[str]:
    return [f"{one['type']} {one['object_kind']}/{one['object']} {one['raised_at'][11:16]}" for one in document[name]]


@pytest.mark.stack
@pytest.mark.usefixtures("used")
def test_the_figures_are_those_of_the_calls_of_the_period(capsys: Said) -> None:
    found = answer(capsys, "kpi", "--from", "2026-03-02T12:00Z", "--to", "2026-03-03T12:00Z")
    figures = {name: figure["value"] for name, figure in found["figures"].items()}
    assert (figures["annunciated"], figures["per_day"], figures["most_per_10_min"]) == (4, 4, 3)
    assert (figures["chattering_3_per_2_h"], figures["fleeting_one_interval"]) == (1, 3)
    assert found["top"] == [
        {"alarm": "TRIP facility/F", "calls": 3, "share": 0.75},
        {"alarm": "DEV_GEN facility/G", "calls": 1, "share": 0.25},
    ]
    assert (found["from"], found["to"]) == ("2026-03-02T12:00:00+00:00", "2026-03-03T12:00:00+00:00")


@pytest.mark.stack
@pytest.mark.usefixtures("used")
def test_without_a_period_it_is_that_of_the_journal_its_newest_entry_included(capsys: Said) -> None:
    found = answer(capsys, "kpi")
    assert datetime.fromisoformat(found["to"]) == at(120) + timedelta(microseconds=1)
    assert datetime.fromisoformat(found["from"]) == at(0)
    assert found["figures"]["annunciated"]["value"] == 4


@pytest.mark.stack
@pytest.mark.usefixtures("used")
def test_what_was_called_before_the_period_and_stands_still_is_stale(capsys: Said) -> None:
    found = answer(capsys, "kpi", "--from", "2026-03-05", "--to", "2026-03-06")
    assert (found["figures"]["annunciated"]["value"], found["figures"]["stale_over_24_h"]["value"]) == (0, 1)


@pytest.mark.stack
@pytest.mark.usefixtures("used")
def test_a_table_sets_figures_against_their_targets(capsys: Said) -> None:
    assert main(["alarms", "kpi", "--from", "2026-03-02T17:00", "--to", "2026-03-03T17:00"]) == 0
    first, head, *lines = capsys.readouterr().out.splitlines()
    assert first == "2026-03-02 17:00 to 2026-03-03 17:00"
    assert head.split() == ["figure", "value", "target", "met"]
    found = {line.split()[0]: line for line in lines if line}
    assert found["chattering_3_per_2_h"].endswith("NO")
    assert found["most_per_10_min"].split() == ["most_per_10_min", "3", "by", "position", "at", "most", "10", "yes"]
    assert lines[-3].split() == ["most", "frequent", "calls", "share"]
    assert lines[-2].split() == ["TRIP", "facility/F", "3", "75.0%"]


@pytest.mark.stack
@pytest.mark.usefixtures("used")
def test_figures_are_shared_by_the_positions_of_the_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    own = tmp_path / "own.yml"
    own.write_text(shipped().text.replace("\npositions: 1\n", "\npositions: 2\n"), encoding="utf-8")
    monkeypatch.setenv("TENGERIM_ALARM_RULES", str(own))
    found = answer(capsys, "kpi", "--from", "2026-03-02T12:00Z", "--to", "2026-03-03T12:00Z")
    assert (found["figures"]["per_day"]["value"], found["figures"]["annunciated"]["value"]) == (2, 4)


@pytest.mark.stack
@pytest.mark.usefixtures("used")
def test_a_backtest_calls_as_the_rules_in_force_would_have(capsys: Said) -> None:
    found = answer(capsys, "backtest", *PERIOD)
    # The drop at once, the deviation two intervals after the first.
    assert calls(found) == ["TRIP facility/F 09:15", "DEV_GEN facility/F 09:45"]
    trip, deviation = found["calls"]
    assert (trip["value"], trip["unit"], trip["priority"], trip["since"]) == (
        320_000_000,
        "W",
        "high",
        LOST.isoformat(),
    )
    assert (trip["cleared_at"], deviation["cleared_at"]) == ("2026-03-05T09:30:00+00:00", None)
    assert (deviation["priority"], found["vanish"], found["suppressed"]) == ("medium", [], 0)
    assert found["kpis"]["figures"]["annunciated"]["value"] == 2


@pytest.mark.stack
@pytest.mark.usefixtures("used")
def test_a_backtest_of_other_rules_says_which_calls_vanish(tmp_path: Path, capsys: Said) -> None:
    other = tmp_path / "other.yml"
    document = yaml.safe_load(shipped().text)
    document["types"]["TRIP"]["levels"] = [{"priority": "high", "mw": 500}]
    document["types"]["DEV_GEN"]["on_delay"] = 0
    other.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    found = answer(capsys, "backtest", *PERIOD, "--rules", str(other))
    assert calls(found) == ["DEV_GEN facility/F 09:15"]
    assert calls(found, "vanish") == ["TRIP facility/F 09:15"]


@pytest.mark.stack
@pytest.mark.usefixtures("used")
def test_a_backtest_is_compared_with_the_rules_that_are_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    own = tmp_path / "own.yml"
    own.write_text(text_of(DEV_GEN={"enabled": False}, TRIP={"enabled": False}), encoding="utf-8")
    monkeypatch.setenv("TENGERIM_ALARM_RULES", str(own))
    assert calls(answer(capsys, "backtest", *PERIOD)) == []
    tried = answer(capsys, "backtest", *PERIOD, "--rules", str(SHIPPED))
    assert (len(tried["calls"]), tried["vanish"]) == (2, [])


@pytest.mark.stack
@pytest.mark.usefixtures("used")
def test_what_stood_before_the_period_is_no_call_of_it(capsys: Said) -> None:
    assert calls(answer(capsys, "backtest", "--from", "2026-03-05T10:00Z", "--to", "2026-03-05T12:00Z")) == []


@pytest.mark.stack
@pytest.mark.usefixtures("used")
def test_a_table_shows_what_was_called_for_how_long_and_the_figures(tmp_path: Path, capsys: Said) -> None:
    other = tmp_path / "other.yml"
    other.write_text(text_of(DEV_GEN={"enabled": False}), encoding="utf-8")
    assert main(["alarms", "backtest", *PERIOD, "--rules", str(other)]) == 0
    out = capsys.readouterr().out
    called, lost, figures = out.split("\n\n")[:3]
    assert called.splitlines()[0] == "1 call from 2026-03-05 11:00 to 2026-03-05 17:00:"
    assert called.splitlines()[2].split() == ["2026-03-05", "14:15", "0:15", "high", "TRIP", "facility/F", "+320", "MW"]
    assert lost.splitlines()[0] == "1 call of the rules in force would vanish:"
    assert lost.splitlines()[2].split()[2:7] == ["to", "the", "end", "medium", "DEV_GEN"]
    assert figures.splitlines()[1].split() == ["annunciated", "1"]


def test_the_shipped_rules_are_right(capsys: Said) -> None:
    assert main(["alarms", "check", str(SHIPPED)]) == 0
    assert capsys.readouterr().out == f"{SHIPPED} is right: 10 types, digest {shipped().digest}\n"


def test_everything_wrong_in_rules_is_told_with_its_line(tmp_path: Path, capsys: Said) -> None:
    wrong = tmp_path / "wrong.yml"
    text = shipped().text.replace("on_delay: 2", "on_delay: -1", 1).replace("latching: true", "latching: maybe", 1)
    wrong.write_text(text, encoding="utf-8")
    lines = {
        word: number
        for number, line in enumerate(text.splitlines(), 1)
        for word in ("-1", "maybe")
        if f": {word}" in line
    }
    assert main(["alarms", "check", str(wrong)]) == 2
    out, err = capsys.readouterr()
    first, second = err.splitlines()
    assert out == ""
    assert first.startswith(f"tengerim: {wrong}:{lines['-1']}: types.DEV_GEN.on_delay: ")
    assert second.startswith(f"{wrong}:{lines['maybe']}: types.TRIP.latching: ")


def test_the_configuration_of_an_alertmanager_is_printed_with_receivers(
    monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setenv("TENGERIM_WEBHOOK", "http://hook.test/x")
    assert main(["alarms", "receivers"]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["route"]["routes"] == yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["route"]["routes"]
    assert {one["webhook_configs"][0]["url"] for one in printed["receivers"]} == {"http://hook.test/x"}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["check", "{tmp}/none.yml"], "{tmp}/none.yml cannot be read: No such file or directory"),
        (["check", "{tmp}/latin.yml"], "{tmp}/latin.yml is not UTF-8"),
        (["check", "{tmp}/list.yml"], "{tmp}/list.yml:1: not a master alarm database"),
        (["check"], "parameter"),
        (["backtest", "--from", "2026-03-05"], "--to"),
        (["backtest", "--from", "2026-03-05", "--to", "2026-03-05"], "the period is empty: "),
        (["backtest", "--from", "x", "--to", "2026-03-05"], "--from 'x' is not an instant"),
        (["backtest", *PERIOD, "--rules", "{tmp}/list.yml"], "{tmp}/list.yml:1: not a master alarm database"),
        (["kpi", "--format", "csv"], "invalid value"),
    ],
)
@pytest.mark.stack
def test_what_cannot_be_done_is_told(tmp_path: Path, words: list[str], problem: str, capsys: Said) -> None:
    (tmp_path / "latin.yml").write_bytes("types: Жаңа".encode("koi8-r", "replace") + b"\xff")
    (tmp_path / "list.yml").write_text("- a\n")
    assert main(["alarms", *(word.format(tmp=tmp_path) for word in words)]) == 2
    out, err = capsys.readouterr()
    assert (out, "Traceback" in err) == ("", False)
    assert problem.format(tmp=tmp_path).lower() in err.lower()


@pytest.mark.stack
def test_without_a_journal_or_tables_there_are_no_figures(
    stack: Addresses, space: str, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setenv("TENGERIM_SPACE", space)
    url = space_url(stack.database, space)
    create_database(url)
    try:
        for words, problem in ((["kpi"], "has no alarms yet"), (["backtest", *PERIOD], "has no archive yet")):
            assert main(["alarms", *words]) == 2
            assert f"space {space} {problem}" in capsys.readouterr().err
        with connect(url) as connection:
            migrate(connection)
        assert main(["alarms", "kpi"]) == 2
        assert "the journal is empty: nobody has been called yet" in capsys.readouterr().err
    finally:
        drop_database(url)
