"""Tests of `tengerim demo`; whole days of it are replayed in tests/scenario."""

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from infra import space as spaces
from infra.cli import main
from infra.cli.demo import beside
from infra.stack.stack import Addresses
from schemas.settings import Settings
from tests.running import wait_until


@pytest.mark.parametrize(
    "words",
    [["--day-seconds", "0"], ["--day-seconds", "nan"], ["--day-seconds", "inf"], ["--days", "0"], ["--days", "366"]],
)
def test_a_day_that_cannot_be_replayed_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", *words]) == 2
    assert capsys.readouterr().err == "tengerim: --day-seconds must be above zero, and --days within 1 and 365\n"


@pytest.fixture
def own(stack: Addresses, space: str, home: Path) -> Iterator[Settings]:
    settings = Settings(home=home, space=space, partitions=2, clock="none", **asdict(stack))
    spaces.prepare(settings, str)
    yield settings
    spaces.remove(settings)
    (home / "logs" / f"worker-{space}.log").unlink()


@pytest.mark.stack
@pytest.mark.slow
def test_its_worker_ends_with_it_whatever_happens(own: Settings) -> None:
    log = own.home / "logs" / f"worker-{own.space}.log"
    targets = own.home / "targets"

    def interrupted() -> None:
        with beside(own, "worker"):
            wait_until(lambda: "ready" in log.read_text())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert "stopped" in log.read_text().splitlines()[-1]
    assert list(targets.glob(f"{own.space}-*")) == []
    pids = [pid for pid in Path("/proc").iterdir() if pid.name.isdigit() and pid.name != str(os.getpid())]
    assert not any(own.space in environment_of(pid) for pid in pids)


def environment_of(process: Path) -> str:
    """The environment of a process, nothing where it is gone."""
    try:
        return (process / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return ""
