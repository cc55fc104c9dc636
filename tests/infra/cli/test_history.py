"""Tests of `tengerim history`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow.parquet
import pytest

from infra.cli import history, main
from infra.stack.stack import Addresses
from tests.connectors.filled import Version, at, new_archive, plan, register, store, watch

pytestmark = pytest.mark.stack

HEAD = "emc,code,ts,wh,quality,revision,received_at\n"


@pytest.fixture(scope="module")
def filled(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """Five readings of two channels; nobody writes to it."""
    with new_archive(stack.database) as connection:
        register(connection, tmp_path_factory.mktemp("fleet"))
        plan(connection, "UG", "00:00", 1000)
        store(connection, [Version("M1/01", start, 100, "01:00") for start in ("00:00", "00:15", "00:30", "00:45")])
        store(connection, [Version("M2/01", "00:00", 7, "01:00"), Version("M2/01", "00:00", 8, "02:00", seq=2)])
        watch(connection, at("02:00"))
        yield connection


@pytest.fixture
def archive(filled: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its space, as commands find it."""
    monkeypatch.setenv("TENGERIM_SPACE", filled.info.dbname.rpartition("_")[2])


def ask(capsysbinary: pytest.CaptureFixture[bytes], *arguments: str) -> str:
    """What the command prints."""
    status = main(["history", *arguments])
    captured = capsysbinary.readouterr()
    assert (status, captured.err) == (0, b"")
    return captured.out.decode()


