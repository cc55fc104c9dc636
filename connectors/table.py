"""CSV files as people make them: rows with their line numbers, and every error with file, line and column."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

SHOWN = 20
# How the byte 0x80 + n stands in a text that was decoded with surrogateescape.
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_QUOTING = {
    "unexpected end of data": "a quote is not closed on this line",
    "expected after": "text stands behind a closing quote",
}


class RowError(NamedTuple):
    """One thing wrong in a file. Line 0: of the file as a whole; no column: of the line as a whole."""

    file: str
    line: int
    column: str
    problem: str

    def __str__(self) -> str:
        """As compilers write it: `entities.csv:7:provider: …`."""
        place = [self.file, *([str(self.line)] if self.line else []), *([self.column] if self.column else [])]
        return f"{':'.join(place)}: {self.problem}"


class TableError(Exception):
    """Everything that is wrong in one or several files; the text shows the first of it, one a line."""

    def __init__(self, errors: Iterable[RowError]) -> None:
        """Keeps all `errors`."""
        self.errors = list(errors)
        lines = [str(error) for error in self.errors[:SHOWN]]
        if len(self.errors) > SHOWN:
            lines.append(f"and {len(self.errors) - SHOWN} more")
        super().__init__("\n".join(lines))


class Row(NamedTuple):
    """One line: its number in the file, and the text of every column asked for, without surrounding blanks."""

    line: int
    values: dict[str, str]


def read_table(path: Path, required: Sequence[str], optional: Sequence[str], errors: list[RowError]) -> Iterator[Row]:
    """The good rows of a CSV file, in order; whatever is wrong is added to `errors`.

    UTF-8 (a byte order mark is accepted), comma or semicolon, a header first. An optional column that the file does
    not have is empty in every row. Blank lines are passed over. No value may hold a line break.
    """
    before = len(errors)
    lines = _lines(path, errors)
    first, head = next(((number, line) for number, line in lines if line.strip()), (0, ""))
    if not first:
        if len(errors) == before:
            errors.append(RowError(path.name, 0, "", "the file is empty; its first line must name the columns"))
        return
    delimiter = ";" if head.count(";") > head.count(",") else ","
    try:
        header = _header(head, delimiter, required, optional)
    except _BadLineError as error:
        errors += [RowError(path.name, first, column, problem) for column, problem in error.problems]
        return
    names = [*header, *(name for name in optional if name not in header)]
    absent = [""] * (len(names) - len(header))
    for number, line in lines:
        try:
            cells = _cells(line, delimiter)
            if not any(cells):
                continue
            if len(cells) != len(header):
                raise _BadLineError(
                    ("", f"{len(cells)} value{'s' * (len(cells) > 1)}, but the header has {len(header)} columns")
                )
        except _BadLineError as error:
            errors += [RowError(path.name, number, column, problem) for column, problem in error.problems]
            continue
        yield Row(number, dict(zip(names, cells + absent, strict=True)))


class _BadLineError(Exception):
    def __init__(self, *problems: tuple[str, str]) -> None:
        self.problems = problems


def _lines(path: Path, errors: list[RowError]) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers; bytes that are not UTF-8 stay in them, see `_cells`."""
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            yield from enumerate(file, start=1)
    except FileNotFoundError:
        errors.append(RowError(path.name, 0, "", f"there is no such file in {path.parent}"))
    except OSError as error:
        errors.append(RowError(path.name, 0, "", f"cannot be read: {error.strerror or error}"))


def _cells(line: str, delimiter: str) -> list[str]:
    """A line without its end, cut. Line by line, so that an open quote costs one line, not the rest of the file."""
    line = line.rstrip("\n")
    if not line.isascii() and (byte := _NOT_UTF8.search(line)):
        raise _BadLineError(("", f"not UTF-8 (byte {ord(byte[0]) - 0xDC00:#04x}); save the file as UTF-8"))
    if "\0" in line:
        raise _BadLineError(("", "a NUL byte; the file is damaged, or not text"))
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader((line,), delimiter=delimiter, strict=True))]
    except csv.Error as error:
        words = next((words for part, words in _QUOTING.items() if part in str(error)), str(error))
        raise _BadLineError(("", words)) from None


def _header(line: str, delimiter: str, required: Sequence[str], optional: Sequence[str]) -> list[str]:
    header = _cells(line, delimiter)
    known = [*required, *optional]
    problems = []
    for place, name in enumerate(header):
        if not name:
            problems.append(("", f"column {place + 1} has no name"))
        elif name not in known:
            problems.append((name, f"no such column here; there are {', '.join(known)}"))
        elif name in header[:place]:
            problems.append((name, "the column stands twice"))
    problems += [(name, "the column is missing") for name in required if name not in header]
    if problems:
        raise _BadLineError(*problems)
    return header
