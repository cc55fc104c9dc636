"""Rows as PostgreSQL's binary COPY, packed and unpacked by numpy: about 0.1 µs a row, without a Python object a row.

Layout: PostgreSQL manual, "COPY", section "Binary Format". Columns hold no NULLs.
"""

import struct
from collections.abc import Sequence

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

Array = NDArray[np.generic]

_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_END = struct.pack(">h", -1)
_FORMATS = {"int2": ">i2", "int4": ">i4", "int8": ">i8", "timestamptz": ">i8", "bool": ">i1", "float8": ">f8"}
# PostgreSQL counts microseconds from 2000-01-01.
_EPOCH_US = 946_684_800_000_000


def _row_type(types: Sequence[str]) -> np.dtype[np.void]:
    fields: list[tuple[str, str]] = [("n", ">i2")]
    for i, kind in enumerate(types):
        fields += [(f"l{i}", ">i4"), (f"v{i}", _FORMATS[kind])]
    return np.dtype(fields)


def pack(columns: Sequence[Array], types: Sequence[str]) -> bytes:
    """Columns of one length as a COPY stream; a timestamptz is int64 microseconds since 1970."""
    row_type = _row_type(types)
    rows = np.zeros(len(columns[0]), row_type)
    rows["n"] = len(types)
    for i, (column, kind) in enumerate(zip(columns, types, strict=True)):
        rows[f"l{i}"] = np.dtype(_FORMATS[kind]).itemsize
        rows[f"v{i}"] = column.astype(np.int64) - _EPOCH_US if kind == "timestamptz" else column
    return _HEADER + rows.tobytes() + _END


def unpack(stream: bytes, types: Sequence[str]) -> list[NDArray[np.int64]]:
    """The columns of a COPY stream as int64 arrays, timestamptz in microseconds since 1970."""
    row_type = _row_type(types)
    body = memoryview(stream)[len(_HEADER) : len(stream) - len(_END)]
    if len(body) % row_type.itemsize:
        raise ValueError("a COPY stream of another shape: a column holds a NULL or is of another type")
    rows = np.frombuffer(body, row_type)
    columns = []
    for i, kind in enumerate(types):
        column = rows[f"v{i}"].astype(np.int64)
        columns.append(column + _EPOCH_US if kind == "timestamptz" else column)
    return columns


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


async def copy_out(
    cursor: psycopg.AsyncCursor, query: sql.SQL | sql.Composed, types: Sequence[str]
) -> list[NDArray[np.int64]]:
    """The result of a query, whose columns are of `types` and hold no NULLs."""
    parts = []
    async with cursor.copy(sql.SQL("copy ({}) to stdout (format binary)").format(query)) as copy:
        parts = [bytes(part) async for part in copy]
    return unpack(b"".join(parts), types)
