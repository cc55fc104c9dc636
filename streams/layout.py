"""How the channels of one DCTU add up to units, period by period.

Master data are valid from and to; between two changes nothing moves, so a period has one layout that serves all
its intervals: which rows are valid, which unit each adds to, and how many channels are expected.
"""

from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.time import FIRST_SLOT, LAST_SLOT

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Assignments:
    """The assignments of one DCTU's channels, one entry each; slots are half-open `[from_slot, to_slot)`.

    `unit_id` 0 is the group of channels that are measured but not summed.
    """

    channel_id: Ints
    unit_id: Ints
    sign: Ints
    max_wh: Ints
    from_slot: Ints
    to_slot: Ints
    registered_slot: Ints


@dataclass(frozen=True, slots=True)
class Layout:
    """One period. Arrays over rows, and groups (units) over the valid rows in the order `rows`."""

    valid: Bools
    expected: Bools
    max_wh: Ints
    rows: Ints
    sign: Ints
    group_start: Ints
    unit_id: Ints
    group_expected: Ints


@dataclass(slots=True)
class DctuLayout:
    """All periods of one DCTU; `channel_id[row]` is sorted."""

    dctu_id: int
    assignments: Assignments
    channel_id: Ints = field(init=False)
    _breaks: list[int] = field(init=False)
    _layouts: dict[int, Layout] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Find the rows and the slots at which anything changes."""
        of = self.assignments
        self.channel_id = np.unique(of.channel_id)
        self._breaks = sorted({FIRST_SLOT, *of.from_slot.tolist(), *of.to_slot.tolist(), *of.registered_slot.tolist()})

    def rows_of(self, channel_ids: Ints) -> Ints:
        """The row of each channel, which must all be of this DCTU."""
        return np.searchsorted(self.channel_id, channel_ids)

    def period(self, slot: int) -> tuple[int, int]:
        """The slots `[first, end)` around a slot within which nothing changes."""
        at = bisect_right(self._breaks, slot)
        first = self._breaks[at - 1] if at else 0
        return first, self._breaks[at] if at < len(self._breaks) else LAST_SLOT

    def period_numbers(self, slots: Ints) -> Ints:
        """The number of the period in which each slot lies."""
        return np.searchsorted(np.array(self._breaks, np.int64), slots, "right")

    def at(self, slot: int) -> Layout:
        """The layout of the period in which a slot lies."""
        first, _ = self.period(slot)
        layout = self._layouts.get(first)
        if layout is None:
            layout = self._layouts[first] = self._build(slot)
        return layout

    def _build(self, slot: int) -> Layout:
        of = self.assignments
        n = len(self.channel_id)
        now = np.flatnonzero((of.from_slot <= slot) & (slot < of.to_slot))
        row = self.rows_of(of.channel_id[now])
        valid = np.zeros(n, np.bool_)
        expected = np.zeros(n, np.bool_)
        max_wh = np.zeros(n, np.int64)
        valid[row] = True
        expected[row] = of.registered_slot[now] <= slot
        max_wh[row] = of.max_wh[now]
        by_unit = np.lexsort((row, of.unit_id[now]))
        rows = row[by_unit]
        unit_id, start = np.unique(of.unit_id[now][by_unit], return_index=True)
        group_expected = np.add.reduceat(expected[rows].astype(np.int64), start) if len(rows) else np.zeros(0, np.int64)
        return Layout(
            valid, expected, max_wh, rows, of.sign[now][by_unit], start.astype(np.int64), unit_id, group_expected
        )
