"""Small master data, frames and blocks, made in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.snapshot import Snapshot
from schemas.time import FIRST_SLOT, INTERVAL_US, LAST_SLOT, slot_of, slot_start
from streams.batch import Rules
from streams.decoding import FrameColumns, decode
from streams.incoming import Arrival
from streams.layout import Assignments, DctuLayout
from streams.matrix import Block
from streams.registry import Registry

Ints = NDArray[np.int64]

NOON = slot_of(datetime(2026, 3, 2, 12, tzinfo=UTC))
MINUTE = 60_000_000
RULES = Rules(partitions=1, grace_us=5 * MINUTE, ahead_us=5 * MINUTE, ring=8)


class Channel(NamedTuple):
    """What holds of a channel in a period; unit 0: not summed."""

    code: str
    unit: int = 1
    sign: int = 1
    first: int = FIRST_SLOT
    end: int = LAST_SLOT
    registered: int = FIRST_SLOT
    max_wh: int = 1000
    dctu: str = "D1"


def registry(*channels: Channel, partitions: int = 1, version: int = 1) -> Registry:
    """Master data of these channels; ids of channels and DCTUs are given in the order of their codes, from 1."""
    codes = {code: number for number, code in enumerate(sorted({channel.code for channel in channels}), start=1)}
    dctus = {dctu: number for number, dctu in enumerate(sorted({channel.dctu for channel in channels}), start=1)}
    rows = [(codes[c.code], dctus[c.dctu], c.unit, c.sign, c.max_wh, c.first, c.end, c.registered) for c in channels]
    units = {channel.unit: f"U{channel.unit}" for channel in channels}
    return Registry(Snapshot(version, codes, dctus, units, *np.array(rows, np.int64).reshape(-1, 8).T), partitions)


def layout(*channels: Channel) -> DctuLayout:
    """The layout of one DCTU."""
    found = registry(*channels).layout(channels[0].dctu)
    assert found is not None
    return found


def plain_layout(rows: int) -> DctuLayout:
    """The layout of so many channels that have always been there."""
    ids, ones = np.arange(1, rows + 1), np.ones(rows, np.int64)
    return DctuLayout(
        1, Assignments(ids, ones, ones, ones * 1000, ones * FIRST_SLOT, ones * LAST_SLOT, ones * FIRST_SLOT)
    )


def block(rows: int = 2, ring: int = 8, newest: int = NOON) -> Block:
    """An empty block."""
    return Block(plain_layout(rows), ring, newest)


def at(slot: int, minutes: float = 0) -> datetime:
    """An instant so many minutes after the start of a slot."""
    return datetime.fromtimestamp((slot * INTERVAL_US + int(minutes * MINUTE)) / 1e6, UTC)


def us(slot: int, minutes: float = 0) -> int:
    """The same in microseconds."""
    return slot * INTERVAL_US + int(minutes * MINUTE)


class Part(NamedTuple):
    """A slice: the slot, and (channel, Wh[, status]) each."""

    slot: int
    readings: Sequence[tuple[Any, ...]]


def message(*parts: Part, dctu: str = "D1", seq: int = 1, sent: datetime | None = None) -> bytes:
    """A frame as it stands on the topic, by default sent a minute after its last interval."""
    slices = [
        {
            "start": slot_start(part.slot),
            "channels": [reading[0] for reading in part.readings],
            "wh": [reading[1] for reading in part.readings],
            "status": [reading[2] if len(reading) > 2 else 0 for reading in part.readings],
        }
        for part in parts
    ]
    sent = sent or at(max((part.slot for part in parts), default=NOON), 16)
    return msgspec.json.encode({"dctu": dctu, "seq": seq, "sent_at": sent, "slices": slices})


def tick(slot: int, minutes: float = 0) -> bytes:
    """A tick so many minutes after the start of a slot."""
    return msgspec.json.encode({"now": at(slot, minutes)})


def arrival(raw: bytes, position: int = 0, time_us: int | None = None) -> Arrival:
    """A frame where it stands in the stream."""
    frame = decode(raw)
    assert isinstance(frame, FrameColumns)
    return Arrival(frame, position, time_us, raw)