@pytest.mark.usefixtures("archive")
def test_csv_goes_to_the_standard_output(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert ask(capsysbinary, "v_reading", "--format", "csv", "--emc", "M2") == (
        HEAD + "M2,01,2026-03-02T00:00:00Z,8,4,1,2026-03-02T02:00:00Z\n"
    )


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize(
    "period",
    [
        ("--from", "2026-03-02T00:15Z", "--to", "2026-03-02T00:45Z"),
        # Local time, five hours ahead.
        ("--from", "2026-03-02T05:15", "--to", "2026-03-02 05:45"),
        ("--from", "2026-03-02T03:15+03:00", "--to", "2026-03-02T00:45:00.000Z"),
    ],
)
def test_a_period_is_local_time_or_has_an_offset(
    capsysbinary: pytest.CaptureFixture[bytes], period: tuple[str, ...]
) -> None:
    lines = ask(capsysbinary, "reading", "--format", "csv", *period).splitlines()[1:]
    assert [line.split(",")[2] for line in lines] == ["2026-03-02T00:15:00Z", "2026-03-02T00:30:00Z"]


@pytest.mark.usefixtures("archive")
def test_a_date_is_its_local_midnight(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    # 2026-03-02 begins at 19:00 UTC of the day before and ends at 19:00.
    day = ask(capsysbinary, "reading", "--format", "csv", "--from", "2026-03-02", "--to", "2026-03-03")
    assert len(day.splitlines()) == 6
    assert ask(capsysbinary, "reading", "--format", "csv", "--from", "2026-03-03") == HEAD


@pytest.mark.usefixtures("archive")
def test_as_of_answers_with_what_was_known(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    asked = ("reading", "--format", "csv", "--emc", "M2", "--as-of")
    assert ",7,4,0," in ask(capsysbinary, *asked, "2026-03-02T06:59:59")
    assert ",8,4,1," in ask(capsysbinary, *asked, "2026-03-02T07:00")


@pytest.mark.usefixtures("archive")
def test_a_balance_of_a_moment_knows_the_grace_of_the_settings(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("balance_15m", "--format", "csv", "--node", "unit/UC", "--from", "2026-03-02T00:00Z", "--as-of")

    def closed() -> list[str]:
        lines = ask(capsysbinary, *asked, "2026-03-02T00:31Z").splitlines()[1:]
        return [line.split(",")[2] for line in lines]

    assert closed() == ["2026-03-02T00:00:00Z"]
    monkeypatch.setenv("TENGERIM_GRACE_S", "0")
    assert closed() == ["2026-03-02T00:00:00Z", "2026-03-02T00:15:00Z"]


@pytest.mark.usefixtures("archive")
def test_a_table_is_for_reading(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    lines = ask(capsysbinary, "schedule", "--unit", "UG").splitlines()
    assert [line.split() for line in lines] == [
        ["unit", "hour", "version", "wh", "received_at", "in_force"],
        ["UG", "2026-03-02T00:00:00Z", "1", "1000", "2026-03-02T00:00:00Z", "true"],
    ]


@pytest.mark.usefixtures("archive")
def test_a_table_says_how_many_rows_it_leaves_out(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "SHOWN_AT_MOST", 3)
    lines = ask(capsysbinary, "reading").splitlines()
    assert len(lines) == 1 + 3 + 1
    assert lines[-1] == "2 more rows are not shown: narrow the period, or use --format csv"


@pytest.mark.usefixtures("archive")
def test_a_full_table_leaves_nothing_out(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "SHOWN_AT_MOST", 5)
    assert len(ask(capsysbinary, "reading").splitlines()) == 6


@pytest.mark.usefixtures("archive")
def test_an_empty_table_says_so(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert ask(capsysbinary, "gap") == "no rows\n"


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("form", ["csv", "table"])
def test_a_file_has_what_the_standard_output_would(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path, form: str
) -> None:
    out = tmp_path / "out"
    out.write_text("what was there before, and longer than what comes now" * 100)
    assert ask(capsysbinary, "reading", "--format", form, "--out", str(out)) == ""
    assert out.read_text() == ask(capsysbinary, "reading", "--format", form)


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize(("name", "begins"), [("a.csv", b"dctu,"), ("a.parquet", b"PAR1"), ("a.txt", b"no rows")])
def test_a_file_is_of_the_form_that_its_name_ends_with(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path, name: str, begins: bytes
) -> None:
    ask(capsysbinary, "gap", "--out", str(tmp_path / name))
    assert (tmp_path / name).read_bytes().startswith(begins)


@pytest.mark.usefixtures("archive")
def test_parquet_is_a_file_of_typed_columns(capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    out = tmp_path / "reading.parquet"
    ask(capsysbinary, "reading", "--format", "parquet", "--out", str(out))
    table = pyarrow.parquet.read_table(out)
    assert table.num_rows == 5
    assert table["ts"].to_pylist()[0] == at("00:00")
    assert sum(table["wh"].to_pylist()) == 408


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["readings"], "there is no view 'readings'; the views are reading, revision, "),
        (["gap", "--from", "noon"], "--from 'noon' is not an instant: write a date or an ISO 8601 time, as "),
        (["gap", "--to", "2026-02-30"], "--to '2026-02-30' is not an instant: "),
        (["gap", "--as-of", ""], "--as-of '' is not an instant: "),
        (["gap", "--from", "2026-03-02", "--to", "2026-03-01"], "the period is empty: "),
        (["node", "--from", "2026-03-02"], "v_node has no time to choose a period by\n"),
        (["node_now", "--as-of", "2026-03-02"], "v_node_now is kept for now only; "),
        (["gap", "--emc", "M1"], "v_gap has no column emc; it has dctu, "),
        (["gap", "--node", "zone/W"], "v_gap has no column node_kind; it has dctu, "),
        (["balance_1h", "--node", "W"], "--node 'W' is not KIND/CODE, as zone/North; the kinds are unit, "),
        (["balance_1h", "--node", "land/W"], "--node 'land/W' is not KIND/CODE"),
        (["gap", "--format", "parquet"], "a Parquet file cannot be shown: name it with --out FILE\n"),
        (["gap", "--out", "no/such/folder/file"], "no/such/folder/file cannot be written: No such file or directory\n"),
        (["gap", "--out", "/"], "/ cannot be written: Is a directory\n"),
    ],
)
@pytest.mark.usefixtures("archive")
def test_a_wrong_question_is_answered_with_a_sentence(
    capsysbinary: pytest.CaptureFixture[bytes], arguments: list[str], problem: str
) -> None:
    assert main(["history", *arguments]) == 2
    captured = capsysbinary.readouterr()
    assert captured.out == b""
    assert captured.err.decode().startswith(f"tengerim: {problem}")


@pytest.mark.usefixtures("archive")
def test_an_unknown_format_is_told_which_there_are(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["history", "gap", "--format", "xml"]) == 2
    error = capsysbinary.readouterr().err.decode()
    assert all(word in error for word in ("--format", "xml", "table", "csv", "parquet"))


def test_without_a_server_it_says_how_to_get_one(
    capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENGERIM_DATABASE", "postgresql://tengerim@127.0.0.1:9/tengerim")
    assert main(["history", "gap"]) == 2
    captured = capsysbinary.readouterr()
    assert captured.out == b""
    assert b"127.0.0.1:9" in captured.err
    assert b"set TENGERIM_DATABASE" in captured.err


def test_only_the_address_of_the_database_is_needed(
    filled: psycopg.Connection,
    stack: Addresses,
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("TENGERIM_HOME", str(tmp_path))
    monkeypatch.setenv("TENGERIM_SPACE", filled.info.dbname.rpartition("_")[2])
    monkeypatch.setenv("TENGERIM_DATABASE", stack.database)
    assert ask(capsysbinary, "gap") == "no rows\n"


@pytest.mark.usefixtures("archive")
def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-c", "import sys; from infra.cli import main; sys.exit(main(sys.argv[1:]))"]
    with os.fdopen(write, "wb") as closed:
        ended = subprocess.run(
            [*command, "history", "reading", "--format", "csv"],
            stdout=closed, stderr=subprocess.PIPE, timeout=60, check=False,
        )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_help_says_what_a_time_without_offset_is(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    text = " ".join(ask(capsysbinary, "--help").split())
    assert "without an offset they are local time, Asia/Almaty" in text
