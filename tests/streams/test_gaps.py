"""Tests of streams.gaps, beside a model that goes event by event."""

from dataclasses import astuple, dataclass
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.gaps import BEFORE, NEVER, Column, Deadline, Gap, GapChange, judge
from tests.streams.making import NOON, us


def column(*filled_at: int, expected: list[bool] | None = None, declared: list[bool] | None = None) -> Column:
    n = len(filled_at)
    return Column(np.array(expected or [True] * n), np.array(filled_at, np.int64), np.array(declared or [False] * n))


def deadline(k: int, position: int) -> Deadline:
    return Deadline(NOON + k, position, us(NOON + k, 20))


def said(changes: list[GapChange]) -> list[tuple[str, int, int]]:
    return [(change.kind, change.gap.first - NOON, change.gap.end - NOON) for change in changes]


def test_a_complete_interval_opens_nothing() -> None:
    gaps: list[Gap] = []
    assert judge(gaps, [deadline(0, 9)], {NOON: column(BEFORE, 8)}) == []
    assert gaps == []


def test_what_is_missing_at_its_deadline_opens_a_gap() -> None:
    gaps: list[Gap] = []
    (change,) = judge(gaps, [deadline(0, 9)], {NOON: column(NEVER, BEFORE, NEVER)})
    assert change == GapChange("opened", Gap(NOON, NOON + 1, 2, False, us(NOON, 20)), us(NOON, 20))
    assert gaps == [change.gap]


def test_the_next_intervals_extend_it_which_is_told_once() -> None:
    gaps: list[Gap] = []
    columns = {NOON: column(NEVER, 1), NOON + 1: column(NEVER, NEVER), NOON + 2: column(NEVER, 1)}
    changes = judge(gaps, [deadline(k, 9) for k in range(3)], columns)
    assert said(changes) == [("opened", 0, 3)]
    assert (gaps[0].channels, gaps[0].opened_us) == (2, us(NOON, 20))
    changes = judge(gaps, [deadline(k, 9) for k in (3, 4)], columns | {NOON + k: column(NEVER, 1) for k in (3, 4)})
    assert said(changes) == [("extended", 0, 5)]
    assert changes[0].at_us == us(NOON + 4, 20)


def test_a_complete_interval_between_makes_two_gaps() -> None:
    gaps: list[Gap] = []
    columns = {NOON: column(NEVER), NOON + 1: column(1), NOON + 2: column(NEVER)}
    changes = judge(gaps, [deadline(k, 9) for k in range(3)], columns)
    assert said(changes) == [("opened", 0, 1), ("opened", 2, 3)]
    assert len(gaps) == 2


def test_a_gap_heals_when_its_last_cell_is_filled() -> None:
    gaps = [Gap(NOON, NOON + 2, 2, False, us(NOON, 20))]
    columns = {NOON: column(12, BEFORE), NOON + 1: column(11, 14)}
    (change,) = judge(gaps, [], columns)
    assert (change.kind, change.at_us) == ("healed", 14)
    assert gaps == []


def test_what_comes_after_the_deadline_in_one_batch_heals_and_does_not_prevent() -> None:
    changes = judge([], [deadline(0, 9)], {NOON: column(10)})
    assert said(changes) == [("opened", 0, 1), ("healed", 0, 1)]


def test_a_gap_that_healed_before_the_next_deadline_is_not_extended() -> None:
    gaps = [Gap(NOON, NOON + 1, 1, False, us(NOON, 20))]
    changes = judge(gaps, [deadline(1, 9)], {NOON: column(8), NOON + 1: column(NEVER)})
    assert said(changes) == [("opened", 1, 2), ("healed", 0, 1)]


def test_a_gap_that_heals_after_the_next_deadline_is_extended_first() -> None:
    gaps = [Gap(NOON, NOON + 1, 1, False, us(NOON, 20))]
    changes = judge(gaps, [deadline(1, 9)], {NOON: column(10), NOON + 1: column(11)})
    assert said(changes) == [("extended", 0, 2), ("healed", 0, 2)]


def test_who_is_not_expected_is_not_missed() -> None:
    assert judge([], [deadline(0, 9)], {NOON: column(NEVER, 1, expected=[False, True])}) == []


def test_a_gap_heals_when_who_is_missing_is_no_longer_expected() -> None:
    gaps = [Gap(NOON, NOON + 1, 1, False, us(NOON, 20))]
    (change,) = judge(gaps, [], {NOON: column(NEVER, BEFORE, expected=[False, True])})
    assert (change.kind, change.at_us) == ("healed", BEFORE)


