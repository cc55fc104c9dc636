"""Tests of alerts.timing: delays and deadband, interval by interval."""

from collections.abc import Iterable

from alerts.timing import Delays, Edge, Timing, step

NONE = Delays(0, 0)


def edges(looks: Iterable[tuple[int, int, int]], delays: Delays) -> dict[int, Edge]:
    """What happens at which slot; looks are (slot, level beyond the limit, level beyond the limit less deadband)."""
    timing, found = Timing(), {}
    for slot, beyond, within in looks:
        timing, edge = step(timing, slot, beyond, within, delays)
        if edge is not None:
            found[slot] = edge
    return found


def state(looks: Iterable[tuple[int, int, int]], delays: Delays) -> Timing:
    timing = Timing()
    for slot, beyond, within in looks:
        timing, _ = step(timing, slot, beyond, within, delays)
    return timing


def test_without_a_delay_the_first_interval_raises() -> None:
    assert edges([(1, 0, 0), (2, 1, 1)], NONE) == {2: Edge("raise", 1)}


def test_an_on_delay_of_two_needs_three_intervals_in_a_row() -> None:
    assert edges([(1, 1, 1), (2, 1, 1)], Delays(2, 0)) == {}
    assert edges([(1, 1, 1), (2, 1, 1), (3, 1, 1)], Delays(2, 0)) == {3: Edge("raise", 1)}


def test_an_interval_below_the_limit_begins_the_on_delay_anew() -> None:
    looks = [(1, 1, 1), (2, 1, 1), (3, 0, 1), (4, 1, 1), (5, 1, 1)]
    assert edges(looks, Delays(2, 0)) == {}


def test_the_deadband_does_not_help_a_condition_to_come() -> None:
    assert edges([(1, 0, 1), (2, 0, 1), (3, 0, 1)], NONE) == {}


def test_the_level_at_the_end_of_the_on_delay_is_raised() -> None:
    assert edges([(1, 1, 1), (2, 3, 3)], Delays(1, 0)) == {2: Edge("raise", 3)}


def test_within_the_deadband_a_condition_stays() -> None:
    assert edges([(1, 1, 1), (2, 0, 1), (3, 0, 1), (4, 0, 1)], NONE) == {1: Edge("raise", 1)}


def test_below_the_deadband_it_clears() -> None:
    assert edges([(1, 1, 1), (2, 0, 0)], NONE)[2] == Edge("clear", 0)


def test_an_off_delay_of_one_needs_two_intervals_in_a_row() -> None:
    looks = [(1, 1, 1), (2, 0, 0), (3, 0, 1), (4, 0, 0), (5, 0, 0)]
    assert edges(looks, Delays(0, 1)) == {1: Edge("raise", 1), 5: Edge("clear", 0)}


def test_a_higher_level_is_a_rise_once() -> None:
    looks = [(1, 1, 1), (2, 2, 2), (3, 2, 2), (4, 3, 3)]
    assert edges(looks, NONE) == {1: Edge("raise", 1), 2: Edge("rise", 2), 4: Edge("rise", 3)}


def test_a_lower_level_is_no_edge_and_the_higher_again_no_rise() -> None:
    assert edges([(1, 2, 2), (2, 1, 1), (3, 2, 2)], NONE) == {1: Edge("raise", 2)}


def test_a_rise_needs_the_limit_itself_not_its_deadband() -> None:
    assert edges([(1, 1, 1), (2, 1, 2)], NONE) == {1: Edge("raise", 1)}


def test_after_it_cleared_the_on_delay_counts_again() -> None:
    looks = [(1, 1, 1), (2, 1, 1), (3, 0, 0), (4, 1, 1), (5, 1, 1)]
    assert edges(looks, Delays(1, 0)) == {2: Edge("raise", 1), 3: Edge("clear", 0), 5: Edge("raise", 1)}


def test_the_same_interval_again_is_no_second_interval() -> None:
    assert edges([(1, 1, 1), (1, 1, 1)], Delays(1, 0)) == {}
    assert 2 not in edges([(1, 1, 1), (2, 0, 0), (2, 0, 0)], Delays(0, 1))


def test_the_same_interval_again_with_a_value_within_its_limit_takes_the_beginning_back() -> None:
    assert edges([(1, 1, 1), (1, 0, 0), (2, 1, 1)], Delays(1, 0)) == {}


def test_the_same_interval_again_beyond_its_limit_takes_the_beginning_of_the_end_back() -> None:
    assert edges([(1, 1, 1), (2, 0, 0), (2, 1, 1), (3, 0, 0)], Delays(0, 1)) == {1: Edge("raise", 1)}


def test_the_beginning_of_the_run_is_remembered() -> None:
    assert state([(1, 0, 0), (2, 1, 1), (3, 1, 1), (4, 2, 2)], Delays(1, 1)) == Timing(2, 2, None, 4)


def test_the_beginning_of_the_end_is_remembered() -> None:
    assert state([(2, 1, 1), (3, 0, 0), (4, 0, 0)], Delays(0, 2)) == Timing(1, 2, 3, 4)


def test_a_cleared_condition_remembers_only_where_it_was_looked_at() -> None:
    assert state([(2, 2, 2), (3, 0, 0)], NONE) == Timing(0, None, None, 3)
