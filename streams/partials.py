"""What the channels of a DCTU add to each unit, summed from the matrix."""

import numpy as np
from numpy.typing import NDArray

from connectors.cells import Partials
from schemas.time import INTERVAL_US
from streams.matrix import ON_TIME, QUALITY_BITS, Block

Ints = NDArray[np.int64]


def partials_of(block: Block, slots: Ints) -> list[Partials]:
    """The partial sums of intervals of the ring, every unit of the DCTU: those with a value or an expected one."""
    parts = []
    for first, end in _periods(block, slots):
        of_period = slots[(slots >= first) & (slots < end)]
        layout = block.layout.at(int(of_period[0]))
        if not len(layout.rows):
            continue
        column = of_period % block.ring
        state = block.state[np.ix_(layout.rows, column)]
        present = (state & QUALITY_BITS) > 0
        on_time = present & ((state & ON_TIME) > 0)
        wh = np.where(present, block.wh[np.ix_(layout.rows, column)], 0) * layout.sign[:, None]

        def by_unit(cells: NDArray[np.generic], start: Ints = layout.group_start) -> Ints:
            return np.add.reduceat(cells.astype(np.int64), start, axis=0).ravel(order="F")

        units, count = len(layout.unit_id), len(of_period)
        parts.append(
            Partials(
                np.repeat(of_period * INTERVAL_US, units),
                by_unit(wh),
                np.full(units * count, block.layout.dctu_id, np.int64),
                np.tile(layout.unit_id, count),
                by_unit(present),
                np.tile(layout.group_expected, count),
                by_unit(on_time),
            )
        )
    return parts


def _periods(block: Block, slots: Ints) -> list[tuple[int, int]]:
    periods: list[tuple[int, int]] = []
    for slot in np.unique(slots).tolist():
        if not periods or slot >= periods[-1][1]:
            periods.append(block.layout.period(slot))
    return periods


def concatenate(parts: list[Partials]) -> Partials:
    """Several as one."""
    if not parts:
        return Partials(*(np.zeros(0, np.int64) for _ in range(7)))
    return Partials(*(np.concatenate(columns) for columns in zip(*(part.columns() for part in parts), strict=True)))
