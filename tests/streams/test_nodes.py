"""Tests of streams.nodes."""

import numpy as np
import pytest

from tests.streams.grid import NODE, Unit, nodes
from tests.streams.making import NOON


def test_a_period_ends_where_anything_changes() -> None:
    found = nodes(Unit("U1", end=NOON + 2), Unit("U2", expected=[(NOON + 4, NOON + 6)]))
    groups = [slots.tolist() for _, slots in found.by_structure(np.arange(NOON, NOON + 8))]
    assert groups == [[NOON + k for k in ks] for ks in ((0, 1), (2, 3), (4, 5), (6, 7))]


def test_slots_are_grouped_whatever_their_order() -> None:
    found = nodes(Unit("U1", end=NOON))
    groups = [slots.tolist() for _, slots in found.by_structure(np.array([NOON + 1, NOON - 1, NOON, NOON + 1]))]
    assert groups == [[NOON - 1], [NOON, NOON + 1]]


def test_a_unit_that_is_gone_leaves_no_node() -> None:
    found = nodes(Unit("U1", end=NOON), Unit("U2"))
    ((before, _), (after, _)) = found.by_structure(np.array([NOON - 1, NOON]))
    assert NODE["unit", "U1"] in before.node_id
    assert NODE["unit", "U1"] not in after.node_id
    assert NODE["zone", "Z1"] in after.node_id


def test_without_any_unit_there_is_nothing() -> None:
    found = nodes(Unit("U1", first=NOON))
    ((structure, _),) = found.by_structure(np.array([NOON - 1]))
    assert (len(structure.unit_id), len(structure.node_id)) == (0, 0)
    assert structure.rows_of(np.array([1, 2])).tolist() == [-1, -1]
    assert structure.all_kinds.add(np.zeros((0, 3), np.int64)).shape == (0, 3)


@pytest.mark.parametrize(("asked", "rows"), [(["U2", "U1"], [1, 0]), (["U3"], [-1]), ([], [])])
def test_units_are_found_by_their_id(asked: list[str], rows: list[int]) -> None:
    ((structure, _),) = nodes(Unit("U1"), Unit("U2")).by_structure(np.array([NOON]))
    assert structure.rows_of(np.array([NODE["unit", unit] for unit in asked], np.int64)).tolist() == rows


def test_expected_channels_are_counted_by_unit_and_period() -> None:
    units = [Unit("U1", expected=[(NOON, NOON + 9), (NOON + 1, NOON + 9)]), Unit("U2")]
    structures = nodes(*units).by_structure(np.array([NOON - 1, NOON, NOON + 1]))
    assert [structure.expected.tolist() for structure, _ in structures] == [[0, 0], [1, 0], [2, 0]]


def test_the_first_slot_is_that_of_the_first_registration() -> None:
    assert nodes(Unit("U1"), registered={("zone", "Z1"): NOON - 9}).first_slot == NOON - 9
    assert nodes().first_slot is None
