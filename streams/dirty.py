"""What messages on `changes` name: the units of which something changed, by interval."""

from dataclasses import dataclass, field

import numpy as np
import structlog
from numpy.typing import NDArray
from pydantic import ValidationError

from schemas.change import CHANGE, PartialsChanged, ScheduleChanged
from schemas.time import SLOTS_PER_HOUR, slot_of
from streams.balancing import Balance
from streams.nodes import Nodes
from streams.places import Message

log = structlog.get_logger()

Ints = NDArray[np.int64]

# Intervals that are computed at once: a day.
CHUNK = 96


@dataclass(slots=True)
class Dirty:
    """What messages name: units by interval, and a period `[first, end)` too long to be done at once."""

    units: dict[int, frozenset[int]] = field(default_factory=dict)
    period: tuple[int, int] | None = None
    # Schedules name the same units at thousands of intervals: each set is there once.
    _unions: dict[tuple[frozenset[int], frozenset[int]], frozenset[int]] = field(default_factory=dict)

    def add(self, slot: int, units: frozenset[int]) -> None:
        """Name units at an interval."""
        before = self.units.get(slot)
        if before is None:
            self.units[slot] = units
        elif before is not units:
            union = self._unions.get((before, units))
            if union is None:
                union = self._unions[before, units] = before | units
            self.units[slot] = union

    def add_period(self, first: int, end: int) -> None:
        """Name all units in a period."""
        before = self.period or (first, end)
        self.period = min(before[0], first), max(before[1], end)

    def within(self, reach: range) -> list[Ints]:
        """The named intervals that can have rows, in chunks."""
        slots = np.array(sorted(slot for slot in self.units if slot < reach.stop), np.int64)
        return [slots[i : i + CHUNK] for i in range(0, len(slots), CHUNK)]

    def touched(self, computed: Balance) -> NDArray[np.bool_]:
        """The nodes above the named units, by interval: `(nodes, slots)`."""
        rows, columns = [], []
        for column, slot in enumerate(computed.slots.tolist()):
            units = self.units.get(slot)
            if units:
                row = computed.structure.rows_of(np.fromiter(units, np.int64, len(units)))
                rows.append(row[row >= 0])
                columns.append(np.full(len(rows[-1]), column, np.int64))
        if not rows:
            return np.zeros_like(computed.closed)
        return computed.below(np.concatenate(rows), np.concatenate(columns))


def read_dirty(messages: list[Message], nodes: Nodes, reach: range) -> Dirty:
    """What messages name. One that cannot be read is logged, and what it named waits for the next that names it."""
    dirty = Dirty()
    for _, offset, value in messages:
        try:
            change = CHANGE.validate_json(value)
        except ValidationError as error:
            log.error("a change that cannot be read", offset=offset, error=str(error))
            continue
        match change:
            case PartialsChanged(units=by_start):
                for start, units in by_start.items():
                    known = frozenset(nodes.unit_ids[unit] for unit in units if unit in nodes.unit_ids)
                    dirty.add(slot_of(start), known)
            case ScheduleChanged():
                known = frozenset(nodes.unit_ids[unit] for unit in change.units if unit in nodes.unit_ids)
                # A plan may be for years to come; of what has no rows yet, only the running hour may be projected.
                first = max(slot_of(change.first_hour), reach.start)
                end = min(slot_of(change.last_hour), reach.stop + SLOTS_PER_HOUR) + SLOTS_PER_HOUR
                if end - first > CHUNK:
                    dirty.add_period(first, end)
                else:
                    for slot in range(first, end):
                        dirty.add(slot, known)
            # Time is read from the database, and so is what other master data touch: their messages only wake.
    return dirty
