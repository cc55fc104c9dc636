"""One batch of `frames`, computed: what is to be written, from messages and the matrix. No clock, no database.

The time of a message is the greatest tick before it in its partition. Everything that depends on time (on time or
late, ahead of the clock, which deadlines passed) is a function of places in the stream, never of when it was computed.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from connectors.cells import Partials, Versions
from connectors.refusals import Refusal
from schemas.partitioning import partition_of
from schemas.quality import Quality
from schemas.rules import Rule
from schemas.time import FIRST_SLOT, INTERVAL_US, LAST_SLOT
from streams.comparison import DEVICE_RANK, Cells, Compared, compare_and_apply
from streams.decoding import FrameColumns, Malformed, TickSeen, decode
from streams.gaps import Deadline
from streams.incoming import Arrival, Incoming, gather, unreadable
from streams.matrix import Block
from streams.partials import partials_of
from streams.plain import PlainCells, enter
from streams.registry import Registry
from streams.validation import Verdict, is_ahead, refusals, refuse_ahead, validate

Ints = NDArray[np.int64]


# Further apart than this no two clocks are that keep the same time: a day.
CLOCKS_DIFFER_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Rules:
    """What is configuration: partitions of the topic, grace and tolerance in microseconds, intervals held."""

    partitions: int
    grace_us: int
    ahead_us: int
    ring: int


@dataclass(slots=True)
class Sorted:
    """The messages of a batch by what they are."""

    arrivals: dict[str, list[Arrival]] = field(default_factory=dict)
    ticks: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    times: dict[int, int | None] = field(default_factory=dict)
    next_off: dict[int, int] = field(default_factory=dict)
    forwards: list[tuple[str, bytes]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    tally: Counter[tuple[int, str]] = field(default_factory=Counter)


@dataclass(slots=True)
class GapInput:
    """What bears on the gaps of a DCTU: deadlines that passed, and cells that were filled with their positions."""

    deadlines: list[Deadline] = field(default_factory=list)
    row: list[Ints] = field(default_factory=list)
    slot: list[Ints] = field(default_factory=list)
    position: list[Ints] = field(default_factory=list)
    last_position: int = -1


@dataclass(slots=True)
class Writes:
    """What a batch brings."""

    new: list[Versions] = field(default_factory=list)
    staged: dict[int, list[Versions]] = field(default_factory=dict)  # by partition
    declared: list[tuple[Ints, Ints]] = field(default_factory=list)
    touched: dict[str, set[int]] = field(default_factory=dict)
    cold: dict[str, set[int]] = field(default_factory=dict)
    gaps: dict[str, GapInput] = field(default_factory=dict)

    def partials(self, blocks: dict[str, Block]) -> Partials:
        """The partial sums of every touched interval, once each; what has left the ring meanwhile becomes cold."""
        inside: list[tuple[Block, int]] = []
        for dctu, slots in self.touched.items():
            block = blocks[dctu]
            left = {slot for slot in slots if slot < block.oldest}
            if left:
                self.cold.setdefault(dctu, set()).update(left)
            inside += ((block, slot) for slot in slots - left)
        return partials_of(inside)


def join(parts: list[Versions]) -> Versions:
    """Several as one; one at least."""
    return Versions(*(np.concatenate(columns) for columns in zip(*(p.columns() for p in parts), strict=True)))


def sort_messages(
    messages: list[tuple[int, int, bytes]],
    times: dict[int, int | None],
    registry: Registry,
    rules: Rules,
    clock_us: int | None = None,
) -> Sorted:
    """Decode `(partition, offset, bytes)` in stream order, and give every frame the time at which it came.

    `clock_us`: the worker's own clock, where the stream's time is the wall clock's. No tick is believed that is further
    ahead of it than clocks can differ: time does not go back, so one wrong tick would make everything after it late.
    Nor is a frame, while no tick says better.
    """
    out = Sorted(times=dict(times))
    latest_us = None if clock_us is None else clock_us + CLOCKS_DIFFER_US
    for partition, offset, message in messages:
        out.next_off[partition] = offset + 1
        time_us = out.times.get(partition)
        match decode(message):
            case TickSeen(now_us):
                problem = _unbelievable("now", now_us, latest_us)
                if problem is not None:
                    _malformed(out, partition, problem, message, time_us)
                    continue
                out.tally[partition, "ticks"] += 1
                if time_us is None or now_us > time_us:
                    out.ticks.setdefault(partition, []).append((offset, now_us))
                    out.times[partition] = now_us
            case FrameColumns() as frame:
                problem = unreadable(registry, frame)
                if problem is None and time_us is None:
                    problem = _unbelievable("sent_at", frame.sent_us, latest_us)
                if problem is not None:
                    _malformed(out, partition, problem, message, time_us)
                elif partition_of(frame.dctu, rules.partitions) != partition:
                    out.tally[partition, "forwarded"] += 1
                    out.forwards.append((frame.dctu, message))
                else:
                    out.tally[partition, "frames"] += 1
                    out.arrivals.setdefault(frame.dctu, []).append(Arrival(frame, offset, time_us, message, clock_us))
            case Malformed(problem):
                _malformed(out, partition, problem, message, time_us)
    return out


def _unbelievable(name: str, at_us: int, latest_us: int | None) -> str | None:
    """Why an instant cannot be now; None where it can."""
    if not FIRST_SLOT <= at_us // INTERVAL_US < LAST_SLOT:
        return f"{name}: outside the archive's calendar, 2000 to 2099"
    if latest_us is not None and at_us > latest_us:
        return f"{name}: more than a day ahead of the worker's clock"
    return None


def _malformed(out: Sorted, partition: int, problem: str, message: bytes, time_us: int | None) -> None:
    out.tally[partition, "frames"] += 1
    out.tally[partition, Rule.MALFORMED.value] += 1
    out.refusals.append(Refusal(Rule.MALFORMED, problem, time_us, message))


def deadlines_of(
    sorted_: Sorted, times: dict[int, int | None], first_slots: dict[int, int], rules: Rules
) -> dict[int, list[Deadline]]:
    """The deadlines that the ticks of a batch pass, by partition, in order.

    `first_slots` is where watching begins in a partition that has not seen a tick.
    """
    passed: dict[int, list[Deadline]] = {}
    for partition, ticks in sorted_.ticks.items():
        before = times.get(partition)
        upto = first_slots.get(partition) if before is None else due_slot(before, rules.grace_us) + 1
        for position, now_us in ticks:
            end = due_slot(now_us, rules.grace_us) + 1
            if upto is not None and end > upto:
                passed.setdefault(partition, []).extend(Deadline(slot, position, now_us) for slot in range(upto, end))
                upto = end
    return passed


def due_slot(now_us: int, grace_us: int) -> int:
    """The newest interval whose deadline has passed at an instant."""
    return (now_us - grace_us) // INTERVAL_US - 1


def compute(
    sorted_: Sorted,
    deadlines: dict[int, list[Deadline]],
    registry: Registry,
    blocks: dict[str, Block],
    has_open_gap: set[str],
    rules: Rules,
) -> Writes:
    """Validate, compare and sum up a batch. Changes the blocks: discard them if the writes do not commit."""
    out = Writes()
    plain = PlainCells()
    for dctu, arrivals in sorted_.arrivals.items():
        partition = partition_of(dctu, rules.partitions)
        if (block := blocks.get(dctu)) is not None:
            n, cells = _enter_plain(out, plain, registry, block, arrivals, dctu in has_open_gap, rules)
            sorted_.tally[partition, "new"] += cells
            arrivals = arrivals[n:]
            if not arrivals:
                continue
        ahead = [arrival for arrival in arrivals if is_ahead(arrival, rules.ahead_us)]
        if ahead:
            arrivals = [arrival for arrival in arrivals if not is_ahead(arrival, rules.ahead_us)]
            refused = gather(registry, dctu, ahead)
            if refused is not None:
                _refuse(sorted_, partition, refuse_ahead(refused))
        incoming = gather(registry, dctu, arrivals)
        if incoming is None:
            continue
        layout = registry.layout(dctu)
        verdict = validate(incoming, layout)
        _refuse(sorted_, partition, refusals(incoming, verdict, layout))
        if layout is not None:
            _enter(out, sorted_.tally, partition, blocks[dctu], incoming, verdict, dctu in has_open_gap, rules)
    for partition, passed in deadlines.items():
        for dctu in registry.dctus_of([partition]):
            _pass_deadlines(out, dctu, blocks[dctu], passed)
    out.new += plain.versions()
    return out


def _enter_plain(
    out: Writes,
    plain: PlainCells,
    registry: Registry,
    block: Block,
    arrivals: list[Arrival],
    has_open_gap: bool,
    rules: Rules,
) -> tuple[int, int]:
    """Enter the plain frames with which a DCTU's begin; gives how many frames and cells."""
    frames = cells = 0
    for arrival in arrivals:
        if is_ahead(arrival, rules.ahead_us):
            break
        entered = enter(plain, registry, block, arrival, rules.grace_us)
        if entered is None:
            break
        frames += 1
        for rows, slot, on_time in entered:
            cells += len(rows)
            out.touched.setdefault(arrival.frame.dctu, set()).add(slot)
            if has_open_gap or not on_time:
                gap = out.gaps.setdefault(arrival.frame.dctu, GapInput())
                gap.row.append(rows)
                gap.slot.append(np.full(len(rows), slot, np.int64))
                gap.position.append(np.full(len(rows), arrival.position, np.int64))
                gap.last_position = max(gap.last_position, arrival.position)
    return frames, cells


