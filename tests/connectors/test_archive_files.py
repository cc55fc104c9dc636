"""Tests of connectors.archive_files."""

import io
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from connectors import archive_files
from connectors.archive import Column
from connectors.archive_files import arrow_of, csv_of, parquet_of, replacing

COLUMNS = [
    Column("emc", "text"),
    Column("ts", "timestamp with time zone"),
    Column("wh", "bigint"),
    Column("version", "integer"),
    Column("quality", "smallint"),
    Column("share", "double precision"),
    Column("closed", "boolean"),
    Column("day", "date"),
    Column("late_by", "interval"),
]
FULL = b"E1,2026-03-02T00:00:00Z,9007199254740993,2,4,0.25,true,2026-03-02,-90\n"
EMPTY = b',,,,,,,,\n"",2026-03-02T00:00:00.000001Z,-1,,,1,false,,\n'


def parquet(lines: list[bytes], columns: list[Column]) -> pa.Table:
    """What a reader finds in the file."""
    file = io.BytesIO()
    file.writelines(parquet_of(iter(lines), columns))
    return pa.parquet.read_table(file)


def test_parquet_has_the_types_of_the_columns() -> None:
    assert parquet([], COLUMNS).schema.types == [
        pa.string(), pa.timestamp("us", "UTC"), pa.int64(), pa.int32(), pa.int16(), pa.float64(), pa.bool_(),
        pa.date32(), pa.int64(),
    ]  # fmt: skip


def test_parquet_has_every_value_to_the_last_digit() -> None:
    assert list(parquet([FULL], COLUMNS).to_pylist()[0].values()) == [
        "E1", datetime(2026, 3, 2, tzinfo=UTC), 2**53 + 1, 2, 4, 0.25, True, date(2026, 3, 2), -90,
    ]  # fmt: skip


def test_parquet_tells_null_from_an_empty_text() -> None:
    rows = parquet(EMPTY.splitlines(keepends=True), COLUMNS).to_pylist()
    assert set(rows[0].values()) == {None}
    assert list(rows[1].values()) == [
        "", datetime(2026, 3, 2, 0, 0, 0, 1, UTC), -1, None, None, 1.0, False, None, None,
    ]  # fmt: skip


def test_parquet_keeps_a_text_of_several_lines_whole() -> None:
    rows = parquet([b'"two\nlines, ""so""",1\n'], [Column("detail", "text"), Column("wh", "bigint")]).to_pylist()
    assert rows == [{"detail": 'two\nlines, "so"', "wh": 1}]


def test_parquet_is_written_in_row_groups_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_files, "_ROW_GROUP_BYTES", 3 * len(FULL))
    file = io.BytesIO()
    file.writelines(parquet_of([FULL] * 7, COLUMNS))
    metadata = pa.parquet.read_metadata(file)
    assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == [3, 3, 1]


def test_csv_stands_under_a_header() -> None:
    file = io.BytesIO()
    file.writelines(csv_of([b"E1,1\n", b"E2,2\n"], [Column("emc", "text"), Column("wh", "bigint")]))
    assert file.getvalue() == b"emc,wh\nE1,1\nE2,2\n"


def test_a_file_stands_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_the_old_file_stands_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_bytes(b"old")

    def stop_half_way() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stop_half_way()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), replacing(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_arrow_has_the_same_rows_in_bounded_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_files, "_ROW_GROUP_BYTES", 3 * len(FULL))
    pieces = list(arrow_of([FULL] * 7, COLUMNS))
    assert len(pieces) == 4
    with pa.ipc.open_stream(b"".join(pieces)) as found:
        batches = list(found)
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert batches[0].to_pylist()[0] == parquet([FULL], COLUMNS).to_pylist()[0]
