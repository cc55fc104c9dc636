"""Any order, through collect and balance on a real TimescaleDB."""

import asyncio
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property.database import Database
from tests.property.histories import History, histories, in_any_order, in_order
from tests.property.oracle import tables_after
from tests.property.silence import gaps_of
from tests.property.world import world_with

pytestmark = [pytest.mark.stack, pytest.mark.slow]
WITH_IMPORTS, WITHOUT = histories(imports=True), histories(imports=False)
RANDOMS = st.randoms(use_true_random=True)
RING_OF_ALL = (20,)


def check(database: Database, history: History, random: Random, *, sent_order: bool) -> None:
    database.reset()
    streams = in_order(history, random) if sent_order else in_any_order(history, random)
    asyncio.run(database.run(history, streams, random))
    assert database.tables() == tables_after(history)
    view, definition = database.view_beside_definition()
    assert view == definition


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=WITH_IMPORTS, random=RANDOMS)
def test_a_history_as_it_was_sent_ends_in_its_tables(used_database: Database, history: History, random: Random) -> None:
    check(used_database, history, random, sent_order=True)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=WITH_IMPORTS, random=RANDOMS)
def test_a_history_in_any_order_ends_in_the_same_tables(
    used_database: Database, history: History, random: Random
) -> None:
    check(used_database, history, random, sent_order=False)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=WITHOUT, random=RANDOMS)
def test_gaps_do_not_depend_on_how_a_stream_is_cut(used_database: Database, history: History, random: Random) -> None:
    used_database.reset()
    streams = in_any_order(history, random)
    asyncio.run(used_database.run(history, streams, random, rings=RING_OF_ALL))
    assert used_database.gaps() == gaps_of(world_with(()), streams)