def _refuse(sorted_: Sorted, partition: int, rows: list[Refusal]) -> None:
    sorted_.refusals += rows
    for row in rows:
        sorted_.tally[partition, row.rule.value] += 1


def _enter(
    out: Writes,
    tally: Counter[tuple[int, str]],
    partition: int,
    block: Block,
    incoming: Incoming,
    verdict: Verdict,
    has_open_gap: bool,
    rules: Rules,
) -> None:
    """Compare the accepted readings of a DCTU with its block."""
    layout = block.layout
    _declare(out, tally, partition, block, incoming, verdict.declared)
    if has_open_gap and len(verdict.declared):
        out.gaps.setdefault(incoming.dctu, GapInput())
    pick = verdict.accepted
    if not len(pick):
        return
    slot, frame = incoming.slot[pick], incoming.frame[pick]
    block.advance(int(slot.max()))
    received_us = np.array([arrival.received_us for arrival in incoming.arrivals], np.int64)
    status = incoming.status[pick]
    cells = Cells(
        incoming.row[pick],
        slot,
        incoming.wh[pick],
        np.where(status == 0, int(Quality.MEASURED), int(Quality.SUSPECT)).astype(np.int64),
        frame,
        np.array([arrival.position for arrival in incoming.arrivals], np.int64)[frame],
        received_us[frame] < (slot + 1) * INTERVAL_US + rules.grace_us,
        np.array([arrival.frame.sent_us for arrival in incoming.arrivals], np.int64),
        np.array([arrival.frame.seq for arrival in incoming.arrivals], np.int64),
    )
    result = compare_and_apply(block, cells)
    tally[partition, "new"] += len(result.fresh)
    tally[partition, "duplicate"] += result.duplicates
    if len(result.fresh):
        out.new.append(_versions(layout.channel_id, cells, received_us, result.fresh))
    undecided = np.concatenate((result.staged, result.cold))
    if len(undecided):
        out.staged.setdefault(partition, []).append(_versions(layout.channel_id, cells, received_us, undecided))
    if len(result.cold):
        out.cold.setdefault(incoming.dctu, set()).update(np.unique(cells.slot[result.cold]).tolist())
    if len(result.touched_slots):
        out.touched.setdefault(incoming.dctu, set()).update(result.touched_slots.tolist())
    _note_filled(out, incoming.dctu, result, cells, has_open_gap)


