"""Tests of streams.partials."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.cells import Partials
from schemas.quality import Quality
from streams.matrix import Block
from streams.partials import partials_of
from tests.streams.making import NOON, RULES, Channel, layout, us

WORLD = [
    Channel("A", 1, 1),
    Channel("B", 1, -1),
    Channel("C", 2, 1, end=NOON),
    Channel("C", 1, 1, first=NOON),
    Channel("D", 0, 0),
    Channel("E", 3, -1, registered=NOON + 1),
]
CODES = ["A", "B", "C", "D", "E"]


def a_block(values: dict[tuple[str, int], tuple[int, bool]]) -> Block:
    """A block of the small world, with values of cells and whether they came on time."""
    cells = Block(layout(*WORLD), RULES.ring, NOON + 2)
    for (code, slot), (wh, on_time) in values.items():
        stamp = cells.add_stamps(np.zeros(1, np.int64), np.array([us(slot)]), np.ones(1, np.int64))
        row, quality = np.array([CODES.index(code)]), np.array([int(Quality.MEASURED)])
        cells.put(row, np.array([slot]), np.array([wh]), quality, stamp, np.array([on_time]))
    return cells


def rows_of(partials: Partials) -> dict[tuple[int, int, int], tuple[int, ...]]:
    columns = [column.tolist() for column in partials.columns()]
    return {(ts // us(1), dctu, unit): (wh, *counts) for ts, wh, dctu, unit, *counts in zip(*columns, strict=True)}


def test_nothing_wanted_is_nothing() -> None:
    assert rows_of(partials_of([])) == {}


def test_channels_add_to_their_units_with_their_signs() -> None:
    found = partials_of([(a_block({("A", NOON): (5, True), ("B", NOON): (2, False), ("D", NOON): (9, True)}), NOON)])
    assert rows_of(found) == {(NOON, 1, 0): (0, 1, 1, 1), (NOON, 1, 1): (3, 2, 3, 1), (NOON, 1, 3): (0, 0, 0, 0)}


def test_a_channel_adds_to_the_unit_of_the_interval() -> None:
    cells = a_block({("C", NOON - 1): (5, True), ("C", NOON): (7, True)})
    found = rows_of(partials_of([(cells, NOON - 1), (cells, NOON)]))
    assert (found[NOON - 1, 1, 2][0], found[NOON, 1, 1][0]) == (5, 7)
    assert (NOON, 1, 2) not in found


def test_a_period_without_channels_has_no_rows() -> None:
    cells = Block(layout(Channel("A", first=NOON)), RULES.ring, NOON)
    assert rows_of(partials_of([(cells, NOON - 1)])) == {}


def test_sums_are_exact_beyond_what_a_float_holds() -> None:
    found = rows_of(partials_of([(a_block({("A", NOON): (2**60 + 1, True), ("B", NOON): (2**60, True)}), NOON)]))
    assert found[NOON, 1, 1][0] == 1


VALUES = st.dictionaries(
    st.tuples(st.sampled_from(CODES), st.integers(NOON - 3, NOON + 2)),
    st.tuples(st.integers(-(10**12), 10**12), st.booleans()),
    max_size=20,
)


@settings(max_examples=200, deadline=None)
@given(VALUES, st.lists(st.integers(NOON - 5, NOON + 2), unique=True))
def test_partial_sums_are_what_adding_cell_by_cell_gives(
    values: dict[tuple[str, int], tuple[int, bool]], slots: list[int]
) -> None:
    cells = a_block(values)
    expected: dict[tuple[int, int, int], tuple[int, ...]] = {}
    for slot in slots:
        for channel in [c for c in WORLD if c.first <= slot < c.end]:
            wh, present, of, on_time = expected.get((slot, 1, channel.unit), (0, 0, 0, 0))
            value = values.get((channel.code, slot))
            expected[slot, 1, channel.unit] = (
                wh + (channel.sign * value[0] if value else 0), present + (value is not None),
                of + (channel.registered <= slot), on_time + bool(value and value[1]),
            )  # fmt: skip
    assert rows_of(partials_of((cells, slot) for slot in slots)) == expected
