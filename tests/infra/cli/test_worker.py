"""Tests of `tengerim worker`."""

from pathlib import Path

import pytest

from infra import space as spaces
from infra.cli import main
from infra.stack.stack import Addresses
from infra.worker import environment
from schemas.settings import Settings
from tests.running import running_worker


@pytest.mark.stack
@pytest.mark.slow
def test_one_agent_can_run_alone(stack: Addresses, space: str, home: Path, tmp_path: Path) -> None:
    settings = Settings(home=home, space=space, partitions=2, kafka=stack.kafka, database=stack.database)
    try:
        with running_worker(environment(settings, 0), tmp_path / "log", "collect") as running:
            assert running.stop()[0] == 0
            said = running.said()
        assert "made the database" in said
        assert "ready; Ctrl-C stops it agent=worker partitions={'collect': 2}" in said
        assert "agent=balance" not in said
    finally:
        spaces.remove(settings.model_copy(update={"redis": stack.redis}))


@pytest.mark.parametrize("words", [["collect", "storm"], ["--agent"]])
def test_an_agent_that_there_is_not_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["worker", *words]) == 2
    assert capsys.readouterr().err.endswith("see `tengerim worker --help`\n")
