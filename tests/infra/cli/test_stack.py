"""Tests of `tengerim status` as it is shown."""

import io
from dataclasses import asdict
from pathlib import Path

import pytest
from rich.console import Console

from infra.cli import main
from infra.cli.stack import MARKS, pipeline_table, say, table
from infra.pipeline import Line
from infra.stack.stack import Addresses, PartStatus

PARTS = [
    PartStatus("kafka", "Apache Kafka", "4.3.1", "127.0.0.1:19092", "runs"),
    PartStatus(
        "database", "PostgreSQL", "17.11 + TimescaleDB 2.19.3", "postgresql://me@127.0.0.1:15432/tengerim", "given"
    ),
    PartStatus("alertmanager", "Alertmanager", "", "http://127.0.0.1:19293", "stopped"),
]


def shown(renderable: object) -> list[str]:
    """Its lines on a terminal of 80 columns without colours."""
    file = io.StringIO()
    Console(file=file, width=80).print(renderable)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_the_servers_fit_80_columns() -> None:
    assert shown(table(PARTS)) == [
        "part          state    server                address",
        "kafka         runs     Apache Kafka 4.3.1    127.0.0.1:19092",
        "database      given    PostgreSQL 17.11      me@127.0.0.1:15432/tengerim",
        "                       + TimescaleDB 2.19.3",
        "alertmanager  stopped  Alertmanager          http://127.0.0.1:19293",
    ]


def test_the_pipeline_is_a_line_an_aspect() -> None:
    lines = [Line("collect", "good", "1 worker; nothing waits"), Line("time", "late", "at [12:00]")]
    assert shown(pipeline_table("main", lines)) == [
        "space main",
        "collect  ●  1 worker; nothing waits",
        "time     ◐  at [12:00]",
    ]


def test_states_differ_without_colours() -> None:
    marks = [shown(mark)[0] if mark.strip() else " " for mark in MARKS.values()]
    assert len(set(marks)) == len(MARKS)


def test_progress_goes_to_stderr_word_for_word(capsys: pytest.CaptureFixture[str]) -> None:
    say("kafka: [1/2] " + "x" * 200)
    assert capsys.readouterr() == ("", "kafka: [1/2] " + "x" * 200 + "\n")


@pytest.mark.stack
def test_a_space_that_was_never_used_is_said_below_the_servers(
    stack: Addresses, space: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENGERIM_SPACE", space)
    assert main(["status"]) == 0
    out, err = capsys.readouterr()
    assert stack.kafka in out
    assert f"{space} has no tables or topics yet; `tengerim worker` makes them" in " ".join(out.split())
    assert err == ""
    assert max(len(line) for line in out.splitlines()) <= 80


@pytest.mark.stack
def test_servers_that_are_given_are_called_so(
    stack: Addresses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENGERIM_HOME", str(tmp_path))
    for name, address in asdict(stack).items():
        monkeypatch.setenv(f"TENGERIM_{name.upper()}", address)
    assert main(["status"]) == 0
    assert capsys.readouterr().out.count(" given ") == 5


def test_without_servers_there_is_no_pipeline_to_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("KAFKA", "DATABASE", "REDIS", "PROMETHEUS", "ALERTMANAGER"):
        monkeypatch.delenv(f"TENGERIM_{name}", raising=False)
    monkeypatch.setenv("TENGERIM_HOME", str(tmp_path))
    assert main(["status"]) == 1
    assert "space" not in capsys.readouterr().out
