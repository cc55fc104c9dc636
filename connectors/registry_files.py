"""A folder of master data: its files read and checked for everything that needs no database."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from connectors.table import RowError, TableError, read_table
from schemas.registry import Channel, Dctu, Emc, Entity, Facility, Period, Unit

FILES: dict[str, type[Period]] = {
    "entities": Entity,
    "facilities": Facility,
    "units": Unit,
    "dctus": Dctu,
    "channels": Channel,
    "emcs": Emc,
}

# The column of a file names the code of a row of another file.
REFERENCES: dict[tuple[str, str], str] = {
    ("entities", "provider"): "entities",
    ("facilities", "entity"): "entities",
    ("units", "facility"): "facilities",
    ("dctus", "facility"): "facilities",
    ("channels", "dctu"): "dctus",
    ("channels", "unit"): "units",
    ("emcs", "emc"): "channels",
}


class Entry(NamedTuple):
    """A good row and the line that it stands on."""

    line: int
    row: Period


class Folder(NamedTuple):
    """What the files of a folder say, by the stem of the file, and everything wrong with it so far.

    `codes` has those of bad rows too: a row that refers to one of them is not to blame.
    """

    entries: dict[str, list[Entry]]
    codes: dict[str, set[str]]
    errors: list[RowError]


class Reference(NamedTuple):
    """A row that names a code of the file `target`."""

    stem: str
    line: int
    column: str
    target: str
    code: str


def file_name(stem: str) -> str:
    """`entities` → `entities.csv`."""
    return f"{stem}.csv"


def read_folder(folder: Path) -> Folder:
    """Read what is there. Raises TableError only where there is nothing to read."""
    present = [stem for stem in FILES if (folder / file_name(stem)).exists()]
    if not present:
        wanted = ", ".join(file_name(stem) for stem in FILES)
        problem = f"has none of {wanted}" if folder.is_dir() else "there is no such folder"
        raise TableError([RowError(str(folder), 0, "", problem)])
    read = Folder({stem: [] for stem in FILES}, {stem: set() for stem in FILES}, [])
    for stem in present:
        _read_file(folder / file_name(stem), stem, read)
    return read


def open_references(folder: Folder) -> Iterator[Reference]:
    """Every reference to a code that the folder itself does not make known."""
    for (stem, column), target in REFERENCES.items():
        known = folder.codes[target]
        for line, row in folder.entries[stem]:
            code = getattr(row, column)
            if code and code not in known:
                yield Reference(stem, line, column, target, code)


def _read_file(path: Path, stem: str, read: Folder) -> None:
    model = FILES[stem]
    always = list(Period.model_fields)
    required = [str(field.validation_alias or name) for name, field in model.model_fields.items() if name not in always]
    first_lines: dict[tuple[object, ...], int] = {}
    for line, values in read_table(path, required, always, read.errors):
        read.codes[stem].add(values[model.KEY[0]])
        try:
            row = model.model_validate(values)
        except ValidationError as error:
            read.errors.extend(
                RowError(path.name, line, str(one["loc"][0]), one["msg"].removeprefix("Value error, "))
                for one in error.errors()
            )
            continue
        first = first_lines.setdefault((*row.key, row.valid_from), line)
        if first != line:
            problem = f"line {first} already says what holds of {'/'.join(row.key)} from the same valid_from"
            read.errors.append(RowError(path.name, line, model.KEY[0], problem))
            continue
        read.entries[stem].append(Entry(line, row))
