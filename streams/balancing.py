"""Plan against fact of every node: one sparse sum an interval, always from the whole, never incremented.

Imbalance = (C_fact − C_plan) − (G_fact − G_plan) + (E_fact − E_plan), positive = deficit; what is absent counts 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connectors.balances import NULL, Rows
from connectors.membership import KINDS
from schemas.time import INTERVAL_US, SLOTS_PER_HOUR
from streams.nodes import Structure

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# What a deviation of each kind adds to the imbalance, in the order of KINDS.
_SIGN = {"generation": -1, "consumption": 1, "interchange": 1}


@dataclass(slots=True)
class Balance:
    """The balances of a period's nodes at intervals: arrays `(nodes, slots)`, energies `(3 kinds, nodes, slots)`."""

    structure: Structure
    slots: Ints
    plan: Ints
    has_plan: Bools
    fact: Ints
    has_kind: Bools  # (3 kinds, nodes)
    imbalance: Ints
    present: Ints
    expected: Ints
    version: Ints
    due: Bools
    closed: Bools

    @property
    def exists(self) -> Bools:
        """Which rows there are: every node from its registration once the deadline is past, and whoever has a value."""
        registered = self.structure.registered_slot[:, None] <= self.slots[None, :]
        return (self.due[None, :] & registered) | (self.present > 0)

    def below(self, unit_rows: Ints, columns: Ints) -> Bools:
        """Which nodes lie at or above given (unit row, slot column) pairs."""
        touched = np.zeros((len(self.structure.unit_id), len(self.slots)), np.int64)
        touched[unit_rows, columns] = 1
        return self.structure.all_kinds.add(touched) > 0

    def rows(self, which: Bools) -> Rows:
        """Some of them as rows of the table."""
        node, column = np.nonzero(which)
        energies = np.empty((len(node), 6), np.int64)
        for kind in range(len(KINDS)):
            energies[:, 2 * kind] = np.where(self.has_plan[kind, node, column], self.plan[kind, node, column], NULL)
            energies[:, 2 * kind + 1] = np.where(self.has_kind[kind, node], self.fact[kind, node, column], NULL)
        return Rows(
            self.slots[column], self.structure.node_id[node], self.present[node, column], self.expected[node, column],
            self.version[node, column], self.closed[node, column], energies, self.imbalance[node, column],
        )  # fmt: skip


def balance(
    structure: Structure, slots: Ints, sums: list[Ints], plan: list[Ints], watched_us: int | None, grace_us: int
) -> Balance:
    """Compute the balances of sorted slots of one period.

    `sums` are columns (slot, unit_id, wh, present), `plan` columns (first slot of the hour, unit_id, version, wh of
    the hour); `watched_us` is the time to which deadlines have passed.
    """
    units, width = len(structure.unit_id), len(slots)
    fact, present = _spread_sums(structure, slots, sums)
    planned, version = _spread_plan(structure, slots, plan)
    shape = (len(KINDS), len(structure.node_id), width)
    node_plan, node_fact = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    has_plan, has_kind = np.zeros(shape, np.bool_), np.zeros(shape[:2], np.bool_)
    imbalance = np.zeros(shape[1:], np.int64)
    for k, kind in enumerate(KINDS):
        of_kind = structure.by_kind[k]
        node_plan[k] = of_kind.add(np.where(version > 0, planned, 0))
        has_plan[k] = of_kind.most(version, 0) > 0
        node_fact[k] = of_kind.add(fact)
        has_kind[k] = of_kind.have()
        imbalance += _SIGN[kind] * (node_fact[k] - node_plan[k])
    node_version = structure.all_kinds.most(version, 0)
    node_present = structure.all_kinds.add(present)
    node_expected = structure.all_kinds.add(np.broadcast_to(structure.expected[:, None], (units, width)))
    due = np.zeros(width, np.bool_) if watched_us is None else (slots + 1) * INTERVAL_US + grace_us <= watched_us
    complete = (node_expected > 0) & (node_present >= node_expected)
    return Balance(
        structure, slots, node_plan, has_plan, node_fact, has_kind, imbalance, node_present, node_expected,
        np.where(node_version > 0, node_version, NULL), due, due[None, :] | complete,
    )  # fmt: skip


def _spread_sums(structure: Structure, slots: Ints, sums: list[Ints]) -> tuple[Ints, Ints]:
    fact = np.zeros((len(structure.unit_id), len(slots)), np.int64)
    present = np.zeros_like(fact)
    slot, unit_id, wh, count = sums
    row, column = structure.rows_of(unit_id), np.searchsorted(slots, slot)
    known = (row >= 0) & (column < len(slots))
    known[known] &= slots[column[known]] == slot[known]
    fact[row[known], column[known]] = wh[known]
    present[row[known], column[known]] = count[known]
    return fact, present


def _spread_plan(structure: Structure, slots: Ints, plan: list[Ints]) -> tuple[Ints, Ints]:
    """The plan of each unit and interval, and its version (0: none): quarters of the hour, the remainder first."""
    planned = np.zeros((len(structure.unit_id), len(slots)), np.int64)
    version = np.zeros_like(planned)
    hour, unit_id, of_version, wh = plan
    row = structure.rows_of(unit_id)
    hour, row, of_version, wh = (column[row >= 0] for column in (hour, row, of_version, wh))
    base, rest = np.divmod(wh, SLOTS_PER_HOUR)
    for quarter in range(SLOTS_PER_HOUR):
        column = np.searchsorted(slots, hour + quarter)
        known = column < len(slots)
        known[known] &= slots[column[known]] == (hour + quarter)[known]
        planned[row[known], column[known]] = (base + (quarter < rest))[known]
        version[row[known], column[known]] = of_version[known]
    return planned, version
