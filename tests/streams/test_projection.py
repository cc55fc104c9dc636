"""Tests of streams.projection: the running hour by hand."""

import numpy as np
import pytest

from streams.balancing import Balance, balance
from streams.projection import Now, project
from tests.streams.grid import NODE, Unit, nodes
from tests.streams.making import MINUTE, NOON, us

GRACE = 5 * MINUTE
WINDOW = np.arange(NOON - 1, NOON + 4)
GENERATION, CONSUMPTION, INTERCHANGE = range(3)


def balance_of(
    facts: dict[tuple[str, int], int],
    plan: dict[tuple[str, int], int],
    closed: int,
    kinds: dict[str, str] | None = None,
) -> Balance:
    """Units of a facility with one channel each; facts by quarter, the first `closed` ones of the hour are past."""
    kinds = kinds or {"U1": "generation"}
    units = [Unit(unit, kind, expected=[(NOON - 9, NOON + 9)]) for unit, kind in kinds.items()]
    registered = dict.fromkeys(NODE, NOON - 9)
    ((structure, _),) = nodes(*units, registered=registered).by_structure(np.array([NOON]))
    sums = np.array([(NOON + k, NODE["unit", u], wh, 1) for (u, k), wh in facts.items()], np.int64).reshape(-1, 4)
    hours = np.array([(NOON + 4 * h, NODE["unit", u], 1, wh) for (u, h), wh in plan.items()], np.int64).reshape(-1, 4)
    return balance(structure, WINDOW, list(sums.T), list(hours.T), us(NOON + closed, 5), GRACE)


def of_node(
    now: Now, found: Balance, kind: int = GENERATION, node: tuple[str, str] = ("unit", "U1")
) -> tuple[int, ...]:
    """Plan, to date, naive and persistence of the hour."""
    row = int(np.searchsorted(found.structure.node_id, NODE[node]))
    return tuple(int(column[kind, row]) for column in (now.plan, now.to_date, now.naive, now.persistence))


def row_of(found: Balance, node: tuple[str, str] = ("unit", "U1")) -> int:
    return int(np.searchsorted(found.structure.node_id, NODE[node]))


def test_the_rest_of_the_hour_goes_by_plan_or_by_plan_and_the_last_ratio() -> None:
    found = balance_of({("U1", 0): 100, ("U1", 1): 80}, {("U1", 0): 400}, closed=2)
    now = project(found, NOON)
    assert of_node(now, found) == (400, 180, 380, 180 + 2 * 80)
    assert int(now.closed_intervals[row_of(found)]) == 2


def test_the_ratio_is_held_between_a_half_and_one_and_a_half() -> None:
    for wh, rest in ((0, 150), (49, 150), (50, 150), (75, 225), (150, 450), (151, 450), (900, 450)):
        found = balance_of({("U1", 0): wh}, {("U1", 0): 400}, closed=1)
        assert of_node(project(found, NOON), found) == (400, wh, wh + 300, wh + rest)


def test_without_a_plan_of_the_last_interval_the_rest_goes_by_plan() -> None:
    found = balance_of({("U1", -1): 70}, {("U1", 0): 400}, closed=0)
    assert of_node(project(found, NOON), found) == (400, 0, 400, 400)


@pytest.mark.parametrize("plan", [{}, {("U1", 0): 0}])
def test_without_a_plan_the_projection_is_what_came_so_far(plan: dict[tuple[str, int], int]) -> None:
    found = balance_of({("U1", 0): 30, ("U1", 1): 40}, plan, closed=2)
    assert of_node(project(found, NOON), found) == (0, 70, 70, 70)


def test_the_last_interval_may_lie_in_the_hour_before() -> None:
    found = balance_of({("U1", -1): 60}, {("U1", -1): 400, ("U1", 0): 800}, closed=0)
    now = project(found, NOON)
    assert of_node(now, found) == (800, 0, 800, 480)
    assert int(WINDOW[now.newest[row_of(found)]]) == NOON - 1


def test_an_interval_that_is_open_counts_by_its_plan() -> None:
    units = {"U1": "generation", "U2": "generation"}
    found = balance_of({("U1", 0): 10, ("U2", 0): 20, ("U1", 1): 11}, {("U1", 0): 40, ("U2", 0): 80}, 1, units)
    now = project(found, NOON)
    # The unit is complete and so closed in the second quarter, the facility is not.
    assert of_node(now, found, node=("unit", "U1")) == (40, 21, 41, 43)
    assert of_node(now, found, node=("facility", "F1")) == (120, 30, 120, 120)


def test_persistence_is_rounded_to_whole_watt_hours() -> None:
    found = balance_of({("U1", 0): 1, ("U1", 1): 1, ("U1", 2): 5}, {("U1", 0): 15}, closed=3)
    # Quarters 4, 4, 4, 3; ratio 5/4; 3 × 1.25 = 3.75.
    assert of_node(project(found, NOON), found) == (15, 7, 10, 11)


def test_the_hour_is_done_when_all_four_are_closed() -> None:
    found = balance_of({("U1", k): 10 for k in range(4)}, {("U1", 0): 400}, closed=4)
    now = project(found, NOON)
    assert of_node(now, found) == (400, 40, 40, 40)
    assert int(now.closed_intervals[row_of(found)]) == 4


def test_an_import_below_plan_keeps_its_ratio() -> None:
    found = balance_of({("U1", 0): -60}, {("U1", 0): -400}, 1, {"U1": "interchange"})
    now = project(found, NOON)
    assert of_node(now, found, INTERCHANGE) == (-400, -60, -360, -60 - 180)
    assert int(now.naive_imbalance[row_of(found)]) == 40
    assert int(now.persistence_imbalance[row_of(found)]) == 160


def test_a_fact_against_its_plans_direction_is_held_at_a_half() -> None:
    found = balance_of({("U1", 0): 60}, {("U1", 0): -400}, 1, {"U1": "interchange"})
    assert of_node(project(found, NOON), found, INTERCHANGE) == (-400, 60, -240, -90)


def test_the_projected_imbalance_is_deficit_positive() -> None:
    units = {"U1": "generation", "U2": "consumption"}
    facts = {("U1", 0): 50, ("U2", 0): 120}
    found = balance_of(facts, {("U1", 0): 400, ("U2", 0): 400}, 1, units)
    now = project(found, NOON)
    system = row_of(found, ("system", "system"))
    # Generation 50 under, consumption 20 over; persisting, 300 × (1.2 − 0.5) more.
    assert int(now.naive_imbalance[system]) == 70
    assert int(now.persistence_imbalance[system]) == 280


def test_before_anything_is_closed_there_is_no_newest_interval() -> None:
    found = balance_of({}, {("U1", 0): 400}, closed=-1)
    now = project(found, NOON)
    assert set(now.newest.tolist()) == {-1}
    assert of_node(now, found) == (400, 0, 400, 400)
