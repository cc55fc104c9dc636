"""Tests of alerts.frame: what rests on missing facts, and frames of some nodes."""

import numpy as np
import pytest

from alerts.frame import CONSUMPTION, GENERATION, known_deviation
from tests.alerts.making import Node, frame


def known(plan: int, fact: int, completeness: float) -> int:
    return int(known_deviation(np.array([plan]), np.array([fact]), np.array([completeness]))[0])


def test_of_complete_facts_all_of_the_deviation_is_known() -> None:
    assert known(1000, 700, 1.0) == -300
    assert known(1000, 1250, 1.0) == 250


def test_a_deficit_that_the_missing_half_may_make_up_is_not_known() -> None:
    assert known(1000, 500, 0.5) == 0


def test_what_the_missing_half_cannot_make_up_is_known() -> None:
    assert known(1000, 300, 0.5) == -200


def test_a_deficit_that_may_be_a_surplus_is_not_known() -> None:
    assert known(1000, 600, 0.5) == 0


def test_a_surplus_is_not_enlarged_by_what_is_missing() -> None:
    assert known(1000, 1200, 0.5) == 200


def test_of_nothing_but_missing_facts_nothing_is_known() -> None:
    assert known(1000, 0, 0.0) == 0


@pytest.mark.parametrize(("fact", "expected"), [(-500, 0), (-300, 200), (-1200, -200)])
def test_an_import_is_known_by_the_same_rule(fact: int, expected: int) -> None:
    assert known(-1000, fact, 0.5 if fact > -1000 else 1.0) == expected


def test_without_a_plan_everything_measured_is_known() -> None:
    assert known(0, 80, 0.25) == 80


def test_each_interval_goes_by_its_own_completeness() -> None:
    found = known_deviation(np.array([[100, 100]]), np.array([[50, 50]]), np.array([[1.0, 0.5]]))
    assert found.tolist() == [[-50, 0]]


def test_the_deviation_is_fact_less_plan_of_each_kind() -> None:
    found = frame(Node(gen=(100, 90), cons=(40, 48))).deviation
    # A quarter of an hour of −10 MW and of 8 MW, in Wh.
    assert (int(found[GENERATION, 0, 0]), int(found[CONSUMPTION, 0, 0])) == (-2_500_000, 2_000_000)


def test_rows_are_found_by_kind_and_code() -> None:
    found = frame(Node(code="GRES1"), Node(code="GRES1", kind="entity"), Node(code="GRES2"))
    assert found.row_of == {("facility", "GRES1"): 0, ("entity", "GRES1"): 1, ("facility", "GRES2"): 2}


def test_a_frame_of_some_nodes_has_all_of_theirs_and_nothing_of_others() -> None:
    nodes = [
        Node(gen=(100 * n, 90 * n), code=f"GRES{n}", capacity=n, completeness=n / 4, version=n, closed=n != 3)
        for n in (1, 2, 3)
    ]
    found = frame(*nodes).rows(np.array([True, False, True]))
    assert found.row_of == {("facility", "GRES1"): 0, ("facility", "GRES3"): 1}
    assert found.capacity_wh.tolist() == [250_000, 750_000]
    assert found.plan[GENERATION, :, 0].tolist() == [25_000_000, 75_000_000]
    assert found.fact[GENERATION, :, 0].tolist() == [22_500_000, 67_500_000]
    assert found.known[GENERATION, :, 0].tolist() == [-2_500_000, -7_500_000]
    assert found.completeness[:, 0].tolist() == [0.25, 0.75]
    assert found.version[:, 0].tolist() == [1, 3]
    assert found.closed[:, 0].tolist() == [True, False]
    assert found.has_plan[GENERATION].all()
    assert not found.has_fact[CONSUMPTION].any()
    assert (found.first, found.width) == (frame(*nodes).first, 8)
