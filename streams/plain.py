"""Plain frames: all readings good, all cells empty. Nearly every frame is one, and enters without being compared.

Whatever is not plain is left to validation and comparison, which come to the same result for plain frames, too.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.cells import Versions
from schemas.quality import Quality
from schemas.time import FIRST_SLOT, INTERVAL_US, LAST_SLOT
from streams.comparison import DEVICE_RANK
from streams.decoding import SliceColumns
from streams.incoming import Arrival
from streams.matrix import Block
from streams.registry import Registry

Ints = NDArray[np.int64]


class Entered(NamedTuple):
    """One slice that entered: rows of the block, their interval, and whether they came before the deadline."""

    rows: Ints
    slot: int
    on_time: bool


class _Slice(NamedTuple):
    rows: Ints
    channel_id: Ints
    slot: int
    wh: Ints


@dataclass(slots=True)
class PlainCells:
    """The cells of plain frames of a batch, slice by slice."""

    channel_id: list[Ints] = field(default_factory=list)
    wh: list[Ints] = field(default_factory=list)
    ts_us: list[int] = field(default_factory=list)
    sent_us: list[int] = field(default_factory=list)
    seq: list[int] = field(default_factory=list)
    received_us: list[int] = field(default_factory=list)

    def versions(self) -> list[Versions]:
        """As versions of readings: one block of columns, or none."""
        if not self.wh:
            return []
        lengths = np.array([len(wh) for wh in self.wh], np.int64)

        def spread(of_slices: list[int]) -> Ints:
            return np.repeat(np.array(of_slices, np.int64), lengths)

        n = int(lengths.sum())
        return [
            Versions(
                spread(self.ts_us), np.concatenate(self.wh), spread(self.sent_us), spread(self.seq),
                spread(self.received_us), np.concatenate(self.channel_id),
                np.full(n, int(Quality.MEASURED), np.int64), np.full(n, DEVICE_RANK, np.int64),
            )
        ]  # fmt: skip


def enter(cells: PlainCells, registry: Registry, block: Block, arrival: Arrival, grace_us: int) -> list[Entered] | None:
    """Enter a frame's readings into its block and note them in `cells`; None, and no change, if it is not plain."""
    frame = arrival.frame
    slices: dict[int, _Slice] = {}
    for part in frame.slices:
        found = _plain(registry, frame.dctu, frame.sent_us, block, part)
        if found is None or found.slot in slices:
            return None
        slices[found.slot] = found
    if slices and min(slices) <= max(slices) - block.ring:
        return None
    entered = []
    received_us = arrival.received_us
    for rows, channel_id, slot, wh in slices.values():
        block.advance(slot)
        on_time = received_us < (slot + 1) * INTERVAL_US + grace_us
        block.fill(rows, slot, wh, int(Quality.MEASURED), DEVICE_RANK, frame.sent_us, frame.seq, on_time=on_time)
        cells.channel_id.append(channel_id)
        cells.wh.append(wh)
        cells.ts_us.append(slot * INTERVAL_US)
        cells.sent_us.append(frame.sent_us)
        cells.seq.append(frame.seq)
        cells.received_us.append(received_us)
        entered.append(Entered(rows, slot, on_time))
    return entered


def _plain(registry: Registry, dctu: str, sent_us: int, block: Block, part: SliceColumns) -> _Slice | None:
    slot, beside = divmod(part.start_us, INTERVAL_US)
    if (
        beside
        or not FIRST_SLOT <= slot < LAST_SLOT
        or slot < block.oldest
        or (slot + 1) * INTERVAL_US > sent_us
        or part.has_value is not None
        or not len(part.wh)
        or np.count_nonzero(part.status)
    ):
        return None
    columns = registry.columns(dctu, part.channels, part.codes)
    limits = columns.limits(slot)
    # As unsigned numbers, negative ones are greater than any limit.
    if limits is None or np.count_nonzero(part.wh.view(np.uint64) > limits.max_wh.view(np.uint64)):
        return None
    return _Slice(columns.rows, limits.channel_id, slot, part.wh) if block.is_empty(columns.rows, slot) else None
