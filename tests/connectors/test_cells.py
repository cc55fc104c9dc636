"""Tests of connectors.cells, beside a set of versions in plain Python."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import cells
from connectors.cells import Conflict, Merged, Partials, Versions
from connectors.database import connect_async
from schemas.time import INTERVAL_US, slot_of, to_us
from tests.property.database import Database
from tests.property.histories import slot_at
from tests.property.world import minute

pytestmark = pytest.mark.stack
GRACE = timedelta(minutes=5)
NOW = to_us(minute(300))
Version = tuple[int, int, int, int, int]  # rank, sent (minute), seq, quality, Wh
Cell = tuple[int, int]  # channel, slot


def versions(*rows: tuple[Cell, Version], received_us: int = NOW) -> Versions:
    columns = [
        (slot * INTERVAL_US, wh, to_us(minute(sent)), seq, received_us, channel, quality, rank)
        for (channel, slot), (rank, sent, seq, quality, wh) in rows
    ]
    return Versions(*np.array(columns, np.int64).reshape(-1, 8).T)


@pytest_asyncio.fixture
async def cursor(connection: psycopg.AsyncConnection) -> AsyncIterator[psycopg.AsyncCursor]:
    await cells.prepare_session(connection)
    async with connection.cursor() as opened:
        yield opened


async def merge(cursor: psycopg.AsyncCursor, *rows: tuple[Cell, Version], received_us: int = NOW) -> Merged:
    found = await cells.merge(cursor, versions(*rows, received_us=received_us))
    await cursor.connection.commit()
    return found


async def table(cursor: psycopg.AsyncCursor, name: str) -> dict[Cell, list[Version]]:
    await cursor.execute(
        f"select channel_id, (extract(epoch from ts) / 900)::int, rank,"
        f" (extract(epoch from sent_at - %s) / 60)::int, seq, quality, wh from {name} order by 1, 2, 3, 4, 5, 6, 7",
        [minute(0)],
    )
    found: dict[Cell, list[Version]] = {}
    for channel, slot, *version in await cursor.fetchall():
        found.setdefault((channel, slot), []).append(tuple(version))
    return found


A, B = (1, slot_at(0)), (2, slot_at(15))


async def test_new_cells_are_added(cursor: psycopg.AsyncCursor) -> None:
    await cells.write_new(cursor, versions((B, (0, 1, 1, 4, 7)), (A, (0, 1, 2**62, 4, -(2**62)))))
    assert await table(cursor, "reading") == {A: [(0, 1, 2**62, 4, -(2**62))], B: [(0, 1, 1, 4, 7)]}
    await cursor.execute("select distinct revision, received_at from reading")
    assert await cursor.fetchall() == [(0, minute(300))]


async def test_a_cell_that_is_not_new_is_a_unique_violation(cursor: psycopg.AsyncCursor) -> None:
    await merge(cursor, (A, (0, 1, 1, 4, 7)))
    with pytest.raises(psycopg.errors.UniqueViolation):
        await cells.write_new(cursor, versions((A, (0, 1, 1, 4, 7))))


async def test_versions_of_empty_cells_are_new(cursor: psycopg.AsyncCursor) -> None:
    assert await merge(cursor, (A, (0, 1, 1, 4, 7)), (B, (0, 1, 1, 4, 7))) == Merged(2, 0, 0, [])


async def test_the_greatest_rules_and_the_others_are_kept(cursor: psycopg.AsyncCursor) -> None:
    rising: list[Version] = [
        (0, 1, 9, 4, 9),
        (0, 2, 1, 2, 9),
        (0, 2, 1, 4, 1),
        (0, 2, 1, 4, 2),
        (0, 2, 2, 2, 0),
        (1, 0, 0, 1, 0),
    ]
    for version in (rising[2], rising[5], rising[0], rising[4], rising[1], rising[3]):
        await merge(cursor, (A, version))
    assert await table(cursor, "reading") == {A: [rising[-1]]}
    assert await table(cursor, "reading_revision") == {A: sorted(rising[:-1])}
    await cursor.execute("select revision from reading")
    assert await cursor.fetchall() == [(5,)]


async def test_what_is_known_is_counted_and_changes_nothing(cursor: psycopg.AsyncCursor) -> None:
    low, high = (A, (0, 1, 1, 4, 5)), (A, (0, 2, 1, 4, 6))
    assert await merge(cursor, low, high) == Merged(1, 1, 0, [])
    assert await merge(cursor, high, low, low, received_us=NOW + 1) == Merged(0, 0, 3, [])
    await cursor.execute("select received_at from reading union all select received_at from reading_revision")
    assert await cursor.fetchall() == [(minute(300),)] * 2


async def test_the_time_of_the_first_arrival_is_kept(cursor: psycopg.AsyncCursor) -> None:
    both = [versions((A, (0, 1, 1, 4, 5)), received_us=NOW + offset).columns() for offset in (9, 3)]
    await cells.merge(cursor, Versions(*(np.concatenate(pair) for pair in zip(*both, strict=True))))
    await cursor.execute("select received_at from reading")
    assert await cursor.fetchall() == [(minute(300) + timedelta(microseconds=3),)]


async def test_two_values_of_one_number_are_a_conflict_in_one_batch_or_two(cursor: psycopg.AsyncCursor) -> None:
    conflict = Conflict(A[0], A[1] * INTERVAL_US, to_us(minute(1)), 1)
    first, second, third = ((A, (0, 1, 1, quality, wh)) for quality, wh in ((4, 5), (2, 5), (4, 6)))
    assert (await merge(cursor, first, second)).conflicts == [conflict]
    assert (await merge(cursor, third)).conflicts == [conflict]
    assert (await merge(cursor, (A, (0, 1, 2, 4, 5)), (B, (0, 1, 1, 4, 5)))).conflicts == []


async def test_nothing_is_left_for_the_next_transaction(cursor: psycopg.AsyncCursor) -> None:
    await merge(cursor, (A, (0, 1, 1, 4, 5)))
    assert await merge(cursor, (B, (0, 1, 1, 4, 5))) == Merged(1, 0, 0, [])
    await cells.write_declared(cursor, np.array([A[1] * INTERVAL_US]), np.array([A[0]]))
    await cursor.connection.commit()
    await cells.write_declared(cursor, np.array([B[1] * INTERVAL_US] * 2), np.array([B[0]] * 2))
    await cells.write_declared(cursor, np.zeros(0, np.int64), np.zeros(0, np.int64))
    await cursor.execute("select channel_id from declared_missing order by 1")
    assert await cursor.fetchall() == [(A[0],), (B[0],)]


ROWS = st.tuples(
    st.tuples(st.integers(1, 2), st.integers(slot_at(0), slot_at(15))),
    st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 1), st.sampled_from([2, 4]), st.integers(0, 1)),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches=st.lists(st.lists(ROWS, min_size=1, max_size=6), min_size=1, max_size=4))
def test_any_batches_come_to_the_set_of_versions(used_database: Database, batches: list[list[Any]]) -> None:
    used_database.reset()

    async def run() -> tuple[dict[Cell, list[Version]], dict[Cell, list[Version]]]:
        connection = await connect_async(used_database.url)
        await cells.prepare_session(connection)
        known: dict[Cell, set[Version]] = {}
        async with connection.cursor() as cursor:
            for rows in batches:
                before = {cell: set(found) for cell, found in known.items()}
                for cell, version in rows:
                    known.setdefault(cell, set()).add(version)
                new = len(set(known) - set(before))
                added = sum(map(len, known.values())) - sum(map(len, before.values())) - new
                merged = await merge(cursor, *rows)
                assert merged[:3] == (new, added, len(rows) - new - added)
                numbers = {
                    (cell, version[:3]) for cell, found in known.items() for version in found - before.get(cell, set())
                }
                assert {
                    (c.channel_id, c.ts_us // INTERVAL_US, to_minute(c.sent_us), c.seq) for c in merged.conflicts
                } == {(*cell, *number[1:]) for cell, number in numbers if sum(v[:3] == number for v in known[cell]) > 1}
            tables = await table(cursor, "reading"), await table(cursor, "reading_revision")
        await connection.close()
        assert tables[0] == {cell: [max(found)] for cell, found in known.items()}
        assert tables[1] == {cell: sorted(found - {max(found)}) for cell, found in known.items() if len(found) > 1}
        return tables

    asyncio.run(run())


def to_minute(us: int) -> int:
    return (us - to_us(minute(0))) // 60_000_000


async def test_cells_are_loaded_as_they_were_written(cursor: psycopg.AsyncCursor) -> None:
    await merge(cursor, (A, (0, 1, 1, 4, 5)), (B, (0, 1, 2, 2, 6)), ((2, slot_at(30)), (0, 1, 1, 4, 7)))
    await merge(cursor, (A, (0, 2, 1, 4, 8)), received_us=NOW + 5)
    await cells.write_declared(cursor, np.array([A[1] * INTERVAL_US]), np.array([B[0]]))
    first, end = A[1] * INTERVAL_US, (B[1] + 1) * INTERVAL_US
    columns, declared = await cells.load(cursor, np.array([1, 2]), first, end)
    assert sorted(zip(*(column.tolist() for column in columns), strict=True)) == [
        (1, first, 8, 4, 0, to_us(minute(2)), 1, NOW),
        (2, B[1] * INTERVAL_US, 6, 2, 0, to_us(minute(1)), 2, NOW),
    ]
    assert [column.tolist() for column in declared] == [[B[0]], [first]]
    nothing, _ = await cells.load(cursor, np.array([9]), first, end)
    assert [len(column) for column in nothing] == [0] * 8


async def test_partial_sums_tell_the_newest_interval_of_a_dctu(cursor: psycopg.AsyncCursor) -> None:
    assert await cells.newest_slots(cursor, [1, 2], slot_at(0)) == []
    await cells.write_partials(cursor, partials((slot_at(0), 5, 1, 7, 1, 2, 1), (slot_at(15), 6, 1, 0, 1, 1, 1)))
    assert await cells.newest_slots(cursor, [1, 2], slot_at(0)) == [(1, slot_at(15))]
    assert await cells.newest_slots(cursor, [2], slot_at(0)) == []
    assert await cells.newest_slots(cursor, [1], slot_at(15)) == []


def partials(*rows: tuple[int, ...]) -> Partials:
    return Partials(*np.array([(slot * INTERVAL_US, *rest) for slot, *rest in rows], np.int64).reshape(-1, 7).T)


async def test_partial_sums_are_set(cursor: psycopg.AsyncCursor) -> None:
    await cells.write_partials(cursor, partials())
    await cells.write_partials(cursor, partials((slot_at(0), 5, 1, 7, 1, 2, 1), (slot_at(0), 6, 1, 0, 1, 1, 1)))
    await cursor.connection.commit()
    await cells.write_partials(cursor, partials((slot_at(0), -9, 1, 7, 2, 2, 1)))
    await cursor.execute("select unit_id, wh, present, expected, on_time from partial order by 1")
    assert await cursor.fetchall() == [(0, 6, 1, 1, 1), (7, -9, 2, 2, 1)]


async def test_partial_sums_are_recomputed_from_the_readings(database: Database, cursor: psycopg.AsyncCursor) -> None:
    ids: dict[str, int] = dict(
        database.connection.execute("select emc || '/' || code, channel_id from channel_key").fetchall()
    )
    dctus: dict[str, int] = dict(database.connection.execute("select dctu, dctu_id from dctu_key").fetchall())
    dctu = dctus["DA"]
    units: dict[str, int] = dict(
        database.connection.execute("select node, node_id from node where kind = 'unit'").fetchall()
    )
    database.connection.commit()
    rows = [((ids[channel], slot_at(start)), (0, 1, 1, 4, wh)) for channel, start, wh in (
        ("M1/01", 0, 5), ("M1/02", 0, 2), ("M2/01", 60, 3), ("M2/01", 75, 4), ("M2/03", 75, 9), ("M3/01", 0, 99))]  # fmt: skip
    await merge(cursor, *rows, received_us=to_us(minute(64)))
    await cells.write_partials(cursor, partials((slot_at(0), 77, dctu, units["UE"], 1, 1, 1)))
    first, end = slot_at(0) * INTERVAL_US, slot_at(90) * INTERVAL_US
    touched = await cells.recompute_partials(cursor, dctu, first, end, to_us(minute(20)), GRACE)
    names = {number: name for name, number in units.items()} | {0: ""}
    assert sorted((slot - slot_at(0), names[unit]) for slot, unit in touched) == [
        (0, ""), (0, "UC"), (0, "UE"), (0, "UG"), (4, "UC"), (5, ""), (5, "UG"),
    ]  # fmt: skip
    await cursor.execute("select ts, unit_id, wh, present, expected, on_time from partial")
    found = {(slot_of(ts) - slot_at(0), names[unit]): tuple(row) for ts, unit, *row in await cursor.fetchall()}
    assert found == {
        (0, "UG"): (3, 2, 2, 0), (0, "UC"): (0, 0, 2, 0), (0, ""): (0, 0, 1, 0),
        (4, "UC"): (3, 1, 2, 1), (5, "UG"): (4, 1, 3, 1), (5, ""): (0, 1, 1, 1),
    }  # fmt: skip
