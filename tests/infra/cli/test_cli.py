"""Tests of the command line as a whole."""

import tomllib
from pathlib import Path

import pytest

from infra.cli import build, main

COMMANDS = [
    ["up"], ["down"], ["status"], ["wipe"], ["worker"], ["serve"], ["registry", "import"], ["schedule", "import"], ["ingest"],
    ["quarantine", "list"], ["quarantine", "show"], ["quarantine", "replay"],
    *(["alarms", name] for name in (
        "list", "show", "ack", "reset", "shelve", "unshelve", "suppress", "out-of-service", "return", "comment",
        "export", "kpi", "backtest", "check", "receivers",
    )),
    ["drain"], ["history"], ["grafana", "push"], ["grafana", "diff"], ["grafana", "write"], ["demo"],
]  # fmt: skip


def test_help_names_every_command_in_the_order_of_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out, err = capsys.readouterr()
    shown = [line.split()[1] for line in out.splitlines() if line.startswith("│ ") and line[2] != " "]
    nouns = list(dict.fromkeys(words[0] for words in COMMANDS))
    assert (shown, err) == ([*nouns, "--help", "--version"], "")


def test_nothing_said_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("Usage: tengerim COMMAND")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_in_80_columns(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*words, "--help"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Usage: tengerim {' '.join(words)}")
    assert max(len(line) for line in out.splitlines()) <= 80
    assert err == ""


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{project['version']}\n"


def test_one_command_alone_is_the_same_as_among_all() -> None:
    commands = build()
    for name in dict.fromkeys(words[0] for words in COMMANDS):
        assert list(build(name)[name]) == list(commands[name])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["satus"], 'unknown command "satus"; did you mean "status"?; see `tengerim --help`'),
        (["registry", "show"], 'unknown command "show"; see `tengerim registry --help`'),
        (["status", "--loud"], "unknown option: --loud; see `tengerim status --help`"),
        (["drain", "--timeout", "soon"], 'invalid value for --timeout: unable to convert "soon" into float; see `teng'),
        (["ingest", "a.csv", "b.csv"], "unexpected argument 'b.csv'; see `tengerim ingest --help`"),
        (
            ["worker", "storm"],
            'invalid value "storm" for AGENTS; choose from: "collect", "balance", "alarm"; see `ten',
        ),
    ],
)
def test_what_is_not_understood_is_told_in_one_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"tengerim: {says}")
    assert err.count("\n") == 1


def test_a_wrong_setting_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENGERIM_SPACE", "Main")
    assert main(["drain"]) == 2
    assert capsys.readouterr().err.startswith("tengerim: TENGERIM_SPACE='Main' is not a name")
