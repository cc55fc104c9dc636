"""Tests of streams.balancing, beside sums in plain Python."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.balances import NULL
from connectors.membership import KINDS
from schemas.energy import quarters
from schemas.time import FIRST_SLOT, LAST_SLOT, hour_of_slot
from streams.balancing import Balance, balance
from tests.streams.grid import NODE, Unit, nodes
from tests.streams.making import MINUTE, NOON, Ints, us

GRACE = 5 * MINUTE
SLOTS = np.arange(NOON, NOON + 6)
LATE, EARLY = us(NOON + 9), us(NOON)
Rows = dict[tuple[str, str, int], "Row"]


class Row(NamedTuple):
    """A row of the table by names; None where it is NULL."""

    present: int
    expected: int
    version: int | None
    closed: bool
    energies: tuple[int | None, ...]
    imbalance: int


def table(rows: list[tuple[int, ...]], width: int) -> list[Ints]:
    return list(np.array(rows, np.int64).reshape(-1, width).T)


def computed(
    units: list[Unit],
    facts: dict[tuple[str, int], tuple[int, int]],
    plan: dict[tuple[str, int], tuple[int, int]],
    watched_us: int | None = LATE,
    registered: dict[tuple[str, str], int] | None = None,
) -> Balance:
    """One period's balances of (unit, slot): (Wh, present) and (unit, hour): (version, Wh)."""
    ((structure, slots),) = nodes(*units, registered=registered).by_structure(SLOTS)
    sums = table([(slot, NODE["unit", unit], *row) for (unit, slot), row in facts.items()], 4)
    hours = table([(hour, NODE["unit", unit], *row) for (unit, hour), row in plan.items()], 4)
    return balance(structure, slots, sums, hours, watched_us, GRACE)


def rows_of(found: Balance) -> Rows:
    rows = found.rows(found.exists)
    names = {number: name for name, number in NODE.items()}
    return {
        (*names[int(rows.node_id[i])], int(rows.slot[i])): Row(
            int(rows.present[i]), int(rows.expected[i]),
            None if rows.schedule_version[i] == NULL else int(rows.schedule_version[i]), bool(rows.closed[i]),
            tuple(None if wh == NULL else wh for wh in rows.energies[i].tolist()), int(rows.imbalance[i]),
        )
        for i in range(len(rows.slot))
    }  # fmt: skip


def test_the_deviation_of_each_kind_has_its_sign_in_the_imbalance() -> None:
    units = [Unit("U1", "generation"), Unit("U2", "consumption"), Unit("U3", "interchange")]
    facts = {("U1", NOON): (700, 1), ("U2", NOON): (50, 1), ("U3", NOON): (-3, 1)}
    plan = {("U1", NOON): (1, 4000), ("U2", NOON): (2, 160), ("U3", NOON): (1, -8)}
    row = rows_of(computed(units, facts, plan))["system", "system", NOON]
    # (50 − 40) − (700 − 1000) + (−3 − −2)
    assert row == Row(3, 0, 2, True, (1000, 700, 40, 50, -2, -3), 309)


def test_a_kind_that_a_node_does_not_have_is_null() -> None:
    row = rows_of(computed([Unit("U1", "consumption")], {("U1", NOON): (5, 1)}, {}))["unit", "U1", NOON]
    assert row.energies == (None, None, None, 5, None, None)
    assert (row.version, row.imbalance) == (None, 5)


def test_a_plan_of_some_units_is_the_plan_of_the_sum_and_the_others_count_nothing() -> None:
    units = [Unit("U1"), Unit("U2", zone="Z2")]
    rows = rows_of(computed(units, {("U2", NOON): (7, 1)}, {("U1", NOON): (3, 40)}))
    assert rows["system", "system", NOON].energies[:2] == (10, 7)
    assert rows["zone", "Z2", NOON].energies[:2] == (None, 7)
    assert rows["zone", "Z1", NOON].energies[:2] == (10, 0)
    assert rows["zone", "Z2", NOON].version is None


def test_a_plan_of_zero_is_a_plan() -> None:
    row = rows_of(computed([Unit("U1")], {}, {("U1", NOON): (1, 0)}))["unit", "U1", NOON]
    assert (row.energies[0], row.version) == (0, 1)


@pytest.mark.parametrize("wh", [0, 1, 2, 3, 4, 10, -1, -2, -3, -10, 2**62 + 1, -(2**62) - 1])
def test_the_quarters_of_an_hour_add_up_to_it(wh: int) -> None:
    found = computed([Unit("U1")], {}, {("U1", hour_of_slot(NOON)): (1, wh)})
    planned = [rows_of(found)["unit", "U1", NOON + quarter].energies[0] for quarter in range(4)]
    assert planned == list(quarters(wh))


def test_a_slot_of_the_next_hour_has_its_own_plan() -> None:
    found = computed([Unit("U1")], {}, {("U1", NOON): (1, 8), ("U1", NOON + 4): (1, 40)})
    assert [rows_of(found)["unit", "U1", NOON + k].energies[0] for k in (3, 4, 5)] == [2, 10, 10]


def test_before_its_deadline_a_row_is_open_until_it_is_complete() -> None:
    units = [Unit("U1", expected=[(NOON, NOON + 9), (NOON, NOON + 9)])]
    for present, closed in ((1, False), (2, True), (3, True)):
        found = computed(units, {("U1", NOON): (5, present)}, {}, EARLY)
        assert rows_of(found)["unit", "U1", NOON].closed == closed


def test_a_row_of_which_nothing_is_expected_closes_at_its_deadline_only() -> None:
    facts = {("U1", NOON): (5, 1)}
    assert not rows_of(computed([Unit("U1")], facts, {}, EARLY))["unit", "U1", NOON].closed
    assert rows_of(computed([Unit("U1")], facts, {}, us(NOON, 20)))["unit", "U1", NOON].closed


