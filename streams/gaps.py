"""Gaps: runs of intervals of a DCTU with anything missing past the deadline.

Judged where the tick that passes a deadline stands in the stream: a value that comes after it healed the gap, it did
not prevent it, whether both came in one batch or a year apart.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BEFORE = -1
NEVER = 2**62


@dataclass(slots=True)
class Gap:
    """A run `[first, end)` of slots. `channels`: the most that were missing in one interval at its deadline."""

    first: int
    end: int
    channels: int
    declared: bool
    opened_us: int
    healed_us: int | None = None


class Deadline(NamedTuple):
    """The passing of one interval's deadline: the tick's place in its partition, and its time."""

    slot: int
    position: int
    now_us: int


class Column(NamedTuple):
    """One interval of a DCTU: expected rows, when each was filled (BEFORE, a position, NEVER), the declared ones."""

    expected: Bools
    filled_at: Ints
    declared: Bools


class GapChange(NamedTuple):
    """What happened to a gap, and when by the stream's time."""

    kind: Literal["opened", "extended", "healed"]
    gap: Gap
    at_us: int


def _filled_at(column: Column | None) -> int:
    """The position at which the last empty cell of an interval was filled; NEVER while one is empty."""
    if column is None or not column.expected.any():
        return BEFORE
    return int(column.filled_at[column.expected].max())


def _healed_at(gap: Gap, columns: dict[int, Column]) -> int:
    """The same of a run."""
    return max((_filled_at(columns.get(slot)) for slot in range(gap.first, gap.end)), default=BEFORE)


def judge(open_gaps: list[Gap], deadlines: list[Deadline], columns: dict[int, Column]) -> list[GapChange]:
    """Open, extend and find healed gaps of one DCTU.

    `columns` holds the intervals of all open gaps and deadlines; one that is absent has nothing missing. Gaps are
    changed in place; healing is told by position, `GapChange.at_us` of a healed gap is that position (the caller
    knows the time of it). The list `open_gaps` is left with those that are open afterwards. Of each gap it is told once
    that it opened or was extended, however many deadlines passed.
    """
    changes: list[GapChange] = []
    told: dict[int, int] = {}
    healed = {id(gap): _healed_at(gap, columns) for gap in open_gaps}
    for slot, position, now_us in deadlines:
        column = columns[slot]
        missing = column.expected & (column.filled_at > position)
        count = int(missing.sum())
        if not count:
            continue
        declared = bool((column.expected & column.declared).any())
        running = next((g for g in open_gaps if g.end == slot and healed[id(g)] > position), None)
        if running is None:
            running = Gap(slot, slot + 1, count, declared, now_us)
            open_gaps.append(running)
            told[id(running)] = len(changes)
            changes.append(GapChange("opened", running, now_us))
        else:
            running.end = slot + 1
            running.channels = max(running.channels, count)
            running.declared |= declared
            if (place := told.setdefault(id(running), len(changes))) == len(changes):
                changes.append(GapChange("extended", running, now_us))
            elif changes[place].kind == "extended":
                changes[place] = changes[place]._replace(at_us=now_us)
        healed[id(running)] = max(healed.get(id(running), BEFORE), _filled_at(column))
    for gap in list(open_gaps):
        # The device may say so when the deadline has long passed.
        gap.declared = gap.declared or any(
            bool((c.expected & c.declared).any()) for s in range(gap.first, gap.end) if (c := columns.get(s))
        )
        if healed[id(gap)] < NEVER:
            changes.append(GapChange("healed", gap, healed[id(gap)]))
    open_gaps[:] = [gap for gap in open_gaps if healed[id(gap)] == NEVER]
    return changes
