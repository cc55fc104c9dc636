"""Results of queries as numpy columns: each column comes as one binary array, so a row costs next to nothing here.

Layout of an array: number of dimensions, whether there are NULLs, type of the elements, length and lower bound of the
dimension (int4 each), then every element with its length before it (`array_send` in PostgreSQL's source).
"""

import struct
from collections.abc import Sequence

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from connectors.binary_copy import EPOCH_US, FORMATS

_HEAD = struct.Struct(">iiiii")


async def read_columns(
    cursor: psycopg.AsyncCursor, query: sql.SQL | sql.Composed, types: Sequence[str]
) -> list[NDArray[np.int64]]:
    """The result of a query as int64 columns, timestamptz in microseconds since 1970.

    Its columns must be of `types`. Raises ValueError where one holds a NULL or is of another length.
    """
    names = [sql.Identifier(f"c{i}") for i in range(len(types))]
    statement = sql.SQL("select {} from ({}) q ({})").format(
        sql.SQL(", ").join(sql.SQL("array_agg({})").format(name) for name in names), query, sql.SQL(", ").join(names)
    )
    await cursor.execute(statement, binary=True)
    result = cursor.pgresult
    assert result is not None
    return [_column(result.get_value(0, i), kind) for i, kind in enumerate(types)]


def _column(array: bytes | None, kind: str) -> NDArray[np.int64]:
    if array is None:
        return np.zeros(0, np.int64)
    _, has_null, _, length, _ = _HEAD.unpack_from(array)
    element = np.dtype([("length", ">i4"), ("value", FORMATS[kind])])
    if has_null or len(array) != _HEAD.size + length * element.itemsize:
        raise ValueError(f"a column of the result holds a NULL, or is not {kind}")
    column = np.frombuffer(array, element, offset=_HEAD.size)["value"].astype(np.int64)
    return column + EPOCH_US if kind == "timestamptz" else column
