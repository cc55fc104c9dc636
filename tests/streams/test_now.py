"""Tests of streams.now."""

import json

import numpy as np
import pytest

from connectors.node_now import COLUMNS
from schemas.live import NodeState
from streams.balancing import balance
from streams.now import rows_now, share, states_of
from tests.streams.grid import NODE, Unit, nodes
from tests.streams.making import MINUTE, NOON, at, us

NOW = at(NOON + 1, 7)
NAMES = {number: name for name, number in NODE.items()}


def rows(which: list[str] | None = None) -> dict[str, dict[str, object]]:
    """Rows by unit: U1 has a plan and one value, U2 nothing."""
    registered = dict.fromkeys(NODE, NOON - 9)
    units = [Unit("U1", expected=[(NOON - 9, NOON + 9)] * 2), Unit("U2", "consumption")]
    ((structure, _),) = nodes(*units, registered=registered).by_structure(np.array([NOON]))
    sums = [np.array([value]) for value in (NOON, NODE["unit", "U1"], 30, 1)]
    plan = [np.array([value]) for value in (NOON, NODE["unit", "U1"], 3, 160)]
    found = balance(structure, np.arange(NOON, NOON + 4), sums, plan, us(NOON + 1, 7), 5 * MINUTE)
    picked = None if which is None else np.isin(structure.node_id, [NODE["unit", unit] for unit in which])
    made = rows_now(found, NOON, NOW, picked)
    return {NAMES[row[0]][1]: dict(zip(COLUMNS, row, strict=True)) for row in made if NAMES[row[0]][0] == "unit"}


def test_a_row_tells_the_newest_closed_interval_and_the_hour() -> None:
    row = rows()["U1"]
    assert (row["now"], row["ts"], row["hour"], row["closed_intervals"]) == (NOW, at(NOON), at(NOON), 1)
    assert (row["gen_plan_wh"], row["gen_fact_wh"], row["imbalance_wh"]) == (40, 30, 10)
    assert (row["completeness"], row["schedule_version"]) == (0.5, 3)
    assert (row["hour_gen_plan_wh"], row["hour_gen_fact_wh"], row["hour_gen_naive_wh"]) == (160, 30, 150)
    assert (row["hour_gen_persist_wh"], row["hour_imbalance_persist_wh"]) == (120, 40)


def test_what_a_node_does_not_have_is_empty() -> None:
    row = rows()["U2"]
    assert row["gen_plan_wh"] is row["gen_fact_wh"] is row["hour_gen_naive_wh"] is row["schedule_version"] is None
    assert (row["cons_plan_wh"], row["cons_fact_wh"], row["hour_cons_plan_wh"]) == (None, 0, 0)


def test_only_the_nodes_asked_for_have_rows() -> None:
    assert set(rows(["U2"])) == {"U2"}
    assert rows([]) == {}
    assert set(rows()) == {"U1", "U2"}


def test_a_node_without_a_closed_interval_has_its_hour_alone() -> None:
    ((structure, _),) = nodes(Unit("U1")).by_structure(np.array([NOON]))
    empty = [np.zeros(0, np.int64)] * 4
    found = balance(structure, np.arange(NOON, NOON + 4), empty, empty, us(NOON, 7), 5 * MINUTE)
    row = dict(zip(COLUMNS, rows_now(found, NOON, at(NOON, 7), None)[0], strict=True))
    assert row["ts"] is row["imbalance_wh"] is row["completeness"] is None
    assert (row["closed_intervals"], row["hour_gen_fact_wh"]) == (0, 0)


def test_a_state_is_a_row_by_kind_and_code_that_json_can_say() -> None:
    row = tuple(rows(["U1"])["U1"].values())
    states = states_of(NAMES, [row])
    assert list(states) == ["unit"]
    state = json.loads(json.dumps(states))["unit"]["U1"]
    assert (state["ts"], state["gen_fact_wh"], state["cons_fact_wh"]) == ("2026-03-02T12:00:00+00:00", 30, None)
    assert NodeState.model_validate(state).gen_fact_wh == 30


@pytest.mark.parametrize(
    ("present", "expected", "found"), [(0, 4, 0.0), (1, 4, 0.25), (4, 4, 1), (5, 4, 1), (0, 0, 0), (1, 0, 1)]
)
def test_completeness_is_a_share(present: int, expected: int, found: float) -> None:
    assert share(present, expected) == found
