"""Tests of `tengerim alarms list | show | export`."""

import csv
import io
import json
from typing import Any

import pytest

from connectors.database import create_database, drop_database, space_url
from infra.cli import main
from infra.stack.stack import Addresses
from tests.room import Room

Said = pytest.CaptureFixture[str]


def listed(capsys: Said, *options: str) -> list[dict[str, Any]]:
    assert main(["alarms", "list", "--format", "json", *options]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def names(found: list[dict[str, Any]]) -> list[str]:
    return [f"{row['type']} {row['object']}" for row in found]


@pytest.mark.stack
def test_a_table_shows_first_who_asks_for_somebody(room: Room, capsys: Said) -> None:
    assert main(["alarms", "list"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["no.", "priority", "state", "type", "object", "value", "limit", "since", "called"]
    assert [int(line.split()[0]) for line in lines] == room.numbers[:9]
    assert " ".join(lines[0].split()[1:]) == (
        "high UNACK TRIP facility/F -320 MW 200 MW 2026-03-02 17:00 2026-03-02 17:15 nobody has responded in time"
    )
    assert lines[1].split()[5:9] == ["130", "s", "120", "s"]
    assert lines[3].split()[5:7] == ["+60", "MW"]


@pytest.mark.stack
@pytest.mark.usefixtures("room")
def test_a_table_says_why_nobody_is_called(capsys: Said) -> None:
    assert main(["alarms", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()[6:]
    endings = (
        "acknowledged by Айгерім", "suppressed: GAP_ENTITY L; agreed", "shelved until 2026-03-02 18:15",
        "out of service: replaced",
    )  # fmt: skip
    assert all(line.endswith(ending) for line, ending in zip(lines, endings, strict=True)), lines


@pytest.mark.stack
def test_csv_has_a_line_an_alarm_with_every_column(room: Room, capsys: Said) -> None:
    assert main(["alarms", "list", "--format", "csv", "--type", "GAP_EMC", "--state", "OOSRV"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["alarm_id"] == str(room.numbers[8])
    assert (row["raised_at"], row["value"], row["unit"]) == ("2026-03-02T12:04:00Z", "2", "points")
    assert (row["acked_at"], row["condition"]) == ("", "True")
    assert json.loads(row["detail"]) == {"dctu": "DG", "says": "ә"}


@pytest.mark.stack
@pytest.mark.usefixtures("room")
def test_json_keeps_numbers_objects_and_nulls(capsys: Said) -> None:
    (row,) = listed(capsys, "--object", "emc/M2")
    assert (row["value"], row["acked_at"], row["detail"]) == (2, None, {"dctu": "DG", "says": "ә"})
    assert (row["condition"], row["completeness"], row["since"]) == (True, 0.5, "2026-03-02T12:00:00Z")


@pytest.mark.stack
@pytest.mark.usefixtures("room")
@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--type", "DEV_GEN"], ["DEV_GEN G", "DEV_GEN F"]),
        (["--priority", "medium"], ["ZONE_IMB NS", "DEV_GEN G"]),
        (["--state", "RTNUN"], ["DEV_GEN F"]),
        (["--state", "NORM"], ["TRIP G"]),
        (["--object", "facility/G"], ["DEV_GEN G", "DEV_CONS G"]),
        (["--object", "facility/G", "--all"], ["DEV_GEN G", "DEV_CONS G", "TRIP G"]),
        (["--zone", "NS"], ["TRIP F", "ZONE_IMB NS", "DEV_GEN F", "GAP_EMC M1"]),
        (["--zone", "W"], ["DEV_GEN G", "DEV_CONS G", "GAP_DCTU DG", "GAP_EMC M2"]),
        (["--zone", "W", "--type", "GAP_EMC", "--priority", "low"], ["GAP_EMC M2"]),
        (["--object", "dctu/G"], []),
        (["--zone", "NOWHERE"], []),
    ],
)  # fmt: skip
def test_options_narrow_the_list(options: list[str], wanted: list[str], capsys: Said) -> None:
    assert names(listed(capsys, *options)) == wanted


@pytest.mark.stack
@pytest.mark.usefixtures("room")
def test_an_empty_table_says_so(capsys: Said) -> None:
    assert main(["alarms", "list", "--zone", "NOWHERE"]) == 0
    assert capsys.readouterr().out == "no alarms\n"


@pytest.mark.stack
def test_an_alarm_is_shown_with_its_journal(room: Room, capsys: Said) -> None:
    assert main(["alarms", "show", str(room.numbers[5])]) == 0
    above, _, below = capsys.readouterr().out.partition("\n\n")
    shown = dict(line.split(maxsplit=1) for line in above.splitlines())
    assert (shown["state"], shown["acked_by"]) == ("ACKED", "Айгерім")
    assert (shown["since"], shown["value"]) == ("2026-03-02 17:00 Asia/Almaty", "-320 MW")
    assert "unit" not in shown
    head, line = below.splitlines()
    assert head.split() == ["at", "event", "state", "priority", "value", "by", "reason"]
    assert " ".join(line.split()) == "2026-03-02 17:45 acknowledge ACKED high -320 MW Айгерім звоню"


@pytest.mark.stack
def test_what_else_there_is_to_know_is_shown_by_name(room: Room, capsys: Said) -> None:
    assert main(["alarms", "show", str(room.numbers[8])]) == 0
    assert '\nsays              "ә"\n' in capsys.readouterr().out


@pytest.mark.stack
def test_a_normal_alarm_is_shown_too(room: Room, capsys: Said) -> None:
    assert main(["alarms", "show", str(room.numbers[9])]) == 0
    assert "\nstate             NORM\n" in capsys.readouterr().out


def exported(capsys: Said, *options: str) -> list[dict[str, str]]:
    assert main(["alarms", "export", *options]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


@pytest.mark.stack
def test_the_journal_is_exported_in_order_with_every_column(room: Room, capsys: Said) -> None:
    rows = exported(capsys)
    assert [(row["event"], row["at"]) for row in rows] == [
        ("raise", "2026-03-02T12:15:00Z"), ("raise", "2026-03-02T12:20:00Z"), ("escalate", "2026-03-02T12:20:00Z"),
        ("raise", "2026-03-02T12:30:00Z"), ("acknowledge", "2026-03-02T12:45:00Z"), ("shelve", "2026-03-02T13:00:00Z"),
    ]  # fmt: skip
    first, ack = rows[0], rows[4]
    assert (first["alarm_id"], first["type"], first["value"], first["rules"], first["actor"]) == (
        str(room.numbers[0]), "TRIP", "-320000000", "abc", "",
    )  # fmt: skip
    assert (ack["actor"], ack["reason"], ack["state_before"], ack["state"]) == ("Айгерім", "звоню", "UNACK", "ACKED")
    columns = room.rows("select column_name from information_schema.columns where table_name = 'v_alarm_event'")
    assert set(first) == {str(name) for (name,) in columns}


@pytest.mark.stack
@pytest.mark.usefixtures("room")
def test_json_is_one_document_a_line(capsys: Said) -> None:
    assert main(["alarms", "export", "--format", "json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 6
    assert (rows[2]["detail"], rows[2]["actor"], rows[2]["annunciated"]) == ({"a": 1}, None, False)


@pytest.mark.stack
@pytest.mark.usefixtures("room")
@pytest.mark.parametrize(
    ("options", "events"),
    [
        (["--from", "2026-03-02T17:45"], ["acknowledge G", "shelve M1"]),
        (["--to", "2026-03-02T12:20Z"], ["raise F"]),
        (["--from", "2026-03-02T12:20Z", "--to", "2026-03-02T12:30Z"], ["raise G", "escalate F"]),
        (["--type", "TRIP"], ["raise F", "escalate F"]),
        (["--priority", "low"], ["shelve M1"]),
        (["--object", "facility/G"], ["raise G", "acknowledge G"]),
        (["--zone", "NS"], ["raise F", "escalate F", "raise NS", "shelve M1"]),
        (["--from", "2026-03-03"], []),
    ],
)  # fmt: skip
def test_options_narrow_the_journal(options: list[str], events: list[str], capsys: Said) -> None:
    assert [f"{row['event']} {row['object']}" for row in exported(capsys, *options)] == events


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["list", "--object", "GRES1"], "--object 'GRES1' is not KIND/CODE, as facility/GRES1"),
        (["list", "--object", "/GRES1"], "is not KIND/CODE"),
        (["list", "--state", "ANGRY"], 'invalid value "ANGRY" for --state'),
        (["list", "--type", "BORING"], 'invalid value "BORING" for --type'),
        (["list", "--format", "xml"], 'invalid value "xml" for --format'),
        (["export", "--from", "yesterday"], "--from 'yesterday' is not an instant"),
        (["export", "--from", "2026-03-03", "--to", "2026-03-02"], "the period is empty: "),
        (["show", "one"], "invalid value"),
        (["show"], "parameter"),
    ],
)
def test_what_is_not_clear_is_refused(words: list[str], problem: str, capsys: Said) -> None:
    assert main(["alarms", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert problem in err


@pytest.mark.stack
@pytest.mark.usefixtures("room")
def test_an_alarm_that_there_is_not_cannot_be_shown(capsys: Said) -> None:
    assert main(["alarms", "show", "999999"]) == 2
    assert capsys.readouterr().err == (
        "tengerim: there is no alarm 999999; `tengerim alarms list --all` shows those there are\n"
    )


@pytest.mark.stack
def test_a_space_that_was_never_used_has_no_alarms(
    stack: Addresses, space: str, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setenv("TENGERIM_SPACE", space)
    assert main(["alarms", "list"]) == 2
    assert capsys.readouterr().err.startswith(f"tengerim: there is no database tengerim_{space}")
    create_database(space_url(stack.database, space))
    try:
        for words in (["list"], ["show", "1"], ["export"], ["ack", "1"]):
            assert main(["alarms", *words]) == 2
            assert f"space {space} has no alarms yet" in capsys.readouterr().err
    finally:
        drop_database(space_url(stack.database, space))