def test_before_the_deadline_there_are_rows_only_where_something_is_present() -> None:
    units = [Unit("U1"), Unit("U2", zone="Z2", facility="F2", entity="E2")]
    found = computed(units, {("U1", NOON): (5, 1)}, {}, us(NOON, 19.9))
    assert set(rows_of(found)) == {(*node, NOON) for node in units[0].nodes}


def test_after_it_every_registered_node_has_a_row_silent_ones_too() -> None:
    found = computed([Unit("U1"), Unit("U2")], {}, {}, us(NOON + 1, 20), {("unit", "U2"): NOON + 1})
    units = {key: row for key, row in rows_of(found).items() if key[0] == "unit"}
    assert set(units) == {("unit", "U1", NOON), ("unit", "U1", NOON + 1), ("unit", "U2", NOON + 1)}
    assert units["unit", "U1", NOON] == Row(0, 0, None, True, (None, 0, None, None, None, None), 0)


def test_without_any_time_nothing_is_due() -> None:
    assert rows_of(computed([Unit("U1")], {}, {}, None)) == {}


def test_sums_of_units_that_are_gone_are_left_out() -> None:
    rows = rows_of(computed([Unit("U1")], {("U1", NOON): (1, 1), ("U4", NOON): (99, 1)}, {("U4", NOON): (1, 400)}))
    assert rows["system", "system", NOON].energies[:2] == (None, 1)


def test_the_nodes_above_a_unit_are_found() -> None:
    found = computed([Unit("U1", zone="Z1"), Unit("U2", zone="Z2", facility="F2")], {}, {})
    touched = found.below(found.structure.rows_of(np.array([NODE["unit", "U2"]])), np.array([3]))
    node, column = np.nonzero(touched)
    names = {number: name for name, number in NODE.items()}
    assert {names[int(found.structure.node_id[i])] for i in node} == set(Unit("U2", zone="Z2", facility="F2").nodes)
    assert set(column.tolist()) == {3}


def test_sums_are_exact_where_a_float_is_not() -> None:
    units = [Unit("U1"), Unit("U2")]
    rows = rows_of(computed(units, {("U1", NOON): (2**60 + 1, 1), ("U2", NOON): (-(2**60), 1)}, {}))
    assert rows["system", "system", NOON].energies[1] == 1


UNIT_NAMES = [f"U{i}" for i in range(1, 5)]
A_UNIT = st.builds(
    Unit, st.just(""), st.sampled_from(KINDS), st.sampled_from(["F1", "F2"]), st.sampled_from(["E1", "E2"]),
    st.sampled_from(["H1", ""]), st.sampled_from(["Z1", "Z2", ""]), st.just(FIRST_SLOT), st.just(LAST_SLOT),
    expected=st.lists(st.just((NOON, NOON + 9)), max_size=2),
)  # fmt: skip
FACTS = st.dictionaries(
    st.tuples(st.sampled_from(UNIT_NAMES), st.integers(NOON - 1, NOON + 6)),
    st.tuples(st.integers(-(10**15), 10**15), st.integers(0, 3)), max_size=12,
)  # fmt: skip
PLAN = st.dictionaries(
    st.tuples(st.sampled_from(UNIT_NAMES), st.sampled_from([NOON - 4, NOON, NOON + 4])),
    st.tuples(st.integers(1, 3), st.integers(-(10**15), 10**15)), max_size=8,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(A_UNIT, min_size=1, max_size=4), FACTS, PLAN, st.none() | st.integers(EARLY, LATE))
def test_balances_are_what_adding_unit_by_unit_gives(
    units: list[Unit],
    facts: dict[tuple[str, int], tuple[int, int]],
    plan: dict[tuple[str, int], tuple[int, int]],
    watched_us: int | None,
) -> None:
    named = [unit._replace(unit=name) for unit, name in zip(units, UNIT_NAMES, strict=False)]
    expected: Rows = {}
    for slot in SLOTS.tolist():
        due = watched_us is not None and us(slot + 1) + GRACE <= watched_us
        for node in {node for unit in named for node in unit.nodes}:
            below = [unit for unit in named if node in unit.nodes]
            row = plain_row(below, facts, plan, slot, due)
            if row.present or due:
                expected[*node, slot] = row
    assert rows_of(computed(named, facts, plan, watched_us)) == expected


def plain_row(
    below: list[Unit],
    facts: dict[tuple[str, int], tuple[int, int]],
    plan: dict[tuple[str, int], tuple[int, int]],
    slot: int,
    due: bool,
) -> Row:
    energies: list[int | None] = []
    imbalance = 0
    for kind in KINDS:
        of_kind = [unit.unit for unit in below if unit.kind == kind]
        planned = [
            quarters(plan[unit, slot - slot % 4][1])[slot % 4] for unit in of_kind if (unit, slot - slot % 4) in plan
        ]
        fact = sum(facts.get((unit, slot), (0, 0))[0] for unit in of_kind)
        energies += [sum(planned) if planned else None, fact if of_kind else None]
        imbalance += (-1 if kind == "generation" else 1) * (fact - sum(planned))
    present = sum(facts.get((unit.unit, slot), (0, 0))[1] for unit in below)
    of = sum(len(unit.expected) for unit in below)
    versions = [plan[unit.unit, slot - slot % 4][0] for unit in below if (unit.unit, slot - slot % 4) in plan]
    closed = due or (of > 0 and present >= of)
    return Row(present, of, max(versions, default=None), closed, tuple(energies), imbalance)