def test_the_device_may_have_declared_the_gap_before_or_after_its_deadline() -> None:
    gaps: list[Gap] = []
    judge(gaps, [deadline(0, 9)], {NOON: column(NEVER, 1, declared=[True, False])})
    assert gaps[0].declared
    gaps = [Gap(NOON, NOON + 1, 1, False, us(NOON, 20))]
    judge(gaps, [], {NOON: column(NEVER, declared=[True])})
    assert gaps[0].declared


def test_what_somebody_else_declared_declares_no_gap() -> None:
    gaps: list[Gap] = []
    judge(gaps, [deadline(0, 9)], {NOON: column(NEVER, 1, expected=[True, False], declared=[False, True])})
    assert not gaps[0].declared


class Event(NamedTuple):
    """A tick that passes so many deadlines, or (0) the filling of a cell."""

    deadlines: int
    row: int = 0
    k: int = 0


@dataclass
class Run:
    first: int
    end: int
    channels: int
    opened_us: int
    healed: int | None = None


def event_by_event(events: list[Event], expected: dict[int, list[bool]], filled: set[tuple[int, int]]) -> list[Run]:
    runs: list[Run] = []
    filled = set(filled)
    next_k = 0

    def missing(slot: int) -> int:
        return sum(row_is and (row, slot) not in filled for row, row_is in enumerate(expected[slot - NOON]))

    for position, event in enumerate(events):
        for _ in range(event.deadlines):
            slot = NOON + next_k
            next_k += 1
            if slot - NOON in expected and (count := missing(slot)):
                run = next((r for r in runs if r.healed is None and r.end == slot), None)
                if run is None:
                    runs.append(Run(slot, slot + 1, count, us(slot, 20)))
                else:
                    run.end, run.channels = slot + 1, max(run.channels, count)
        if not event.deadlines:
            filled.add((event.row, NOON + event.k))
            for run in runs:
                if run.healed is None and not any(missing(slot) for slot in range(run.first, run.end)):
                    run.healed = position
    return runs


ROWS, SLOTS = 2, 5
EVENTS = st.lists(
    st.one_of(
        st.builds(Event, st.integers(1, 2)), st.builds(Event, st.just(0), st.integers(0, ROWS - 1), st.integers(0, SLOTS - 1))
    ),
    max_size=16,
)  # fmt: skip
EXPECTED = st.fixed_dictionaries({k: st.lists(st.booleans(), min_size=ROWS, max_size=ROWS) for k in range(SLOTS)})


@settings(max_examples=500, deadline=None)
@given(EVENTS, EXPECTED, st.sets(st.integers(0, 15)))
def test_any_cut_of_the_events_comes_to_what_going_event_by_event_does(
    events: list[Event], expected: dict[int, list[bool]], cuts: set[int]
) -> None:
    open_gaps: list[Gap] = []
    gaps: dict[int, tuple[Gap, int | None]] = {}
    filled_at: dict[tuple[int, int], int] = {}
    next_k = 0
    batches: list[list[tuple[int, Event]]] = [[]]
    for position, event in enumerate(events):
        if position in cuts:
            batches.append([])
        batches[-1].append((position, event))
    for batch in batches:
        deadlines: list[Deadline] = []
        this_batch: dict[tuple[int, int], int] = {}
        for position, event in batch:
            for _ in range(event.deadlines):
                if next_k < SLOTS:
                    deadlines.append(Deadline(NOON + next_k, position, us(NOON + next_k, 20)))
                next_k += 1
            if not event.deadlines and (event.row, NOON + event.k) not in filled_at:
                this_batch.setdefault((event.row, NOON + event.k), position)
        columns = {
            NOON + k: column(
                *(
                    this_batch.get((row, NOON + k), BEFORE if (row, NOON + k) in filled_at else NEVER)
                    for row in range(ROWS)
                ),
                expected=expected[k],
            )
            for k in range(SLOTS)
        }
        for change in judge(open_gaps, deadlines, columns):
            gaps[id(change.gap)] = (change.gap, change.at_us if change.kind == "healed" else None)
        filled_at |= this_batch
    found = [(g.first, g.end, g.channels, g.opened_us, healed) for g, healed in gaps.values()]
    assert sorted(found, key=repr) == sorted(
        (astuple(run) for run in event_by_event(events, expected, set())), key=repr
    )
    assert {id(gap) for gap in open_gaps} == {key for key, (_, healed) in gaps.items() if healed is None}
