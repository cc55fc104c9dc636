"""Tests of streams.layout."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.time import FIRST_SLOT, LAST_SLOT
from tests.streams.making import NOON, Channel, layout

SOON = st.integers(NOON - 3, NOON + 3)
CHANNELS = st.lists(
    st.builds(
        Channel,
        st.sampled_from(["A", "B", "C"]), st.integers(0, 2), st.sampled_from([-1, 0, 1]), SOON, SOON, SOON,
        st.integers(0, 9), st.just("D1"),
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip


def test_a_period_ends_where_anything_changes() -> None:
    found = layout(Channel("A"), Channel("B", first=NOON, end=NOON + 8, registered=NOON + 3))
    assert found.period(NOON - 1) == (FIRST_SLOT, NOON)
    assert found.period(NOON) == found.period(NOON + 2) == (NOON, NOON + 3)
    assert found.period(NOON + 7) == (NOON + 3, NOON + 8)
    assert found.period(NOON + 8) == (NOON + 8, LAST_SLOT)


def test_a_period_has_one_layout() -> None:
    found = layout(Channel("A"), Channel("B", first=NOON))
    assert found.at(NOON) is found.at(NOON + 1000)
    assert found.at(NOON) is not found.at(NOON - 1)


def test_a_channel_is_valid_before_it_is_expected() -> None:
    found = layout(Channel("A", registered=NOON))
    assert found.at(NOON - 1).valid.tolist() == [True]
    assert found.at(NOON - 1).expected.tolist() == [False]
    assert found.at(NOON).expected.tolist() == [True]


@pytest.mark.parametrize(("slot", "unit", "sign"), [(NOON - 1, 1, 1), (NOON, 2, -1)])
def test_a_channel_moves_from_a_unit_to_another_at_a_slot(slot: int, unit: int, sign: int) -> None:
    found = layout(Channel("A", 1, 1, end=NOON), Channel("A", 2, -1, first=NOON)).at(slot)
    assert (found.unit_id.tolist(), found.sign.tolist()) == ([unit], [sign])


def test_rows_are_sorted_by_channel_and_kept_through_all_periods() -> None:
    found = layout(Channel("B"), Channel("A", end=NOON), Channel("C", first=NOON))
    assert found.channel_id.tolist() == [1, 2, 3]
    assert found.rows_of(np.array([3, 1])).tolist() == [2, 0]
    assert found.at(NOON).valid.tolist() == [False, True, True]


def test_before_its_first_channel_a_dctu_has_nothing() -> None:
    found = layout(Channel("A", first=NOON)).at(NOON - 1)
    assert not found.valid.any()
    assert not len(found.rows)
    assert not len(found.group_expected)


@settings(max_examples=150, deadline=None)
@given(CHANNELS, SOON)
def test_a_layout_says_of_a_slot_what_the_assignments_say(channels: list[Channel], slot: int) -> None:
    # One assignment of a channel at a time, as the master data guarantee.
    one_each = [c for i, c in enumerate(channels) if c.code not in {before.code for before in channels[:i]}]
    found = layout(*one_each)
    of = found.at(slot)
    held = {number: c for number, c in enumerate(sorted(one_each)) if c.first <= slot < c.end}
    assert np.flatnonzero(of.valid).tolist() == sorted(held)
    assert np.flatnonzero(of.expected).tolist() == sorted(n for n, c in held.items() if c.registered <= slot)
    assert {row: int(of.max_wh[row]) for row in held} == {row: c.max_wh for row, c in held.items()}
    rows = np.split(np.stack((of.rows, of.sign), axis=1), of.group_start[1:])
    groups = {unit: set(map(tuple, of_unit.tolist())) for unit, of_unit in zip(of.unit_id.tolist(), rows, strict=False)}
    expected = {
        unit: {(n, c.sign) for n, c in held.items() if c.unit == unit} for unit in {c.unit for c in held.values()}
    }
    assert groups == expected
    counted = dict(zip(of.unit_id.tolist(), of.group_expected.tolist(), strict=True))
    assert counted == {unit: sum(bool(of.expected[row]) for row, _ in group) for unit, group in expected.items()}
