"""Tests of streams.frames, on rows of balances written by hand."""

from collections.abc import Callable
from functools import partial

import psycopg
import pytest

from alerts.frame import CONSUMPTION, GENERATION, INTERCHANGE, LEAD, Frame
from connectors.membership import read_membership
from streams.frames import Frames
from streams.nodes import Nodes
from tests.connectors.rows import balance
from tests.property.database import Database
from tests.property.histories import slot_at
from tests.property.world import CHANGES

pytestmark = pytest.mark.stack
FIRST = slot_at(0)


async def made(cursor: psycopg.AsyncCursor, **capacities: int) -> Frames:
    """Frames of the master data; capacities of units in W."""
    await cursor.execute("select node, node_id from node where kind = 'unit'")
    ids: dict[str, int] = dict(await cursor.fetchall())
    nodes = Nodes(await read_membership(cursor))
    # What it read is held no longer.
    await cursor.connection.rollback()
    return Frames(nodes, {ids[unit]: watts for unit, watts in capacities.items()})


Store = Callable[..., None]


@pytest.fixture
def store(database: Database) -> Store:
    """Writes a row of `balance`."""
    return partial(balance, database.connection)


def energy(frame: Frame, what: str, kind: int, name: tuple[str, str], start: int = 0) -> int:
    values = getattr(frame, what)
    return int(values[kind, frame.row_of[name], slot_at(start) - frame.first])


async def test_a_frame_begins_an_hour_before_the_hour_of_its_first_interval(cursor: psycopg.AsyncCursor) -> None:
    frames = await made(cursor)
    for first in (FIRST, FIRST + 3):
        frame = await frames.read(cursor, first, FIRST + 6)
        assert (frame.first, frame.width) == (FIRST - LEAD, LEAD + 6)
    assert (frame.kinds, frame.codes) == (frames.kinds, frames.codes)
    assert {("unit", "UG"), ("zone", "NS"), ("system", "system")} <= set(frames.row_of)


async def test_plan_and_fact_stand_where_they_are_and_are_absent_where_they_are_not(
    cursor: psycopg.AsyncCursor, store: Store
) -> None:
    store("unit", "UG", 0, gen_plan_wh=1000, gen_fact_wh=700)
    store("unit", "UC", 15, cons_plan_wh=40)
    store("unit", "UE", 15, exch_fact_wh=-9)
    store("unit", "UG", 60, gen_plan_wh=5555)
    frame = await (await made(cursor)).read(cursor, FIRST, FIRST + 4)
    assert energy(frame, "plan", GENERATION, ("unit", "UG")) == 1000
    assert energy(frame, "fact", GENERATION, ("unit", "UG")) == 700
    assert energy(frame, "plan", CONSUMPTION, ("unit", "UC"), 15) == 40
    assert energy(frame, "fact", INTERCHANGE, ("unit", "UE"), 15) == -9
    assert (frame.has_plan.sum(), frame.has_fact.sum(), frame.plan.sum(), frame.fact.sum()) == (2, 2, 1040, 691)
    assert energy(frame, "has_plan", INTERCHANGE, ("unit", "UE"), 15) == 0


async def test_versions_and_what_is_closed_are_those_of_the_rows(cursor: psycopg.AsyncCursor, store: Store) -> None:
    store("unit", "UG", 0, schedule_version=7)
    store("unit", "UG", 15, closed=False, schedule_version=None)
    frame = await (await made(cursor)).read(cursor, FIRST, FIRST + 3)
    row = frame.row_of["unit", "UG"]
    assert frame.version[row, LEAD:].tolist() == [7, 0, 0]
    assert frame.closed[row, LEAD:].tolist() == [True, False, False]
    assert frame.closed.sum() == 1


@pytest.mark.parametrize(
    ("present", "expected", "share"), [(1, 4, 0.25), (4, 4, 1.0), (5, 4, 1.0), (0, 4, 0.0), (0, 0, 0.0), (2, 0, 1.0)]
)
async def test_completeness_is_the_share_of_what_is_expected(
    cursor: psycopg.AsyncCursor, store: Store, present: int, expected: int, share: float
) -> None:
    store("unit", "UG", 0, present, expected)
    frame = await (await made(cursor)).read(cursor, FIRST, FIRST + 1)
    assert frame.completeness[frame.row_of["unit", "UG"], LEAD] == share


async def test_what_is_known_of_a_node_is_the_sum_of_what_is_known_of_its_units(
    cursor: psycopg.AsyncCursor, store: Store
) -> None:
    # A quarter of UC is missing: of its 40 less than planned, 25 may be that.
    store("unit", "UC", 0, 3, 4, cons_plan_wh=100, cons_fact_wh=60)
    store("unit", "UX", 0, cons_plan_wh=100, cons_fact_wh=90)
    # All that UG lacks may be missing.
    store("unit", "UG", 0, 1, 2, gen_plan_wh=100, gen_fact_wh=50)
    store("facility", "G", 0, 4, 5, cons_plan_wh=200, cons_fact_wh=150)
    store("system", "system", 0, 5, 7, gen_plan_wh=100, gen_fact_wh=50, cons_plan_wh=200, cons_fact_wh=150)
    frame = await (await made(cursor)).read(cursor, FIRST, FIRST + 1)
    assert energy(frame, "known", CONSUMPTION, ("unit", "UC")) == -15
    assert energy(frame, "known", CONSUMPTION, ("unit", "UX")) == -10
    assert energy(frame, "known", CONSUMPTION, ("facility", "G")) == -25
    assert energy(frame, "known", CONSUMPTION, ("system", "system")) == -25
    assert energy(frame, "known", GENERATION, ("system", "system")) == 0
    assert energy(frame, "known", CONSUMPTION, ("facility", "F")) == 0


