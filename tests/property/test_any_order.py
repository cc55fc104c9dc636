"""Any order, on the pure core: thousands of histories, each as it was sent and in another order."""

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property import core
from tests.property.histories import History, histories, in_any_order, in_order
from tests.property.oracle import Tables, tables_after
from tests.property.world import world_with
from tests.thorough import examples


def end_state(history: History, random: Random, *, sent_order: bool) -> Tables:
    """The tables after a history in one order."""
    streams = in_order(history, random) if sent_order else in_any_order(history, random)
    worlds = [world_with(tuple(history.changes[: n + 1])) for n in range(len(history.changes))]
    return core.run(world_with(()), streams, worlds, random).tables(history.plans)


@settings(max_examples=examples(1200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(imports=False), st.randoms(use_true_random=True))
def test_any_order_of_frames_and_ticks_ends_in_the_tables_of_the_history(history: History, random: Random) -> None:
    expected = tables_after(history)
    assert end_state(history, random, sent_order=True) == expected
    assert end_state(history, random, sent_order=False) == expected


@settings(max_examples=examples(1000), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(imports=True), st.randoms(use_true_random=True))
def test_imports_anywhere_between_end_in_the_same_tables(history: History, random: Random) -> None:
    expected = tables_after(history)
    assert end_state(history, random, sent_order=True) == expected
    assert end_state(history, random, sent_order=False) == expected
