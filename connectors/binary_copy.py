"""Rows as PostgreSQL's binary COPY, packed by numpy: about 0.1 µs a row, without a Python object a row.

Layout: PostgreSQL manual, "COPY", section "Binary Format". Columns hold no NULLs.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

Array = NDArray[np.generic]

_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_END = struct.pack(">h", -1)
FORMATS = {"int2": ">i2", "int4": ">i4", "int8": ">i8", "timestamptz": ">i8", "bool": ">i1", "float8": ">f8"}
# PostgreSQL counts microseconds from 2000-01-01.
EPOCH_US = 946_684_800_000_000


def _row_type(types: Sequence[str]) -> np.dtype[np.void]:
    fields: list[tuple[str, str]] = [("n", ">i2")]
    for i, kind in enumerate(types):
        fields += [(f"l{i}", ">i4"), (f"v{i}", FORMATS[kind])]
    return np.dtype(fields)


@lru_cache(maxsize=64)
def _empty_row(types: tuple[str, ...]) -> NDArray[np.void]:
    row = np.zeros(1, _row_type(types))
    row["n"] = len(types)
    for i, kind in enumerate(types):
        row[f"l{i}"] = np.dtype(FORMATS[kind]).itemsize
    return row


def pack(columns: Sequence[Array], types: Sequence[str]) -> bytes:
    """Columns of one length as a COPY stream; a timestamptz is int64 microseconds since 1970."""
    rows = np.repeat(_empty_row(tuple(types)), len(columns[0]))
    for i, (column, kind) in enumerate(zip(columns, types, strict=True)):
        rows[f"v{i}"] = column.astype(np.int64) - EPOCH_US if kind == "timestamptz" else column
    return b"".join((_HEADER, rows.data, _END))


async def copy_in(
    cursor: psycopg.AsyncCursor, table: str, names: Sequence[str], types: Sequence[str], columns: Sequence[Array]
) -> int:
    """COPY columns into a table; gives the number of rows."""
    if not len(columns[0]):
        return 0
    statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    async with cursor.copy(statement) as copy:
        await copy.write(pack(columns, types))
    return len(columns[0])
