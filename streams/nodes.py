"""Which units add up to which nodes, period by period."""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connectors.membership import KINDS, Membership
from schemas.time import FIRST_SLOT

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sums:
    """How values of units (rows) add up to nodes (rows): a sparse 0/1 matrix, sorted by node."""

    nodes: int
    unit: Ints
    start: Ints
    node: Ints

    def add(self, values: Ints) -> Ints:
        """Sum `(units, slots)` to `(nodes, slots)`, exactly."""
        total = np.zeros((self.nodes, values.shape[1]), np.int64)
        if len(self.unit):
            total[self.node] = np.add.reduceat(values[self.unit], self.start, axis=0)
        return total

    def most(self, values: Ints, least: int) -> Ints:
        """The greatest of `(units, slots)` below each of `(nodes, slots)`; `least` where there is none."""
        greatest = np.full((self.nodes, values.shape[1]), least, np.int64)
        if len(self.unit):
            greatest[self.node] = np.maximum.reduceat(values[self.unit], self.start, axis=0)
        return greatest

    def have(self) -> Bools:
        """Which nodes have any unit in this sum."""
        have = np.zeros(self.nodes, np.bool_)
        have[self.node] = True
        return have


@dataclass(frozen=True, slots=True)
class Structure:
    """One period: units and nodes that exist, sums by kind of unit and over all, expected channels of units."""

    unit_id: Ints
    expected: Ints
    node_id: Ints
    registered_slot: Ints
    by_kind: tuple[Sums, ...]
    all_kinds: Sums

    def rows_of(self, unit_ids: Ints) -> Ints:
        """The row of each unit, −1 where it does not exist in this period."""
        if not len(self.unit_id):
            return np.full(len(unit_ids), -1, np.int64)
        row = np.minimum(np.searchsorted(self.unit_id, unit_ids), len(self.unit_id) - 1)
        return np.where(self.unit_id[row] == unit_ids, row, -1)


class Nodes:
    """All periods of one version of the master data."""

    def __init__(self, membership: Membership) -> None:
        """Find the slots at which anything changes."""
        self._of = membership
        self.version = membership.version
        self.names = membership.nodes
        self.unit_ids = {name: node_id for node_id, (kind, name) in membership.nodes.items() if kind == "unit"}
        breaks = (
            membership.from_slot, membership.to_slot, membership.assigned_from, membership.assigned_to,
        )  # fmt: skip
        self._breaks = sorted({FIRST_SLOT, *(slot for column in breaks for slot in column.tolist())})
        self._structures: dict[int, Structure] = {}
        self.first_slot = min(membership.registered_slot.values(), default=None)

    def by_structure(self, slots: Ints) -> list[tuple[Structure, Ints]]:
        """Slots grouped by the period in which they lie."""
        groups: dict[int, list[int]] = {}
        for slot in np.unique(slots).tolist():
            groups.setdefault(bisect_right(self._breaks, slot), []).append(slot)
        return [(self._structure(at, found[0]), np.array(found, np.int64)) for at, found in groups.items()]

    def _structure(self, at: int, slot: int) -> Structure:
        if at not in self._structures:
            self._structures[at] = self._build(slot)
        return self._structures[at]

    def _build(self, slot: int) -> Structure:
        of = self._of
        now = np.flatnonzero((of.from_slot <= slot) & (slot < of.to_slot))
        now = now[np.argsort(of.unit_id[now], kind="stable")]
        unit_id, kind = of.unit_id[now], of.kind[now]
        above = np.concatenate((unit_id[:, None], of.above[now]), axis=1)
        unit_row = np.repeat(np.arange(len(now)), above.shape[1])
        flat = above.ravel()
        unit_row, flat = unit_row[flat > 0], flat[flat > 0]
        node_id = np.unique(flat)
        node_row = np.searchsorted(node_id, flat)
        assigned = of.assigned_unit[(of.assigned_from <= slot) & (slot < of.assigned_to)]
        expected = np.zeros(len(unit_id), np.int64)
        if len(unit_id):
            row = np.minimum(np.searchsorted(unit_id, assigned), len(unit_id) - 1)
            np.add.at(expected, row[unit_id[row] == assigned], 1)
        return Structure(
            unit_id,
            expected,
            node_id,
            np.array([of.registered_slot[node] for node in node_id.tolist()], np.int64),
            tuple(_sums(len(node_id), node_row, unit_row, kind[unit_row] == k) for k in range(len(KINDS))),
            _sums(len(node_id), node_row, unit_row, np.ones(len(unit_row), np.bool_)),
        )


def _sums(nodes: int, node_row: Ints, unit_row: Ints, which: Bools) -> Sums:
    node, unit = node_row[which], unit_row[which]
    order = np.lexsort((unit, node))
    distinct, start = np.unique(node[order], return_index=True)
    return Sums(nodes, unit[order], start.astype(np.int64), distinct)
