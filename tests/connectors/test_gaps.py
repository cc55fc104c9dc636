"""Tests of connectors.gaps."""

import psycopg
import pytest

from connectors import gaps
from connectors.gaps import StoredGap
from schemas.time import to_us
from tests.property.database import Database
from tests.property.histories import slot_at
from tests.property.world import minute

pytestmark = pytest.mark.stack
FIRST, NEXT = slot_at(0), slot_at(15)
GAP = StoredGap(1, FIRST, NEXT, 3, False, to_us(minute(20)), None)


async def test_open_gaps_come_back_as_they_were_written_oldest_first(cursor: psycopg.AsyncCursor) -> None:
    later = StoredGap(1, NEXT, NEXT + 9, 1, True, to_us(minute(35)), None)
    await gaps.write(cursor, [later, GAP, GAP._replace(dctu_id=2)])
    assert await gaps.load_open(cursor, [1]) == [GAP, later]
    assert await gaps.load_open(cursor, []) == []


async def test_a_healed_gap_is_not_open(cursor: psycopg.AsyncCursor) -> None:
    await gaps.write(cursor, [GAP])
    await gaps.write(cursor, [GAP._replace(end=NEXT + 1, channels=4, declared=True, healed_us=to_us(minute(50)))])
    assert await gaps.load_open(cursor, [1]) == []
    await cursor.execute("select first_start, last_end, channels, declared, opened_at, healed_at from gap")
    assert await cursor.fetchall() == [(minute(0), minute(30), 4, True, minute(20), minute(50))]


async def test_a_gap_keeps_when_it_opened(cursor: psycopg.AsyncCursor) -> None:
    await gaps.write(cursor, [GAP])
    await gaps.write(cursor, [GAP._replace(opened_us=to_us(minute(99)))])
    assert await gaps.load_open(cursor, [1]) == [GAP]


async def test_no_gaps_are_no_rows(cursor: psycopg.AsyncCursor) -> None:
    await gaps.write(cursor, [])
    await cursor.execute("select count(*) from gap")
    assert await cursor.fetchall() == [(0,)]


async def test_the_last_filling_of_a_period_is_the_first_arrival_of_its_last_cell(
    database: Database, cursor: psycopg.AsyncCursor
) -> None:
    ids: dict[str, int] = dict(database.connection.execute("select dctu, dctu_id from dctu_key").fetchall())
    database.connection.commit()
    assert await gaps.last_filled(cursor, ids["DA"], FIRST, NEXT) is None
    for table, emc, start, received, of in (
        ("reading", "M1", 0, 40, ", 1"), ("reading_revision", "M1", 0, 30, ""), ("reading", "M2", 0, 35, ", 0"),
        ("reading", "M2", 15, 90, ", 0"), ("reading", "M3", 0, 99, ", 0"),
    ):  # fmt: skip
        await cursor.execute(
            f"insert into {table} select %s, 5, %s, %s, %s, channel_id, 4, 0{of} from channel_key"
            " where emc = %s and code = '01'",
            [minute(start), minute(15), 1 if of else 0, minute(received), emc],
        )
    assert await gaps.last_filled(cursor, ids["DA"], FIRST, NEXT) == to_us(minute(35))
    assert await gaps.last_filled(cursor, ids["DA"], FIRST, NEXT + 1) == to_us(minute(90))
