"""Tests of `tengerim registry import`."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from connectors.database import drop_database, space_url
from connectors.kafka import delete_topics, ensure_topics
from infra.cli import main
from infra.stack.stack import Addresses
from tests.connectors.fleet import FLEET, write_files

pytestmark = pytest.mark.stack


@pytest.fixture
def url(stack: Addresses, space: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the space's database, which commands find by the environment; it is not made yet."""
    monkeypatch.setenv("TENGERIM_SPACE", space)
    yield space_url(stack.database, space)
    drop_database(space_url(stack.database, space))


@pytest.fixture
def topics(stack: Addresses, space: str) -> Iterator[None]:
    ensure_topics(stack.kafka, space, 1)
    yield
    delete_topics(stack.kafka, space)


@pytest.mark.usefixtures("topics")
def test_an_import_makes_the_archive_and_tells_the_workers(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_files(tmp_path, FLEET)
    assert main(["registry", "import", str(folder), "--received-at", "2026-03-01T05:00+05:00"]) == 0
    assert capsys.readouterr().out == (
        "Master data is version 1 now: 2 entities, 2 facilities, 3 units, 2 dctus, 4 channels; running workers know.\n"
    )
    with psycopg.connect(url) as connection:
        told = connection.execute(
            "select count(*), max(received_at) = '2026-03-01', (select count(*) from outbox) from registry_import"
        )
        assert told.fetchone() == (1, True, 0)


def test_the_same_again_says_that_nothing_changed(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_files(tmp_path, FLEET)
    assert main(["registry", "import", str(folder)]) == 0
    assert "a running worker will pass it on" in capsys.readouterr().out
    assert main(["registry", "import", str(folder)]) == 0
    assert capsys.readouterr().out == "The archive knows all of it already; nothing was changed.\n"
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from outbox").fetchone() == (1,)


@pytest.mark.usefixtures("url")
def test_errors_go_to_stderr_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_files(tmp_path, FLEET | {"entities": ["K,,12,", "L,,,X"]})
    assert main(["registry", "import", str(folder)]) == 2
    assert capsys.readouterr().err == (
        "tengerim: nothing was imported; mend this first:\n"
        "entities.csv:2:bin: '12' is not a BIN; it has 12 digits\n"
        "entities.csv:3:provider: 'X' is neither in entities.csv nor in the archive\n"
    )


@pytest.mark.parametrize("moment", ["noon", "2026-03-01T05:00"])
def test_a_bad_moment_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], moment: str) -> None:
    assert main(["registry", "import", str(tmp_path), "--received-at", moment]) == 2
    assert capsys.readouterr().err.startswith(f"tengerim: --received-at '{moment}' ")
