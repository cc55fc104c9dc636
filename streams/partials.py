"""What the channels of each DCTU add to each unit, summed from the matrix."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from connectors.cells import Partials
from schemas.time import INTERVAL_US
from streams.layout import Layout
from streams.matrix import ON_TIME, QUALITY_BITS, Block

Ints = NDArray[np.int64]


def partials_of(wanted: Iterable[tuple[Block, int]]) -> Partials:
    """The partial sums of intervals of the ring, each once: every unit of the DCTU that has a value or expects one."""
    ids: list[int] = []
    slots: list[int] = []
    layouts: list[Layout] = []
    marks: list[NDArray[np.uint32]] = []
    values: list[Ints] = []
    for block, slot in wanted:
        layout = block.layout.at(slot)
        if len(layout.rows):
            ids.append(block.layout.dctu_id)
            slots.append(slot)
            layouts.append(layout)
            mark, wh = block.column(slot)
            marks.append(mark[layout.rows])
            values.append(wh[layout.rows])
    if not layouts:
        return Partials(*(np.zeros(0, np.int64) for _ in range(7)))
    first_row = np.cumsum([0, *(len(layout.rows) for layout in layouts[:-1])])
    start = np.concatenate([of.group_start + first for of, first in zip(layouts, first_row.tolist(), strict=True)])
    units = np.array([len(layout.unit_id) for layout in layouts], np.int64)
    mark = np.concatenate(marks)
    present = (mark & QUALITY_BITS) > 0
    on_time = (mark & ON_TIME) > 0
    wh = np.where(present, np.concatenate(values), 0) * np.concatenate([layout.sign for layout in layouts])

    def by_unit(cells: NDArray[np.generic]) -> Ints:
        return np.add.reduceat(cells.astype(np.int64), start)

    return Partials(
        np.repeat(np.array(slots, np.int64) * INTERVAL_US, units),
        by_unit(wh),
        np.repeat(np.array(ids, np.int64), units),
        np.concatenate([layout.unit_id for layout in layouts]),
        by_unit(present),
        np.concatenate([layout.group_expected for layout in layouts]),
        by_unit(on_time),
    )
