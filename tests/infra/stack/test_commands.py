"""`tengerim up | down | status | wipe`."""

from collections.abc import Callable
from pathlib import Path

import cyclopts
import pytest

from infra.cli import stack as commands
from infra.stack.stack import Addresses

Run = Callable[..., int | None]


@pytest.fixture
def run() -> Run:
    app = cyclopts.App(name="tengerim")
    commands.register(app)
    return lambda *words: app(words, exit_on_error=False, result_action="return_value")


@pytest.mark.stack
def test_the_status_shows_every_server(run: Run, stack: Addresses, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("status") == 0
    shown = capsys.readouterr().out
    assert stack.kafka in shown
    assert shown.count("runs") + shown.count("given") == 5


def test_the_status_of_nothing_is_that_nothing_runs(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("KAFKA", "DATABASE", "REDIS", "PROMETHEUS", "ALERTMANAGER"):
        monkeypatch.delenv(f"TENGERIM_{name}", raising=False)
    monkeypatch.setenv("TENGERIM_HOME", str(tmp_path))
    assert run("status") == 1
    assert capsys.readouterr().out.count("stopped") == 5


def test_the_fault_of_a_given_server_is_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENGERIM_HOME", str(tmp_path))
    monkeypatch.setenv("TENGERIM_REDIS", "redis://127.0.0.1:1")
    assert run("status") == 1
    assert "redis: Error 111" in capsys.readouterr().out


def test_a_wipe_removes_the_programs_only_when_told(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENGERIM_HOME", str(tmp_path))
    run("down")
    (tmp_path / "tansu").mkdir()
    (tmp_path / "data").mkdir()
    run("wipe")
    assert (tmp_path / "tansu").exists()
    assert not (tmp_path / "data").exists()
    run("wipe", "--everything")
    assert list(tmp_path.iterdir()) == []
