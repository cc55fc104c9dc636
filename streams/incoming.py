"""What one DCTU sent in one batch, as flat columns over readings."""

from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.time import FIRST_SLOT, INTERVAL_US, LAST_SLOT
from streams.decoding import FrameColumns, SliceColumns
from streams.registry import Registry

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(slots=True)
class Arrival:
    """A frame where it stands in the stream: its offset, and the time that was when it came (None: no tick yet).

    `clock_us`: what the worker's own clock says, where the stream's time is the wall clock's.
    """

    frame: FrameColumns
    position: int
    time_us: int | None
    message: bytes
    clock_us: int | None = None

    @property
    def received_us(self) -> int:
        """The stream's time; before the first tick the sender's."""
        return self.frame.sent_us if self.time_us is None else self.time_us


@dataclass(slots=True)
class Incoming:
    """Readings of one DCTU, one entry each; `part` numbers the slices, `frame` the arrivals."""

    dctu: str
    arrivals: list[Arrival]
    slices: list[SliceColumns]
    row: Ints
    wh: Ints
    has_value: Bools
    status: Ints
    part: Ints
    first_of_part: Ints
    frame_of_part: Ints
    slot_of_part: Ints
    on_grid: Bools
    _codes: dict[int, list[str]] = field(init=False, default_factory=dict)

    @property
    def frame(self) -> Ints:
        """The arrival of each reading."""
        return self.frame_of_part[self.part]

    @property
    def slot(self) -> Ints:
        """The interval of each reading."""
        return self.slot_of_part[self.part]

    def arrival(self, index: int) -> Arrival:
        """The arrival of one reading."""
        return self.arrivals[int(self.frame_of_part[self.part[index]])]

    def channel(self, index: int) -> str:
        """The channel of one reading, as it was written."""
        part = int(self.part[index])
        if part not in self._codes:
            self._codes[part] = self.slices[part].codes()
        return self._codes[part][index - int(self.first_of_part[part])]


def gather(registry: Registry, dctu: str, arrivals: list[Arrival]) -> Incoming | None:
    """Flatten the frames of one DCTU; None when they hold no reading.

    Every slice must be readable: `unreadable` finds those that are not.
    """
    slices, frames = [], []
    for number, arrival in enumerate(arrivals):
        for part in arrival.frame.slices:
            slices.append(part)
            frames.append(number)
    if not slices:
        return None
    rows = [registry.rows(dctu, part.channels, part.codes) for part in slices]
    lengths = np.array([len(part.wh) for part in slices], np.int64)
    starts = np.array([part.start_us for part in slices], np.int64)
    slot = starts // INTERVAL_US
    return Incoming(
        dctu,
        arrivals,
        slices,
        np.concatenate(rows),
        np.concatenate([part.wh for part in slices]),
        np.concatenate(
            [np.ones(len(part.wh), np.bool_) if part.has_value is None else part.has_value for part in slices]
        ),
        np.concatenate([part.status for part in slices]),
        np.repeat(np.arange(len(slices)), lengths),
        np.cumsum(lengths) - lengths,
        np.array(frames, np.int64),
        slot,
        (starts % INTERVAL_US == 0) & (slot >= FIRST_SLOT) & (slot < LAST_SLOT),
    )


def unreadable(registry: Registry, frame: FrameColumns) -> str | None:
    """Why the slices of a frame cannot be read as columns; None where they can."""
    for number, part in enumerate(frame.slices):
        try:
            rows = registry.rows(frame.dctu, part.channels, part.codes)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return f"slices.{number}.channels: {error}"
        if len(rows) != len(part.wh):
            return f"slices.{number}: {len(rows)} channels but {len(part.wh)} values"
    return None
