"""Tests of connectors.table."""

from pathlib import Path

import pytest

from connectors.table import Row, RowError, TableError, read_table

REQUIRED, OPTIONAL = ("entity", "name"), ("valid_from",)


def read(folder: Path, content: bytes) -> tuple[list[Row], list[str]]:
    path = folder / "entities.csv"
    path.write_bytes(content)
    errors: list[RowError] = []
    rows = list(read_table(path, REQUIRED, OPTIONAL, errors))
    return rows, [str(error) for error in errors]


GOOD = [Row(2, {"entity": "E1", "name": "Ekibastuz, GRES-1", "valid_from": ""})]


@pytest.mark.parametrize(
    "content",
    [
        b'entity,name\nE1,"Ekibastuz, GRES-1"\n',
        b'\xef\xbb\xbfentity,name\r\nE1,"Ekibastuz, GRES-1"\r\n',
        b"entity;name\nE1;Ekibastuz, GRES-1",
        b'name , entity\n"Ekibastuz, GRES-1", E1 \n\n',
        b'entity,name,valid_from\rE1,"Ekibastuz, GRES-1",\r,,\r',
    ],
    ids=["comma", "mark and CRLF", "semicolon", "other order, blanks", "old Macintosh, empty cells"],
)
def test_the_same_rows_however_the_file_is_written(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) == (GOOD, [])


def test_kazakh_and_quoted_quotes_are_kept(tmp_path: Path) -> None:
    rows, errors = read(tmp_path, 'entity,name\nE1,"«Екібастұз» ""ГРЭС-1"""\n'.encode())
    assert errors == []
    assert rows[0].values["name"] == '«Екібастұз» "ГРЭС-1"'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ["entities.csv: the file is empty; its first line must name the columns"]),
        (b"\n \n", ["entities.csv: the file is empty; its first line must name the columns"]),
        (b"\xef\xbb\xbf", ["entities.csv: the file is empty; its first line must name the columns"]),
        (b"entity\nE1\n", ["entities.csv:1:name: the column is missing"]),
        (b"\nname\nE1\n", ["entities.csv:2:entity: the column is missing"]),
        (
            b"entity,name,colour,name,\n",
            [
                "entities.csv:1:colour: no such column here; there are entity, name, valid_from",
                "entities.csv:1:name: the column stands twice",
                "entities.csv:1: column 5 has no name",
            ],
        ),
        (b'entity,"name\nE1,x\n', ["entities.csv:1: a quote is not closed on this line"]),
        ("entity,name\n".encode("utf-16"), ["entities.csv:1: not UTF-8 (byte 0xff); save the file as UTF-8"]),
    ],
)
def test_an_unusable_file_gives_no_rows_and_says_why(tmp_path: Path, content: bytes, expected: list[str]) -> None:
    assert read(tmp_path, content) == ([], expected)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"E2", "1 value, but the header has 2 columns"),
        (b"E2,x,y", "3 values, but the header has 2 columns"),
        (b'E2,"x', "a quote is not closed on this line"),
        (b'E2,"x"y', "text stands behind a closing quote"),
        (b"E2,x\0y", "a NUL byte; the file is damaged, or not text"),
        ("E2,ГРЭС".encode("cp1251"), "not UTF-8 (byte 0xc3); save the file as UTF-8"),
        (b'E2,"' + b"x" * 200_000 + b'"', "field larger than field limit (131072)"),
    ],
    ids=["short", "long", "open quote", "text behind a quote", "NUL", "not UTF-8", "huge"],
)
def test_a_bad_line_costs_that_line_only(tmp_path: Path, line: bytes, problem: str) -> None:
    rows, errors = read(tmp_path, b"entity,name\nE1,a\n" + line + b"\nE3,c\n")
    assert [row.line for row in rows] == [2, 4]
    assert errors == [f"entities.csv:3: {problem}"]


def test_a_missing_file_and_a_folder_in_its_place_are_errors(tmp_path: Path) -> None:
    errors: list[RowError] = []
    assert list(read_table(tmp_path / "units.csv", REQUIRED, OPTIONAL, errors)) == []
    assert list(read_table(tmp_path, REQUIRED, OPTIONAL, errors)) == []
    assert [str(error) for error in errors] == [
        f"units.csv: there is no such file in {tmp_path}",
        f"{tmp_path.name}: cannot be read: Is a directory",
    ]


def test_the_text_of_many_errors_shows_twenty_and_the_rest_as_a_number() -> None:
    error = TableError(RowError("units.csv", line, "kind", "is empty") for line in range(2, 27))
    lines = str(error).split("\n")
    assert lines[0] == "units.csv:2:kind: is empty"
    assert lines[20:] == ["and 5 more"]
    assert len(error.errors) == 25