def _note_filled(out: Writes, dctu: str, result: Compared, cells: Cells, has_open_gap: bool) -> None:
    """Cells that came late can only heal a gap that is open, or one that this very batch opens."""
    late = len(result.filled_slot) > 0 and not cells.on_time.all()
    if has_open_gap or late or len(result.cold):
        gap = out.gaps.setdefault(dctu, GapInput())
        gap.row.append(result.filled_row)
        gap.slot.append(result.filled_slot)
        gap.position.append(result.filled_position)
        gap.last_position = max(gap.last_position, int(cells.position.max()))


def _declare(
    out: Writes, tally: Counter[tuple[int, str]], partition: int, block: Block, incoming: Incoming, declared: Ints
) -> None:
    if not len(declared):
        return
    tally[partition, "declared"] += len(declared)
    slot, row = incoming.slot[declared], incoming.row[declared]
    out.declared.append((slot * INTERVAL_US, block.layout.channel_id[row]))
    block.advance(int(slot.max()))
    inside = slot >= block.oldest
    block.declare(row[inside], slot[inside])


def _versions(channel_id: Ints, cells: Cells, received_us: Ints, index: Ints) -> Versions:
    some = cells.take(index)
    return Versions(
        some.slot * INTERVAL_US, some.wh, some.sent_us, some.seq, received_us[some.frame], channel_id[some.row],
        some.quality, np.full(len(index), DEVICE_RANK, np.int64),
    )  # fmt: skip


def _pass_deadlines(out: Writes, dctu: str, block: Block, passed: list[Deadline]) -> None:
    """Find what is missing at deadlines; whoever sent everything in time costs one vector operation."""
    block.advance(passed[-1].slot)
    for deadline in passed:
        expected = block.layout.at(deadline.slot).expected
        if deadline.slot < block.oldest:
            if not expected.any():
                continue
            out.cold.setdefault(dctu, set()).add(deadline.slot)
        elif np.count_nonzero(expected & ~block.on_time(deadline.slot)):
            out.touched.setdefault(dctu, set()).add(deadline.slot)
        else:
            continue
        gap = out.gaps.setdefault(dctu, GapInput())
        gap.deadlines.append(deadline)
        gap.last_position = max(gap.last_position, deadline.position)
