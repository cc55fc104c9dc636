"""Tests of streams.dirty."""

from schemas.time import SLOTS_PER_HOUR
from streams.dirty import CHUNK, Dirty

A, B = frozenset({1, 2}), frozenset({2, 3})


def test_what_is_named_twice_is_named_once_with_all_units() -> None:
    dirty = Dirty()
    for slot in range(4):
        dirty.add(slot, A)
        dirty.add(slot, B)
        dirty.add(slot, B | A)
    assert dirty.units == {slot: frozenset({1, 2, 3}) for slot in range(4)}
    assert len({id(units) for units in dirty.units.values()}) == 1


def test_only_what_can_have_rows_is_computed_and_a_day_at_once() -> None:
    dirty = Dirty()
    for slot in (CHUNK + SLOTS_PER_HOUR, *range(CHUNK + 2)):
        dirty.add(slot, A)
    assert [chunk.tolist() for chunk in dirty.within(range(CHUNK + 3))] == [list(range(CHUNK)), [CHUNK, CHUNK + 1]]


def test_long_periods_become_one() -> None:
    dirty = Dirty()
    assert dirty.period is None
    dirty.add_period(10, 200)
    dirty.add_period(5, 120)
    assert dirty.period == (5, 200)
