"""Delays and deadband: when what is measured becomes a condition that is true, and when it is false again.

As OPC UA Part 9 (annex B.1.5) draws them, with intervals for seconds: the value must stay beyond its limit for the
on-delay; it must fall below the limit less the deadband, and stay there for the off-delay. A delay of n intervals
means n more after the first.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple


@dataclass(frozen=True, slots=True)
class Delays:
    """In intervals."""

    on: int
    off: int


@dataclass(frozen=True, slots=True)
class Timing:
    """Where a condition is. Slots; `level` 0: false, else the number of the level that it reached, 1 the lowest."""

    level: int = 0
    since: int | None = None  # the first interval of the run beyond the limit
    below: int | None = None  # while true: the first interval of the run below the limit less the deadband
    seen: int | None = None  # the last interval that was looked at
    doubtful: bool = False  # the run began where nobody could tell for want of data


class Edge(NamedTuple):
    """A change of the condition, at this interval."""

    kind: Literal["raise", "rise", "clear"]
    level: int


def step(timing: Timing, slot: int, beyond: int, within: int, delays: Delays) -> tuple[Timing, Edge | None]:
    """Look at one interval. `beyond`: the level whose limit the value passes; `within`: the same less the deadband.

    The same interval may be looked at again, with other values.
    """
    level, since, doubtful = timing.level, timing.since, timing.doubtful
    if level == 0:
        if not beyond:
            return Timing(seen=slot), None
        since = slot if since is None else since
        if slot - since < delays.on:
            return Timing(0, since, None, slot, doubtful), None
        return Timing(beyond, since, None, slot, doubtful), Edge("raise", beyond)
    if within:
        # A level is left downwards without a word, the alarm keeps its priority.
        edge = Edge("rise", beyond) if beyond > level else None
        return Timing(max(level, beyond), since, None, slot, doubtful), edge
    below = slot if timing.below is None else timing.below
    if slot - below < delays.off:
        return Timing(level, since, below, slot, doubtful), None
    return Timing(seen=slot), Edge("clear", 0)
