"""Tests of streams.batch."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.partitioning import partition_of
from schemas.rules import Rule
from streams.batch import Rules, Sorted, Writes, compute, deadlines_of, due_slot, join, sort_messages
from streams.gaps import Deadline
from streams.matrix import Block
from tests.streams.making import MINUTE, NOON, Channel, Part, at, message, registry, tick, us

RULES = Rules(partitions=2, grace_us=5 * MINUTE, ahead_us=5 * MINUTE, ring=6)
HERE, THERE = (next(f"D{i}" for i in range(9) if partition_of(f"D{i}", 2) == p) for p in range(2))
REGISTRY = registry(Channel("A", dctu=HERE), Channel("B", dctu=HERE), Channel("T", dctu=THERE), partitions=2)


def frame(*parts: Part, dctu: str = HERE, **changed: Any) -> bytes:
    return message(*parts, dctu=dctu, **changed)


def sort(*messages: tuple[int, bytes], times: dict[int, int | None] | None = None) -> Sorted:
    stream = [(partition, 100 + number, raw) for number, (partition, raw) in enumerate(messages)]
    return sort_messages(stream, times or {}, REGISTRY, RULES)


GOOD = frame(Part(NOON, [("A", 5)]))


def test_a_frame_comes_at_the_greatest_tick_before_it() -> None:
    found = sort((0, GOOD), (0, tick(NOON, 20)), (0, GOOD), (0, tick(NOON, 10)), (0, GOOD))
    assert [came.time_us for came in found.arrivals[HERE]] == [None, us(NOON, 20), us(NOON, 20)]
    assert found.times == {0: us(NOON, 20)}


def test_only_ticks_that_move_time_on_count_but_all_are_tallied() -> None:
    found = sort((0, tick(NOON, 20)), (0, tick(NOON, 10)), (0, tick(NOON, 20)), (0, tick(NOON, 21)))
    assert found.ticks == {0: [(100, us(NOON, 20)), (103, us(NOON, 21))]}
    assert found.tally[0, "ticks"] == 4


def test_a_tick_of_another_partition_is_not_heard() -> None:
    found = sort((1, tick(NOON, 20)), (0, GOOD), times={0: us(NOON)})
    assert found.arrivals[HERE][0].time_us == us(NOON)
    assert found.times == {0: us(NOON), 1: us(NOON, 20)}


def test_every_partition_moves_to_behind_its_last_message() -> None:
    assert sort((0, GOOD), (1, b"garbage"), (0, tick(NOON))).next_off == {0: 103, 1: 102}


def test_a_frame_in_a_wrong_partition_is_forwarded_as_it_is() -> None:
    found = sort((1, GOOD))
    assert found.forwards == [(HERE, GOOD)]
    assert found.arrivals == {}
    assert found.tally == {(1, "forwarded"): 1}


@pytest.mark.parametrize("raw", [b"", b"garbage", GOOD.replace(b'["A"]', b'["\xff"]'), GOOD.replace(b'["A"]', b"[]")])
def test_what_cannot_be_read_is_refused_whole_wherever_it_stands(raw: bytes) -> None:
    found = sort((1, raw), times={1: us(NOON)})
    (refusal,) = found.refusals
    assert (refusal.rule, refusal.message, refusal.received_us, refusal.channel) == (
        Rule.MALFORMED,
        raw,
        us(NOON),
        None,
    )
    assert found.tally == {(1, "frames"): 1, (1, "MALFORMED"): 1}


@pytest.mark.parametrize("year", [1970, 1999, 2100, 9999])
def test_no_tick_is_believed_that_lies_outside_the_calendar(year: int) -> None:
    found = sort((0, f'{{"now":"{year}-06-01T00:00:00Z"}}'.encode()))
    assert found.times == {}
    assert [refusal.rule for refusal in found.refusals] == [Rule.MALFORMED]


def test_a_frame_of_an_unknown_dctu_arrives_to_be_refused() -> None:
    partition = partition_of("D99", 2)
    assert list(sort((partition, frame(dctu="D99"))).arrivals) == ["D99"]


@pytest.mark.parametrize(("minutes", "due"), [(20, 0), (19.999999, -1), (34.999999, 0), (35, 1), (0, -2), (5, -1)])
def test_an_interval_is_due_when_its_grace_has_passed(minutes: float, due: int) -> None:
    assert due_slot(us(NOON, minutes), RULES.grace_us) == NOON + due


@given(st.integers(-(10**12), 10**12), st.integers(0, 3_600_000_000))
def test_what_is_due_has_ended_before_the_grace_and_the_next_has_not(now_us: int, grace_us: int) -> None:
    slot = due_slot(now_us, grace_us)
    assert us(slot + 1) + grace_us <= now_us < us(slot + 2) + grace_us


def test_each_tick_passes_the_deadlines_since_the_one_before() -> None:
    found = sort((0, tick(NOON, 20)), (0, tick(NOON, 21)), (0, tick(NOON + 2, 20)))
    passed = deadlines_of(found, {0: us(NOON, 19)}, {}, RULES)
    assert passed == {
        0: [
            Deadline(NOON, 100, us(NOON, 20)),
            Deadline(NOON + 1, 102, us(NOON + 2, 20)),
            Deadline(NOON + 2, 102, us(NOON + 2, 20)),
        ]
    }


def test_a_partition_that_has_seen_no_tick_is_watched_from_where_anything_is_expected() -> None:
    found = sort((0, tick(NOON + 1, 20)), (1, tick(NOON + 1, 20)))
    passed = deadlines_of(found, {0: None, 1: None}, {0: NOON - 1}, RULES)
    assert [deadline.slot for deadline in passed[0]] == [NOON - 1, NOON, NOON + 1]
    assert 1 not in passed


def test_a_tick_before_anything_is_expected_passes_nothing() -> None:
    assert deadlines_of(sort((0, tick(NOON))), {0: None}, {0: NOON + 5}, RULES) == {}


def test_deadlines_are_judged_once_however_the_ticks_are_cut() -> None:
    ticks = [tick(NOON, minutes) for minutes in (3, 22, 21, 50, 50, 49, 81)]
    at_once = deadlines_of(sort(*((0, raw) for raw in ticks)), {0: us(NOON)}, {}, RULES)
    singly: list[int] = []
    times: dict[int, int | None] = {0: us(NOON)}
    for raw in ticks:
        found = sort((0, raw), times=times)
        singly += [deadline.slot for deadline in deadlines_of(found, times, {}, RULES).get(0, [])]
        times = found.times
    assert [deadline.slot for deadline in at_once[0]] == singly == [NOON + k for k in range(-1, 5)]


def new_blocks() -> dict[str, Block]:
    found = {dctu: REGISTRY.layout(dctu) for dctu in (HERE, THERE)}
    return {dctu: Block(layout, RULES.ring, NOON) for dctu, layout in found.items() if layout is not None}


def computed(
    *messages: tuple[int, bytes], open_gaps: set[str] | None = None, blocks: dict[str, Block] | None = None
) -> tuple[Sorted, Writes]:
    times: dict[int, int | None] = {0: us(NOON), 1: us(NOON)}
    found = sort(*messages, times=times)
    deadlines = deadlines_of(found, times, {}, RULES)
    return found, compute(found, deadlines, REGISTRY, blocks or new_blocks(), open_gaps or set(), RULES)


def test_new_cells_go_straight_in() -> None:
    found, writes = computed((0, frame(Part(NOON - 2, [("A", 5), ("B", 6)]))))
    new = join(writes.new)
    assert (new.wh.tolist(), new.received_us.tolist()) == ([5, 6], [us(NOON)] * 2)
    assert writes.staged == {}
    assert writes.touched == {HERE: {NOON - 2}}
    assert found.tally[0, "new"] == 2


def test_a_correction_goes_to_the_database_to_decide() -> None:
    blocks = new_blocks()
    computed((0, frame(Part(NOON - 2, [("A", 5)]))), blocks=blocks)
    _, writes = computed((0, frame(Part(NOON - 2, [("A", 6)]), seq=2)), blocks=blocks)
    ((partition, staged),) = writes.staged.items()
    assert partition == 0
    assert (join(staged).wh.tolist(), writes.new) == ([6], [])


def test_a_repeated_frame_is_counted_and_writes_nothing() -> None:
    blocks = new_blocks()
    raw = frame(Part(NOON - 2, [("A", 5), ("B", 6)]))
    computed((0, raw), blocks=blocks)
    found, writes = computed((0, raw), blocks=blocks)
    assert (writes.new, writes.staged, writes.touched) == ([], {}, {})
    assert found.tally[0, "duplicate"] == 2


def test_what_is_older_than_the_ring_is_computed_in_sql() -> None:
    _, writes = computed((0, frame(Part(NOON - 6, [("A", 5)]), Part(NOON - 5, [("A", 5)]))))
    assert writes.cold == {HERE: {NOON - 6}}
    assert writes.touched == {HERE: {NOON - 5}}


def test_what_has_left_the_ring_within_the_batch_is_computed_in_sql() -> None:
    blocks = new_blocks()
    _, writes = computed(
        (0, frame(Part(NOON - 5, [("A", 5)]))), (0, frame(Part(NOON - 1, [("A", 5)]), seq=2)),
        (0, tick(NOON + 1, 20)), blocks=blocks,
    )  # fmt: skip
    partials = writes.partials(blocks)
    assert set(partials.ts_us.tolist()) == {us(slot) for slot in (NOON - 1, NOON, NOON + 1)}
    assert writes.cold == {HERE: {NOON - 5}}


def test_a_frame_that_runs_ahead_of_the_clock_is_refused_and_the_next_is_not() -> None:
    found, writes = computed(
        (0, frame(Part(NOON - 2, [("A", 5), ("B", 5)]), sent=at(NOON, 6))),
        (0, frame(Part(NOON - 2, [("A", 6)]), sent=at(NOON, 5), seq=2)),
    )
    assert [(row.rule, row.channel) for row in found.refusals] == [(Rule.FUTURE, "A"), (Rule.FUTURE, "B")]
    new = join(writes.new)
    assert new.wh.tolist() == [6]
    assert found.tally[0, "FUTURE"] == 2


def test_bad_readings_leave_the_others() -> None:
    found, writes = computed((0, frame(Part(NOON - 2, [("A", 5), ("Z", 5), ("T", 1), ("B", None, 1)]))))
    assert [row.rule for row in found.refusals] == [Rule.UNKNOWN, Rule.FOREIGN]
    (declared,) = writes.declared
    assert [column.tolist() for column in declared] == [[us(NOON - 2)], [2]]
    assert dict(found.tally) == {
        (0, "frames"): 1, (0, "UNKNOWN"): 1, (0, "FOREIGN"): 1, (0, "declared"): 1, (0, "new"): 1,
        (0, "duplicate"): 0,
    }  # fmt: skip


def test_all_readings_of_an_unknown_dctu_are_refused() -> None:
    partition = partition_of("D99", 2)
    found, writes = computed((partition, frame(Part(NOON - 2, [("A", 5)]), dctu="D99")))
    assert [row.rule for row in found.refusals] == [Rule.UNKNOWN]
    assert writes == Writes()


def test_a_deadline_touches_who_was_not_complete_in_time() -> None:
    _, writes = computed((0, frame(Part(NOON - 1, [("A", 5), ("B", 6)]))), (0, tick(NOON, 5)), (1, tick(NOON, 5)))
    assert writes.touched == {HERE: {NOON - 1}, THERE: {NOON - 1}}
    assert {dctu: gap.deadlines for dctu, gap in writes.gaps.items()} == {THERE: [Deadline(NOON - 1, 102, us(NOON, 5))]}


def test_a_frame_after_the_tick_of_its_deadline_is_late() -> None:
    _, writes = computed((0, tick(NOON, 5)), (0, frame(Part(NOON - 1, [("A", 5), ("B", 6)]))))
    gap = writes.gaps[HERE]
    assert gap.deadlines == [Deadline(NOON - 1, 100, us(NOON, 5))]
    assert np.concatenate(gap.position).tolist() == [101, 101]
    assert gap.last_position == 101


def test_where_a_gap_is_open_whatever_comes_may_heal_it() -> None:
    raw = frame(Part(NOON - 1, [("A", 5)]))
    assert HERE not in computed((0, raw))[1].gaps
    assert np.concatenate(computed((0, raw), open_gaps={HERE})[1].gaps[HERE].position).tolist() == [100]


def test_an_empty_batch_writes_nothing() -> None:
    found, writes = computed()
    assert (writes, found.next_off) == (Writes(), {})


def test_no_tick_is_believed_that_runs_far_ahead_of_the_clock_of_the_worker() -> None:
    clock_us = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1e6)
    found = sort_messages([(0, 1, tick(NOON, 20))], {}, REGISTRY, RULES, clock_us)
    assert (found.times, [row.rule for row in found.refusals]) == ({}, [Rule.MALFORMED])


def test_what_waited_while_no_worker_and_so_no_clock_was_there_is_not_ahead() -> None:
    times: dict[int, int | None] = {0: us(NOON)}
    waited = [(0, 1, frame(Part(NOON, [("A", 5)]), sent=at(NOON + 2)))]
    for clock_us, outcome in ((us(NOON + 3), "new"), (us(NOON), "FUTURE"), (None, "FUTURE")):
        found = sort_messages(waited, times, REGISTRY, RULES, clock_us)
        compute(found, {}, REGISTRY, new_blocks(), set(), RULES)
        assert (found.tally[0, "new"], found.tally[0, "FUTURE"]) == (outcome == "new", outcome == "FUTURE")
