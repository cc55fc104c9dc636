"""Tests of connectors.objects."""

import psycopg
import pytest

from connectors.objects import Facts, describe
from tests.property.database import Database
from tests.property.world import CHANGES, minute

pytestmark = pytest.mark.stack


async def test_a_node_is_called_by_its_name_zone_and_entity(cursor: psycopg.AsyncCursor) -> None:
    wanted = [("facility", "F"), ("unit", "UC"), ("zone", "NS"), ("entity", "L")]
    found = await describe(cursor, wanted)
    assert found["facility", "F"] == Facts("Fort", "NS", "K")
    assert (found["unit", "UC"].zone, found["unit", "UC"].entity) == ("W", "L")
    assert found["zone", "NS"].zone == "NS"
    assert found["entity", "L"].name == "Likom"
    assert set(found) == set(wanted)


async def test_dctus_and_emcs_lie_where_their_facility_does(cursor: psycopg.AsyncCursor) -> None:
    found = await describe(cursor, [("dctu", "DC"), ("emc", "M4"), ("emc", "M1")])
    assert {key: (of.zone, of.entity) for key, of in found.items()} == {
        ("dctu", "DC"): ("W", "L"), ("emc", "M4"): ("W", "L"), ("emc", "M1"): ("NS", "K"),
    }  # fmt: skip


async def test_what_moves_is_where_it_was_last(database: Database, cursor: psycopg.AsyncCursor) -> None:
    # M5 goes from DA to DC, and the facility of DC from zone W to NS.
    assert (await describe(cursor, [("emc", "M5")]))["emc", "M5"].zone == "W"
    await cursor.connection.rollback()
    database.import_registry(CHANGES[2])
    found = await describe(cursor, [("emc", "M5"), ("dctu", "DC"), ("facility", "G")])
    assert {of.zone for of in found.values()} == {"NS"}


async def test_of_what_nobody_knows_there_are_no_facts(cursor: psycopg.AsyncCursor) -> None:
    assert await describe(cursor, [("facility", "DA"), ("dctu", "F"), ("emc", "NONE"), ("system", "clock")]) == {}
    assert await describe(cursor, []) == {}


async def test_the_running_hour_is_heading_for_its_projection(cursor: psycopg.AsyncCursor) -> None:
    await cursor.execute("select column_name, data_type from information_schema.columns where table_name = 'node_now'")
    columns: dict[str, str] = dict(await cursor.fetchall())
    given = {"now": minute(20), "hour": minute(0), "hour_imbalance_persist_wh": -1500}
    needed = [name for name in columns if name not in (*given, "node_id")]
    zero = {"boolean": "false", "timestamp with time zone": "now()"}
    rest = "".join(f", {zero.get(columns[name], '0')}" for name in needed)
    await cursor.execute(
        f"insert into node_now (node_id, {', '.join([*given, *needed])})"
        f" select node_id, %s, %s, %s{rest} from node where kind = 'zone' and node = 'NS'".encode(),
        list(given.values()),
    )
    found = await describe(cursor, [("zone", "NS"), ("zone", "W")])
    assert (found["zone", "NS"].projected_wh, found["zone", "W"].projected_wh) == (-1500, None)
