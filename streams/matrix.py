"""The recent past of one DCTU: rows = channels, columns = intervals, 12 bytes a cell and 17 a frame.

The matrix is a cache of the database. A batch is compared with it and applied to it; if the batch's transaction then
does not commit, the block is discarded and loaded again.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.time import INTERVAL_US
from streams.layout import DctuLayout

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# A mark is one number a cell: flags in the low bits, above them the number of its version in the table of stamps.
QUALITY_BITS = 0x0F  # 0: the cell is empty
DECLARED = 0x10  # the device itself said that it has no value
ON_TIME = 0x20  # its first version came before the deadline
_FLAGS = 0x3F
_STAMP = 6  # by how many bits a stamp is shifted


@dataclass(slots=True)
class Stored:
    """Cells as they stand in the database; `first_us` is when the first version of each came."""

    channel_id: Ints
    slot: Ints
    wh: Ints
    quality: Ints
    rank: Ints
    sent_us: Ints
    seq: Ints
    first_us: Ints


@dataclass(slots=True)
class Block:
    """A ring of `ring` intervals ending with `newest`. Arrays are (rows, ring), a column contiguous."""

    layout: DctuLayout
    ring: int
    newest: int
    wh: Ints = field(init=False)
    mark: NDArray[np.uint32] = field(init=False)
    _sent_us: Ints = field(init=False)
    _seq: Ints = field(init=False)
    _rank: NDArray[np.int8] = field(init=False)
    _stamps: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Start empty."""
        shape = (len(self.layout.channel_id), self.ring)
        self.wh = np.zeros(shape, np.int64, order="F")
        self.mark = np.zeros(shape, np.uint32, order="F")
        self._sent_us = np.zeros(16, np.int64)
        self._seq = np.zeros(16, np.int64)
        self._rank = np.zeros(16, np.int8)

    @property
    def oldest(self) -> int:
        """The first slot that the ring holds."""
        return self.newest - self.ring + 1

    @property
    def nbytes(self) -> int:
        """Bytes of the cells and of the table of stamps."""
        arrays = (self.wh, self.mark, self._sent_us, self._seq, self._rank)
        return sum(array.nbytes for array in arrays)

    def advance(self, newest: int) -> None:
        """Move the ring forward; what falls out of it is forgotten."""
        steps = newest - self.newest
        if steps <= 0:
            return
        for slot in range(max(self.newest, newest - self.ring) + 1, newest + 1):
            mark, wh = self.column(slot)
            mark[:] = 0
            wh[:] = 0
        self.newest = newest

    def add_stamps(self, rank: Ints, sent_us: Ints, seq: Ints) -> Ints:
        """Enter the versions of frames; gives their numbers in the table of stamps, good until the next call."""
        self._make_room(len(sent_us))
        first, end = self._stamps, self._stamps + len(sent_us)
        self._sent_us[first:end] = sent_us
        self._seq[first:end] = seq
        self._rank[first:end] = rank
        self._stamps = end
        return np.arange(first, end, dtype=np.int64)

    def _make_room(self, count: int) -> None:
        if self._stamps + count <= len(self._sent_us):
            return
        self._forget_unused_stamps()
        need = self._stamps + count
        size = max(16, need + need // 2)
        for name in ("_sent_us", "_seq", "_rank"):
            old = getattr(self, name)
            fresh = np.zeros(size, old.dtype)
            fresh[: self._stamps] = old[: self._stamps]
            setattr(self, name, fresh)

    def _forget_unused_stamps(self) -> None:
        filled = (self.mark & QUALITY_BITS) > 0
        mark = self.mark[filled]
        stamp = mark >> _STAMP
        is_used = np.zeros(self._stamps, np.bool_)
        is_used[stamp] = True
        number = np.cumsum(is_used) - 1
        self.mark[filled] = (mark & _FLAGS) | (number[stamp] << _STAMP)
        used = np.flatnonzero(is_used)
        self._sent_us[: len(used)] = self._sent_us[used]
        self._seq[: len(used)] = self._seq[used]
        self._rank[: len(used)] = self._rank[used]
        self._stamps = len(used)

    def versions(self, row: Ints, slot: Ints) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """`(rank, sent_us, seq, quality, wh)` of cells; quality 0 where a cell is empty."""
        column = slot % self.ring
        mark = self.mark[row, column]
        stamp = mark >> _STAMP
        quality = (mark & QUALITY_BITS).astype(np.int64)
        return (
            self._rank[stamp].astype(np.int64),
            self._sent_us[stamp],
            self._seq[stamp],
            quality,
            self.wh[row, column],
        )

    def put(self, row: Ints, slot: Ints, wh: Ints, quality: Ints, stamp: Ints, on_time: Bools) -> None:
        """Set cells. Of an empty cell `on_time` is kept, of a filled one it stays what it was."""
        column = slot % self.ring
        before = self.mark[row, column]
        fresh = (before & QUALITY_BITS) == 0
        first = np.where(on_time, ON_TIME, 0) | (before & DECLARED)
        flags = np.where(fresh, first, before & (DECLARED | ON_TIME))
        self.mark[row, column] = (stamp << _STAMP) | flags | quality
        self.wh[row, column] = wh

    def column(self, slot: int) -> tuple[NDArray[np.uint32], Ints]:
        """Marks and values of a slot of the ring, by row; not copied."""
        column = slot % self.ring
        return self.mark[:, column], self.wh[:, column]

    def is_empty(self, row: Ints, slot: int) -> bool:
        """Whether none of these rows has a value at a slot that the ring holds, or will when it has moved forward."""
        return slot > self.newest or not np.count_nonzero(self.mark[:, slot % self.ring][row] & QUALITY_BITS)

    def fill(
        self, row: Ints, slot: int, wh: Ints, quality: int, rank: int, sent_us: int, seq: int, *, on_time: bool
    ) -> None:
        """Set empty cells of one slot of the ring to what one frame says."""
        self._make_room(1)
        stamp = self._stamps
        self._sent_us[stamp], self._seq[stamp], self._rank[stamp] = sent_us, seq, rank
        self._stamps += 1
        mark, values = self.column(slot)
        mark[row] = (mark[row] & DECLARED) | ((stamp << _STAMP) | (ON_TIME if on_time else 0) | quality)
        values[row] = wh

    def declare(self, row: Ints, slot: Ints) -> None:
        """Note that the device said it has no value for these cells."""
        self.mark[row, slot % self.ring] |= DECLARED

    def load(self, cells: Stored, grace_us: int) -> None:
        """Fill an empty block from the database."""
        inside = (cells.slot >= self.oldest) & (cells.slot <= self.newest)
        if not inside.any():
            return
        row = self.layout.rows_of(cells.channel_id[inside])
        slot = cells.slot[inside]
        versions = np.stack((cells.rank[inside], cells.sent_us[inside], cells.seq[inside]))
        unique, number = np.unique(versions, axis=1, return_inverse=True)
        stamp = self.add_stamps(unique[0], unique[1], unique[2])[number.reshape(-1)]
        on_time = cells.first_us[inside] < (slot + 1) * INTERVAL_US + grace_us
        self.put(row, slot, cells.wh[inside], cells.quality[inside], stamp, on_time)

    def present(self, slot: int) -> Bools:
        """Which rows have a value at a slot of the ring."""
        return (self.mark[:, slot % self.ring] & QUALITY_BITS) > 0

    def on_time(self, slot: int) -> Bools:
        """Which rows had a value before the deadline of a slot of the ring."""
        return (self.mark[:, slot % self.ring] & ON_TIME) > 0

    def declared(self, slot: int) -> Bools:
        """Of which rows the device said it has no value at a slot of the ring."""
        return (self.mark[:, slot % self.ring] & DECLARED) > 0
