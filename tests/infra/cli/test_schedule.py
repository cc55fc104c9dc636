"""Tests of `tengerim schedule import`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from connectors.database import connect, create_database, drop_database, space_url
from connectors.migrations import migrate
from connectors.registry import import_registry
from connectors.schedule import Imported
from infra.cli import main
from infra.cli.schedule import summary
from infra.stack.stack import Addresses
from tests.connectors.fleet import FLEET, write_files


@pytest.fixture
def url(stack: Addresses, space: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a database that knows the small fleet; commands find it by the environment."""
    monkeypatch.setenv("TENGERIM_SPACE", space)
    url = space_url(stack.database, space)
    create_database(url)
    with connect(url) as connection:
        migrate(connection)
        import_registry(connection, write_files(tmp_path / "fleet", FLEET), datetime(2026, 3, 1, tzinfo=UTC), space)
    yield url
    drop_database(url)


def plan(folder: Path, *lines: str) -> str:
    path = folder / "plan.csv"
    path.write_text("\n".join(["unit;hour;mwh;version", *lines]), encoding="utf-8")
    return str(path)


@pytest.mark.stack
def test_a_plan_goes_in(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = plan(tmp_path, "UG;2026-03-01T05:00+05:00;100,5;1")
    assert main(["schedule", "import", file, "--received-at", "2026-02-28T18:00+05:00"]) == 0
    assert capsys.readouterr().out.startswith("Planned hours: 1 new, of 1 unit; a running worker will pass it on")
    with psycopg.connect(url) as connection:
        assert connection.execute(
            "select unit, wh, received_at = '2026-02-28T13:00Z' from daily_schedule"
        ).fetchall() == [("UG", 100_500_000, True)]


@pytest.mark.stack
@pytest.mark.usefixtures("url")
def test_errors_go_to_stderr_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = plan(tmp_path, "UG;2026-03-01T05:00;1;1", "UX;2026-03-01T05:00Z;1;1")
    assert main(["schedule", "import", file]) == 2
    assert capsys.readouterr().err == (
        "tengerim: nothing was imported; mend this first:\n"
        "plan.csv:2:hour: '2026-03-01T05:00' has no offset; write for example 2026-03-02T14:00+05:00\n"
        "plan.csv:3:unit: 'UX' is not in the master data; import it first (lines that name it: 1)\n"
    )


@pytest.mark.stack
@pytest.mark.usefixtures("url")
def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "import", str(tmp_path / "none.csv")]) == 2
    assert f"tengerim: {tmp_path}/none.csv: there is no such file\n" == capsys.readouterr().err


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (Imported(0, 5, 0, 0), "The schedule has all of it already; nothing was changed"),
        (Imported(24, 0, 2, 0), "Planned hours: 24 new, of 2 units"),
        (
            Imported(24, 3, 2, 1),
            "Planned hours: 24 new, of 2 units; 3 known before; 1 value finer than a watt-hour rounded",
        ),
    ],
)
def test_one_line_says_what_was_done(done: Imported, words: str) -> None:
    assert summary(done) == words
