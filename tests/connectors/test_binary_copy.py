"""Tests of connectors.binary_copy and connectors.columns: out and in again by the real server."""

from collections.abc import AsyncIterator, Sequence

import numpy as np
import psycopg
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from connectors.binary_copy import copy_in, pack
from connectors.columns import read_columns
from connectors.database import connect_async
from schemas.time import from_us, to_us
from tests.property.database import Database
from tests.property.world import minute

TYPES = ("int2", "int4", "int8", "timestamptz", "bool")
NAMES = tuple("abcde")


@pytest_asyncio.fixture
async def cursor(used_database: Database) -> AsyncIterator[psycopg.AsyncCursor]:
    connection = await connect_async(used_database.url)
    async with connection.cursor() as opened:
        columns = ", ".join(f"{name} {kind}" for name, kind in zip(NAMES, TYPES, strict=True))
        await opened.execute(f"create temporary table copied ({columns})")
        yield opened
    await connection.close()


ROWS = [
    (0, 0, 0, to_us(minute(0)), 0),
    (-(2**15), -(2**31), -(2**63), 0, 1),
    (2**15 - 1, 2**31 - 1, 2**63 - 1, to_us(minute(0)) + 1, 1),
    (1, 1, 1, -62_135_596_800_000_000, 0),
    (1, 1, 1, 253_402_300_799_999_999, 0),
]


def columns_of(rows: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    return [np.array(column, np.int64) for column in zip(*rows, strict=True)] if rows else [np.zeros(0, np.int64)] * 5


@pytest.mark.stack
async def test_the_server_reads_what_was_packed(cursor: psycopg.AsyncCursor) -> None:
    assert await copy_in(cursor, "copied", NAMES, TYPES, columns_of(ROWS)) == len(ROWS)
    await cursor.execute("select * from copied")
    assert await cursor.fetchall() == [(a, b, c, from_us(ts), bool(e)) for a, b, c, ts, e in ROWS]


@pytest.mark.stack
async def test_what_the_server_has_comes_back_as_columns(cursor: psycopg.AsyncCursor) -> None:
    await copy_in(cursor, "copied", NAMES, TYPES, columns_of(ROWS))
    found = await read_columns(cursor, sql.SQL("select * from copied"), TYPES)
    assert list(zip(*(column.tolist() for column in found), strict=True)) == ROWS
    assert {column.dtype for column in found} == {np.dtype(np.int64)}


@pytest.mark.stack
async def test_nothing_goes_and_comes_as_nothing(cursor: psycopg.AsyncCursor) -> None:
    assert await copy_in(cursor, "copied", NAMES, TYPES, columns_of([])) == 0
    found = await read_columns(cursor, sql.SQL("select * from copied"), TYPES)
    assert [len(column) for column in found] == [0] * 5


@pytest.mark.stack
async def test_columns_may_be_bound_as_numpy_has_them(cursor: psycopg.AsyncCursor) -> None:
    some = [np.array([5], kind) for kind in (np.int8, np.uint32, np.int16, np.int64)]
    await copy_in(cursor, "copied", NAMES, TYPES, [*some, np.array([True])])
    await cursor.execute("select a, b, c, d, e from copied")
    assert await cursor.fetchall() == [(5, 5, 5, from_us(5), True)]


@pytest.mark.stack
@pytest.mark.parametrize("nulls", [1, 7, 14])
async def test_a_null_is_not_read_as_something_else(cursor: psycopg.AsyncCursor, nulls: int) -> None:
    query = sql.SQL("select case when g > {} then g end from generate_series(1, 20) g").format(nulls)
    with pytest.raises(ValueError, match="holds a NULL"):
        await read_columns(cursor, query, ("int8",))


@pytest.mark.stack
async def test_a_column_of_another_width_is_not_read_as_something_else(cursor: psycopg.AsyncCursor) -> None:
    with pytest.raises(ValueError, match="or is not int8"):
        await read_columns(cursor, sql.SQL("select 5::int4"), ("int8",))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-(2**15), 2**15 - 1), st.integers(-(2**63), 2**63 - 1)), max_size=5))
def test_every_row_is_packed_with_its_number_of_columns_and_their_lengths(rows: list[tuple[int, int]]) -> None:
    columns = [np.array([row[i] for row in rows], np.int64) for i in range(2)]
    packed = pack(columns, ("int2", "int8"))
    by_hand = b"".join(
        b"\0\2" + b"\0\0\0\2" + a.to_bytes(2, "big", signed=True) + b"\0\0\0\x08" + b.to_bytes(8, "big", signed=True)
        for a, b in rows
    )
    assert packed == b"PGCOPY\n\xff\r\n\0" + b"\0" * 8 + by_hand + b"\xff\xff"
