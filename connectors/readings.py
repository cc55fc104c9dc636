"""Readings from a file `emc,code,start,kwh,status`, as frames of the DCTUs to which their channels belong.

What such a row can say but the power system cannot mean (an unknown channel, energy below zero, an interval to come)
is not refused here: it goes to the workers, who keep it in quarantine.

The readings of a file are one transmission: they share `sent_at`. They are taken in blocks of BLOCK_READINGS; the
frames of a block have `seq` = microseconds of `sent_at` since 1970 + running number of the block. A block also ends
where a reading is given again with another value, so the later row of a file rules. Hence the bytes of a file and its
`sent_at` alone decide which version every reading is: given twice, they bring duplicates only.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar

import psycopg

from connectors.table import Row, RowError, read_table
from schemas.energy import from_kwh
from schemas.frame import Frame, Slice
from schemas.registry import read_code
from schemas.time import to_us

COLUMNS = ("emc", "code", "start", "kwh", "status")
BLOCK_READINGS = 100_000
FRAME_READINGS = 2_000
# The sender of channels that belong to no known DCTU.
UNKNOWN_DCTU = "UNKNOWN"

T = TypeVar("T")
_code = lru_cache(maxsize=100_000)(read_code)
Block = dict[tuple[str, datetime], "Reading"]


class Reading(NamedTuple):
    """One row of a file: `channel` as EMC/code; `wh` is None where the device has no value."""

    line: int
    channel: str
    start: datetime
    wh: int | None
    status: int


@dataclass
class Counts:
    """What came of a file. `repeated`: rows that say nothing new; `unknown`: readings of channels without a DCTU, and
    `unknown_channels` these channels with the first line of each.
    """

    readings: int = 0
    frames: int = 0
    rounded: int = 0
    repeated: int = 0
    unknown: int = 0
    unknown_channels: dict[str, int] = field(default_factory=dict)


class Owners:
    """Which DCTU a channel belongs to, and when."""

    def __init__(self, periods: Iterable[tuple[str, str, datetime, datetime]]) -> None:
        """From (channel, DCTU, first instant, instant after the last)."""
        self._periods: dict[str, list[tuple[str, datetime, datetime]]] = {}
        for channel, dctu, begin, end in periods:
            self._periods.setdefault(channel, []).append((dctu, begin, end))

    def dctu_of(self, channel: str, start: datetime) -> str:
        """The DCTU of a channel at the interval that begins at `start`; UNKNOWN_DCTU where it has none."""
        for dctu, begin, end in self._periods.get(channel, ()):
            if begin <= start < end:
                return dctu
        return UNKNOWN_DCTU


def read_owners(connection: psycopg.Connection) -> Owners:
    """The assignment of channels to DCTUs that is in force."""
    # 'infinity' lies outside Python's calendar.
    rows = connection.execute(
        """
        select k.emc || '/' || k.code, d.dctu, greatest(a.from_ts, '1000-01-01Z'), least(a.to_ts, '9000-01-01Z')
        from assignment a join channel_key k using (channel_id) join dctu_key d using (dctu_id)
        """
    )
    return Owners(rows)


def read_readings(path: Path, errors: list[RowError], counts: Counts) -> Iterator[Reading]:
    """The good rows of a file, in order; whatever is wrong is added to `errors`."""
    name = path.name
    for row in read_table(path, COLUMNS, (), errors):
        reading = _reading(row, name, errors, counts)
        if reading is not None:
            yield reading


def frames_of(
    readings: Iterable[Reading], dctu_of: Callable[[str, datetime], str], sent_at: datetime, counts: Counts
) -> Iterator[Frame]:
    """Readings as frames of at most FRAME_READINGS, intervals in order within a block."""
    for number, block in enumerate(_blocks(readings, counts)):
        by_dctu: dict[str, dict[datetime, list[Reading]]] = {}
        for (channel, start), reading in block.items():
            dctu = dctu_of(channel, start)
            by_dctu.setdefault(dctu, {}).setdefault(start, []).append(reading)
            if dctu == UNKNOWN_DCTU:
                counts.unknown += 1
                counts.unknown_channels.setdefault(channel, reading.line)
        for dctu, by_start in by_dctu.items():
            for slices in _cut(by_start):
                counts.frames += 1
                counts.readings += sum(len(part.channels) for part in slices)
                yield Frame(dctu=dctu, seq=to_us(sent_at) + number, sent_at=sent_at, slices=slices)


def _blocks(readings: Iterable[Reading], counts: Counts) -> Iterator[Block]:
    block: Block = {}
    for reading in readings:
        cell = reading.channel, reading.start
        known = block.get(cell)
        if known is not None and (known.wh, known.status) == (reading.wh, reading.status):
            counts.repeated += 1
            continue
        if known is not None or len(block) == BLOCK_READINGS:
            yield block
            block = {}
        block[cell] = reading
    if block:
        yield block


def _cut(by_start: Mapping[datetime, list[Reading]]) -> Iterator[list[Slice]]:
    """The slices of one DCTU, cut into frames."""
    slices: list[Slice] = []
    room = FRAME_READINGS
    for start, rest in sorted(by_start.items(), key=lambda of_start: of_start[0]):
        while rest:
            some, rest = rest[:room], rest[room:]
            slices.append(
                Slice(
                    start=start,
                    channels=[reading.channel for reading in some],
                    wh=[reading.wh for reading in some],
                    status=[reading.status for reading in some],
                )
            )
            room -= len(some)
            if not room:
                yield slices
                slices, room = [], FRAME_READINGS
    if slices:
        yield slices


def _reading(row: Row, file: str, errors: list[RowError], counts: Counts) -> Reading | None:
    before = len(errors)
    emc, code = _value(row, "emc", _code, file, errors), _value(row, "code", _code, file, errors)
    start, status = _value(row, "start", read_instant, file, errors), _value(row, "status", _status, file, errors)
    energy = _value(row, "kwh", from_kwh, file, errors) if row.values["kwh"] else None
    if status == 0 and not row.values["kwh"]:
        errors.append(RowError(file, row.line, "kwh", "is empty; a device without a value says so by status 1"))
    if start is None or status is None or len(errors) > before:
        return None
    counts.rounded += energy is not None and energy.rounded
    return Reading(row.line, f"{emc}/{code}", start, energy.wh if energy else None, status)


def _value(row: Row, column: str, read: Callable[[str], T], file: str, errors: list[RowError]) -> T | None:
    try:
        return read(row.values[column])
    except ValueError as error:
        errors.append(RowError(file, row.line, column, str(error)))
        return None


@lru_cache(maxsize=10_000)
def read_instant(text: str) -> datetime:
    """An instant with its offset, in UTC. Raises ValueError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an instant such as 2026-01-01T00:15+05:00") from None
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write for example 2026-01-01T00:15+05:00")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the calendar") from None


def _status(text: str) -> int:
    if text not in ("0", "1"):
        raise ValueError(f"{text!r} is neither 0 (measured) nor 1 (suspect; without kwh: the device has no value)")
    return int(text)
