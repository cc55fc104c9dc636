"""Tests of streams.alarm_healing: silences that stand, and what is there by now, written by hand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from streams.alarm_desk import Desk
from streams.alarm_healing import heal_silences
from tests.alerts.making import master
from tests.connectors.alarmed import alarm, clear, stored
from tests.connectors.rows import partial, reading
from tests.property.database import Database
from tests.property.world import minute

pytestmark = pytest.mark.stack
# The silences below are of the intervals from 01:00 to 02:00.
SILENT = range(60, 120, 15)
LATER = minute(600)
OF = {"DC": "UC", "DA": "UG", "DB": "UE"}


@pytest_asyncio.fixture(autouse=True)
async def nothing_stands(connection: psycopg.AsyncConnection) -> None:
    await clear(connection)


async def silent(connection: psycopg.AsyncConnection, type_: str, kind: str, code: str) -> None:
    """An alarm that stands for the silence."""
    times = {"since_ts": minute(60), "seen_ts": minute(105), "raised_at": minute(80), "interval_start": minute(60)}
    (_,) = await stored(connection, alarm(type_, kind, code, value=2, limit_value=2, unit="points", **times))


def handed_over(
    database: Database, dctu: str = "DC", starts: Sequence[int] = SILENT, present: int = 10, expected: int = 10
) -> None:
    """Of the DCTU nothing was there in time; by now so much is, of these intervals."""
    for start in SILENT:
        partial(database.connection, dctu, OF[dctu], start, expected, 0, present if start in starts else 0)


async def heal(connection: psycopg.AsyncConnection, until: datetime = LATER) -> list[tuple[Any, ...]]:
    """Look again; gives what the journal has got: object, when, and how it was mended."""
    desk = Desk(master())
    async with connection.transaction(), connection.cursor() as cursor:
        book = await desk.open(cursor)
        await heal_silences(cursor, book, until)
        await desk.close(cursor, book)
    found = await connection.execute("select object, at, detail from alarm_event where event = 'clear' order by object")
    rows = await found.fetchall()
    await connection.commit()
    return rows


async def test_a_silence_is_mended_when_the_last_missed_value_came(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    await silent(connection, "GAP_DCTU", "dctu", "DC")
    handed_over(database)
    for start, came in ((60, 190), (75, 200), (90, 195)):
        reading(database.connection, "M6", start, came)
    # 02:05 late, counted from the end of the first interval.
    assert await heal(connection) == [
        (
            "DC", minute(200),
            {"healed": True, "late_by_s": 125 * 60, "intervals": 4, "points": 40, "still_missing": 0},
        )
    ]  # fmt: skip
    cursor = await connection.execute("select state from alarm")
    assert await cursor.fetchall() == [("RTNUN",)]


@pytest.mark.parametrize("missing", SILENT)
async def test_while_an_interval_is_missing_it_stands(
    database: Database, connection: psycopg.AsyncConnection, missing: int
) -> None:
    await silent(connection, "GAP_DCTU", "dctu", "DC")
    handed_over(database, starts=[start for start in SILENT if start != missing])
    reading(database.connection, "M6", 75, 200)
    assert await heal(connection) == []


async def test_who_hands_over_most_is_not_silent_and_it_says_what_is_missing(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    await silent(connection, "GAP_DCTU", "dctu", "DC")
    handed_over(database, present=3)
    reading(database.connection, "M6", 75, 200)
    ((_, _, detail),) = await heal(connection)
    assert (detail["points"], detail["still_missing"]) == (12, 28)


async def test_what_comes_later_than_the_time_that_is_looked_at_has_not_come(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    await silent(connection, "GAP_DCTU", "dctu", "DC")
    handed_over(database)
    reading(database.connection, "M6", 75, 200)
    assert await heal(connection, minute(199)) == []
    assert [row[1] for row in await heal(connection, minute(200))] == [minute(200)]


async def test_of_an_entity_all_units_must_have_handed_over(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    await silent(connection, "GAP_ENTITY", "entity", "K")
    handed_over(database, "DA")
    handed_over(database, "DB", starts=[])
    reading(database.connection, "M1", 75, 200)
    reading(database.connection, "M3", 75, 210, code="02")
    assert await heal(connection) == []
    handed_over(database, "DB")
    ((code, at, detail),) = await heal(connection)
    assert (code, at, detail["points"], detail["intervals"]) == ("K", minute(210), 80, 4)


async def test_an_emc_is_mended_when_every_cell_is_there(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    await silent(connection, "GAP_EMC", "emc", "M4")
    for start in (60, 75, 105):
        reading(database.connection, "M4", start, 200)
    assert await heal(connection) == []
    reading(database.connection, "M4", 90, 230)
    assert await heal(connection) == [
        ("M4", minute(230), {"healed": True, "late_by_s": 155 * 60, "intervals": 4, "points": 4, "still_missing": 0})
    ]


async def test_each_silence_heals_by_itself(database: Database, connection: psycopg.AsyncConnection) -> None:
    for dctu, emc in (("DC", "M6"), ("DA", "M1")):
        await silent(connection, "GAP_DCTU", "dctu", dctu)
        reading(database.connection, emc, 75, 200)
    handed_over(database, "DA")
    handed_over(database, "DC", starts=[])
    assert [row[0] for row in await heal(connection)] == ["DA"]
    handed_over(database, "DC")
    assert [row[0] for row in await heal(connection)] == ["DA", "DC"]


async def test_a_unit_that_is_gone_from_the_master_data_hands_nothing_over(
    database: Database, connection: psycopg.AsyncConnection
) -> None:
    await silent(connection, "GAP_ENTITY", "entity", "NOBODY")
    await silent(connection, "GAP_DCTU", "dctu", "NOBODY")
    assert await heal(connection) == []


async def test_without_silences_nothing_is_done(connection: psycopg.AsyncConnection) -> None:
    assert await heal(connection) == []
