"""Incoming cells against the matrix: what is new, what is known, what the database must decide.

A version of a cell is (rank, sent_at, seq, quality, wh), compared in this order; the greatest rules whatever the
order of arrival. So the result of any batch is a function of the set of versions, not of their sequence.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.matrix import Block

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DEVICE_RANK = 0


@dataclass(slots=True)
class Cells:
    """Accepted readings of one DCTU in a batch, in the order of the stream. `frame` numbers their frames."""

    row: Ints
    slot: Ints
    wh: Ints
    quality: Ints
    frame: Ints
    position: Ints
    on_time: Bools
    frame_sent_us: Ints
    frame_seq: Ints

    def take(self, index: Ints | Bools) -> "Cells":
        """Some of the cells."""
        return Cells(
            self.row[index], self.slot[index], self.wh[index], self.quality[index], self.frame[index],
            self.position[index], self.on_time[index], self.frame_sent_us, self.frame_seq,
        )  # fmt: skip

    @property
    def sent_us(self) -> Ints:
        """When each cell's frame was sent."""
        return self.frame_sent_us[self.frame]

    @property
    def seq(self) -> Ints:
        """The running number of each cell's frame."""
        return self.frame_seq[self.frame]


@dataclass(slots=True)
class Compared:
    """`fresh` and `staged` index the batch's cells; `filled` are cells that were empty before, with their position."""

    fresh: Ints
    staged: Ints
    cold: Ints
    duplicates: int
    filled_row: Ints
    filled_slot: Ints
    filled_position: Ints
    touched_slots: Ints


def _distinct(cells: Cells) -> tuple[Ints, Bools, int]:
    """Indexes of distinct versions sorted by cell and version, whether each is alone in its cell, and the repeats."""
    key = cells.slot * (1 << 24) + cells.row
    if len(np.unique(key)) == len(key):
        return np.arange(len(key)), np.ones(len(key), np.bool_), 0
    order = np.lexsort((cells.position, cells.wh, cells.quality, cells.seq, cells.sent_us, key))
    columns = np.stack((key, cells.sent_us, cells.seq, cells.quality, cells.wh))[:, order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (columns[:, 1:] != columns[:, :-1]).any(axis=0)
    distinct = order[first]
    _, inverse, count = np.unique(key[distinct], return_inverse=True, return_counts=True)
    return distinct, count[inverse.reshape(-1)] == 1, int(len(key) - len(distinct))


def compare_and_apply(block: Block, cells: Cells) -> Compared:
    """Compare cells with the block and enter the winners. The block must reach to the newest slot of the cells."""
    distinct, alone, duplicates = _distinct(cells)
    cold_mask = cells.slot[distinct] < block.oldest
    cold = distinct[cold_mask]
    index, alone = distinct[~cold_mask], alone[~cold_mask]
    hot = cells.take(index)
    _, old_sent, old_seq, old_quality, old_wh = block.versions(hot.row, hot.slot)
    empty = old_quality == 0
    equal = (
        ~empty & (old_sent == hot.sent_us) & (old_seq == hot.seq) & (old_quality == hot.quality) & (old_wh == hot.wh)
    )
    duplicates += int(equal.sum())
    fresh = alone & empty
    staged = ~fresh & ~equal

    filled = _first_filled(hot, empty & ~equal)
    winners = np.flatnonzero(_wins(block, hot, empty) & ~equal)
    if len(winners):
        frames, frame_of = np.unique(hot.frame[winners], return_inverse=True)
        rank = np.full(len(frames), DEVICE_RANK, np.int64)
        stamp = block.add_stamps(rank, cells.frame_sent_us[frames], cells.frame_seq[frames])[frame_of.reshape(-1)]
        block.put(
            hot.row[winners], hot.slot[winners], hot.wh[winners], hot.quality[winners], stamp,
            _came_on_time(hot, winners),
        )  # fmt: skip
    touched = np.unique(hot.slot[winners])
    return Compared(
        index[fresh], index[staged], cold, duplicates,
        hot.row[filled], hot.slot[filled], hot.position[filled], touched,
    )  # fmt: skip


def _keys(hot: Cells) -> Ints:
    return hot.slot * (1 << 24) + hot.row


def _wins(block: Block, hot: Cells, empty: Bools) -> Bools:
    """Which cells are the greatest of their cell in the batch and greater than what the block holds."""
    last = np.zeros(len(hot.row), np.bool_)
    order = np.lexsort((hot.wh, hot.quality, hot.seq, hot.sent_us, _keys(hot)))
    key = _keys(hot)[order]
    last[order] = np.append(key[1:] != key[:-1], True) if len(key) else np.zeros(0, np.bool_)
    rank, sent, seq, quality, wh = block.versions(hot.row, hot.slot)
    greater = np.zeros(len(hot.row), np.bool_)
    tied = np.ones(len(hot.row), np.bool_)
    new_rank = np.full(len(hot.row), DEVICE_RANK, np.int64)
    pairs = ((new_rank, rank), (hot.sent_us, sent), (hot.seq, seq), (hot.quality, quality), (hot.wh, wh))
    for new, old in pairs:
        greater |= tied & (new > old)
        tied &= new == old
    return last & (empty | greater)


def _first_filled(hot: Cells, fills: Bools) -> Ints:
    """Of the versions that fill an empty cell, the one of each cell that came first."""
    index = np.flatnonzero(fills)
    if not len(index):
        return index
    order = np.lexsort((hot.position[index], _keys(hot)[index]))
    key = _keys(hot)[index][order]
    chosen: Ints = index[order[np.append(True, key[1:] != key[:-1])]]
    return chosen


def _came_on_time(hot: Cells, winners: Ints) -> Bools:
    """Whether any version of each winner's cell came on time: the first arrival counts."""
    key, inverse = np.unique(_keys(hot), return_inverse=True)
    any_on_time = np.zeros(len(key), np.bool_)
    np.logical_or.at(any_on_time, inverse.reshape(-1), hot.on_time)
    return any_on_time[inverse.reshape(-1)[winners]]