async def test_a_unit_counts_where_it_belongs_in_each_interval(
    database: Database, cursor: psycopg.AsyncCursor, store: Store
) -> None:
    # G goes from zone W to NS at 01:45.
    database.import_registry(CHANGES[2])
    for start in (90, 105):
        store("unit", "UC", start, 1, 2, cons_plan_wh=100, cons_fact_wh=60)
        for zone in ("W", "NS"):
            store("zone", zone, start, 9, 10, cons_plan_wh=500, cons_fact_wh=460)
    frame = await (await made(cursor)).read(cursor, slot_at(90), slot_at(120))
    # What the half of UC that is missing may explain.
    assert [energy(frame, "known", CONSUMPTION, ("zone", "W"), start) for start in (90, 105)] == [0, -40]
    assert [energy(frame, "known", CONSUMPTION, ("zone", "NS"), start) for start in (90, 105)] == [-40, 0]


async def test_the_capacity_of_a_node_is_that_of_its_generating_units(cursor: psycopg.AsyncCursor) -> None:
    frame = await (await made(cursor, UG=400, UC=4000)).read(cursor, FIRST, FIRST + 1)
    # Wh of an interval.
    found = {name: int(frame.capacity_wh[row]) for name, row in frame.row_of.items()}
    assert (found["unit", "UG"], found["facility", "F"], found["zone", "NS"]) == (100, 100, 100)
    assert (found["unit", "UC"], found["facility", "G"], found["unit", "UX"]) == (1000, 0, 0)


async def test_of_some_kinds_only_these_are_read_and_the_units_that_lack_data(
    cursor: psycopg.AsyncCursor, store: Store
) -> None:
    store("unit", "UG", 0, gen_fact_wh=700)
    store("facility", "F", 0, gen_fact_wh=700)
    store("unit", "UX", 0, 1, 2, cons_fact_wh=300)
    store("unit", "UC", 0, 0, 0, cons_plan_wh=50)
    store("zone", "NS", 0, 9, 10, cons_fact_wh=300)
    frame = await (await made(cursor)).read(cursor, FIRST, FIRST + 1, ["facility"])
    assert (frame.has_fact.sum(), frame.has_plan.sum()) == (2, 1)
    assert energy(frame, "fact", GENERATION, ("facility", "F")) == 700
    assert energy(frame, "fact", CONSUMPTION, ("unit", "UX")) == 300
    assert energy(frame, "plan", CONSUMPTION, ("unit", "UC")) == 50


async def test_what_is_known_is_the_same_whatever_kinds_are_read(cursor: psycopg.AsyncCursor, store: Store) -> None:
    store("unit", "UC", 0, 3, 4, cons_plan_wh=100, cons_fact_wh=60)
    store("unit", "UX", 0, cons_plan_wh=100, cons_fact_wh=90)
    store("facility", "G", 0, 4, 5, cons_plan_wh=200, cons_fact_wh=150)
    frames = await made(cursor)
    for kinds in (["facility"], None):
        frame = await frames.read(cursor, FIRST, FIRST + 1, kinds)
        assert energy(frame, "known", CONSUMPTION, ("facility", "G")) == -25


async def test_a_node_that_these_master_data_do_not_know_is_passed_over(
    database: Database, cursor: psycopg.AsyncCursor, store: Store
) -> None:
    frames = await made(cursor)
    database.import_registry(CHANGES[5])
    store("zone", "Z9", 0, gen_fact_wh=1)
    store("unit", "UG", 0, gen_fact_wh=700)
    frame = await frames.read(cursor, FIRST, FIRST + 1)
    assert frame.fact.sum() == 700


async def test_contributors_are_the_units_of_most_imbalance_below_a_node(
    cursor: psycopg.AsyncCursor, store: Store
) -> None:
    store("unit", "UG", 0, gen_plan_wh=1000, gen_fact_wh=700)
    store("unit", "UE", 0, exch_plan_wh=0, exch_fact_wh=-400)
    store("unit", "UC", 0, cons_plan_wh=0, cons_fact_wh=10)
    frames = await made(cursor)
    frame = await frames.read(cursor, FIRST, FIRST + 1)
    # W, positive = deficit; UX balances and is not named.
    everybody = [("UE", -1600), ("UG", 1200), ("UC", 40)]
    assert frames.contributors(frame, frame.row_of["system", "system"], FIRST) == everybody
    assert frames.contributors(frame, frame.row_of["zone", "NS"], FIRST) == everybody[:2]
    assert frames.contributors(frame, frame.row_of["zone", "W"], FIRST) == everybody[2:]
    assert frames.contributors(frame, frame.row_of["system", "system"], FIRST, most=1) == everybody[:1]
    assert frames.contributors(frame, frame.row_of["unit", "UX"], FIRST) == []
