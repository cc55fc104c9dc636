"""Balances of all nodes over some intervals, as conditions look at them."""

from collections.abc import Sequence

import numpy as np
import psycopg
from numpy.typing import NDArray

from alerts.frame import LEAD, Frame, known_deviation
from connectors import alarm_inputs
from connectors.balances import NULL
from connectors.membership import KINDS
from schemas.time import SLOTS_PER_HOUR, hour_of_slot
from streams.nodes import Nodes

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Frames:
    """Reads frames of one version of the master data. Rows are nodes in the order of their numbers."""

    def __init__(self, nodes: Nodes, capacities: dict[int, int]) -> None:
        """`capacities`: of units, W, by node_id."""
        self._nodes = nodes
        self._ids = np.array(sorted(nodes.names), np.int64)
        self.kinds = [nodes.names[node][0] for node in self._ids.tolist()]
        self.codes = [nodes.names[node][1] for node in self._ids.tolist()]
        self.row_of = {name: row for row, name in enumerate(zip(self.kinds, self.codes, strict=True))}
        self._own_wh = np.array([capacities.get(node, 0) // SLOTS_PER_HOUR for node in self._ids.tolist()], np.int64)

    @property
    def version(self) -> int:
        """Of the master data."""
        return self._nodes.version

    async def read(
        self, cursor: psycopg.AsyncCursor, first: int, end: int, kinds: Sequence[str] | None = None
    ) -> Frame:
        """The frame whose intervals after the lead are the slots `[hour of first, end)`.

        Of all nodes, or of some kinds; then units are there only where they lack data, which those kinds rest on.
        """
        begin = hour_of_slot(first) - LEAD
        columns = await alarm_inputs.read_balances(cursor, begin, end, kinds)
        return self._fill(columns, begin, end)

    def _fill(self, columns: list[Ints], begin: int, end: int) -> Frame:
        slot, node_id, present, expected, version, closed, *energies = columns
        row, column = np.searchsorted(self._ids, node_id), slot - begin
        known = (row < len(self._ids)) & (self._ids[np.minimum(row, len(self._ids) - 1)] == node_id)
        row, column = row[known], column[known]
        shape = (len(self._ids), end - begin)
        plan, fact = np.zeros((2, len(KINDS), *shape), np.int64)
        has_plan, has_fact = np.zeros((2, len(KINDS), *shape), np.bool_)
        for kind in range(len(KINDS)):
            for values, has, of in ((plan, has_plan, energies[2 * kind]), (fact, has_fact, energies[2 * kind + 1])):
                there = of[known] != NULL
                values[kind, row[there], column[there]] = of[known][there]
                has[kind, row[there], column[there]] = True
        completeness = np.ones(shape)
        share = np.where(expected > 0, np.minimum(present / np.maximum(expected, 1), 1.0), (present > 0) * 1.0)
        completeness[row, column] = share[known]
        versions, is_closed = np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
        versions[row, column], is_closed[row, column] = version[known], closed[known] > 0
        known, capacity = fact - plan, self._own_wh.copy()
        # What is not known of a node is what is not known of its units; where nothing lacks all is.
        lacking = completeness < 1
        doubt = np.zeros_like(known)
        doubt[:, lacking] = known[:, lacking] - known_deviation(
            plan[:, lacking], fact[:, lacking], completeness[lacking]
        )
        for structure, slots in self._nodes.by_structure(np.arange(begin, end)):
            units, nodes = (np.searchsorted(self._ids, ids) for ids in (structure.unit_id, structure.node_id))
            at = slots - begin
            if lacking.any():
                for kind, sums in enumerate(structure.by_kind):
                    known[kind][np.ix_(nodes, at)] -= sums.add(doubt[kind][np.ix_(units, at)])
            generating = structure.by_kind[0].add(self._own_wh[units][:, None])[:, 0]
            capacity[nodes] = np.maximum(capacity[nodes], generating)
        return Frame(
            begin, self.kinds, self.codes, capacity, plan, fact, has_plan, has_fact, known, completeness,
            versions, is_closed,
        )  # fmt: skip

    def contributors(self, frame: Frame, row: int, slot: int, most: int = 5) -> list[tuple[str, int]]:
        """The units below a node that make most of its imbalance in an interval: codes and W, positive = deficit."""
        ((structure, _),) = self._nodes.by_structure(np.array([slot], np.int64))
        sums, column = structure.all_kinds, slot - frame.first
        place = np.searchsorted(structure.node_id, self._ids[row])
        if place >= len(structure.node_id) or structure.node_id[place] != self._ids[row]:
            return []
        begin = np.searchsorted(sums.node, place)
        stop = sums.start[begin + 1] if begin + 1 < len(sums.start) else len(sums.unit)
        units = np.searchsorted(self._ids, structure.unit_id[sums.unit[sums.start[begin] : stop]])
        generation, consumption, interchange = frame.deviation[:, units, column] * SLOTS_PER_HOUR
        imbalance = consumption - generation + interchange
        order = np.argsort(-np.abs(imbalance), kind="stable")[:most]
        return [(self.codes[int(units[i])], int(imbalance[i])) for i in order if imbalance[i]]
