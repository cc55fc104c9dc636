"""What conditions look at: plan and fact of nodes over consecutive intervals, as arrays `(nodes, slots)`.

Energies are Wh of one interval, 0 where there is none. `known` is the deviation (fact − plan) that does not rest on
missing facts: what is missing of a unit is taken to go by its plan, so only what is measured deviates.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.time import SLOTS_PER_HOUR

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

# The order of the first axis of energies, and what a deviation of each adds to the imbalance.
GENERATION, CONSUMPTION, INTERCHANGE = range(3)
SIGNS = np.array([-1, 1, 1])[:, None, None]
# Intervals before the first that is judged: the whole hour before, for drops and corrections of the plan.
LEAD = SLOTS_PER_HOUR


@dataclass(slots=True)
class Frame:
    """Nodes × intervals. `first` is the slot of the first column, the start of an hour."""

    first: int
    kinds: list[str]
    codes: list[str]
    capacity_wh: Ints  # (nodes,), of one interval; 0: not known
    plan: Ints  # (3, nodes, slots)
    fact: Ints
    has_plan: Bools
    has_fact: Bools
    known: Ints
    completeness: Floats
    version: Ints  # 0: none
    closed: Bools
    row_of: dict[tuple[str, str], int] = field(init=False)

    def __post_init__(self) -> None:
        """Index the rows by kind and code."""
        names = zip(self.kinds, self.codes, strict=True)
        self.row_of = {name: row for row, name in enumerate(names)}

    @property
    def width(self) -> int:
        """How many intervals."""
        return int(self.closed.shape[1])

    @property
    def deviation(self) -> Ints:
        """Fact − plan; what is absent counts 0, as in the imbalance. `(3, nodes, slots)`."""
        return self.fact - self.plan

    def rows(self, wanted: Bools) -> "Frame":
        """The frame of some nodes."""
        where = np.flatnonzero(wanted)
        return Frame(
            self.first, [self.kinds[i] for i in where], [self.codes[i] for i in where], self.capacity_wh[where],
            self.plan[:, where], self.fact[:, where], self.has_plan[:, where], self.has_fact[:, where],
            self.known[:, where], self.completeness[where], self.version[where], self.closed[where],
        )  # fmt: skip


def known_deviation(plan: Ints, fact: Ints, completeness: Floats) -> Ints:
    """The part of a unit's deviation that cannot be explained by what is missing.

    The missing part is taken to go by plan; where that turns the deviation's sign or enlarges it, it counts as none,
    or as what was measured.
    """
    deviation = fact - plan
    supposed = deviation + np.rint(plan * (1.0 - completeness)).astype(np.int64)
    same = np.sign(deviation) == np.sign(supposed)
    return np.where(same, np.sign(deviation) * np.minimum(np.abs(deviation), np.abs(supposed)), 0)
