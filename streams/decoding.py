"""From the bytes of a message to a tick or a frame in columns.

The pydantic models of `schemas.frame` say what a frame is; msgspec reads well-formed ones about twenty times faster.
What it cannot read, the models decide, and their words go into the quarantine.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from schemas.frame import INT64, Frame, Tick
from schemas.time import to_us

Ints = NDArray[np.int64]


class _Slice(msgspec.Struct, forbid_unknown_fields=True):
    start: Annotated[datetime, msgspec.Meta(tz=True)]
    channels: msgspec.Raw
    wh: list[int | None]
    status: msgspec.Raw


class _Frame(msgspec.Struct, forbid_unknown_fields=True):
    # \Z where the model says $: here $ would let a line feed pass at the end.
    dctu: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^\S+\Z")]
    seq: Annotated[int, msgspec.Meta(ge=0, le=INT64)]
    sent_at: Annotated[datetime, msgspec.Meta(tz=True)]
    slices: list[_Slice]


class _Tick(msgspec.Struct, forbid_unknown_fields=True):
    now: Annotated[datetime, msgspec.Meta(tz=True)]


_frame = msgspec.json.Decoder(_Frame)
_tick = msgspec.json.Decoder(_Tick)
_channels = msgspec.json.Decoder(list[str])
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw])
_status = msgspec.json.Decoder(list[int])
# Longer lists of status are read anew each time: what is kept must stay small, whatever comes.
_KEPT_BYTES = 2048


@dataclass(slots=True)
class SliceColumns:
    """One interval of a frame; where `has_value` is false, `wh` is 0. `channels` is the JSON text of the codes."""

    start_us: int
    channels: bytes
    wh: Ints
    has_value: NDArray[np.bool_] | None
    status: Ints

    def codes(self) -> list[str]:
        """The channels of this slice, as written."""
        return _channels.decode(self.channels)


@dataclass(slots=True)
class FrameColumns:
    """A frame, its values as numpy columns."""

    dctu: str
    seq: int
    sent_us: int
    slices: list[SliceColumns]


class TickSeen(NamedTuple):
    """A tick of the clock, microseconds since the epoch."""

    now_us: int


class Malformed(NamedTuple):
    """Bytes that are neither; `problem` says why, in words."""

    problem: str


def _columns(values: list[int | None]) -> tuple[Ints, NDArray[np.bool_] | None]:
    try:
        return np.fromiter(values, np.int64, len(values)), None
    except TypeError:
        has_value = np.array([value is not None for value in values], dtype=np.bool_)
        return np.array([value or 0 for value in values], dtype=np.int64), has_value


@lru_cache(maxsize=1024)
def _known_status(text: bytes) -> Ints:
    """Nearly all slices say the same: nothing but zeros. Read-only, because many share it."""
    status = np.array(_status.decode(text), dtype=np.int64)
    status.flags.writeable = False
    return status


def _read_status(text: bytes) -> Ints:
    return _known_status(text) if len(text) <= _KEPT_BYTES else np.array(_status.decode(text), dtype=np.int64)


def _us(at: datetime) -> int:
    """Microseconds since 1970. Raises OverflowError for an instant that lies outside the years 1 to 9999 of UTC."""
    return to_us(at.astimezone(UTC))


def _fast(message: bytes) -> FrameColumns:
    frame = _frame.decode(message)
    slices = []
    for part in frame.slices:
        wh, has_value = _columns(part.wh)
        status = _read_status(bytes(part.status))
        channels = bytes(part.channels)
        if len(wh) != len(status):
            raise ValueError("ragged")
        slices.append(SliceColumns(_us(part.start), channels, wh, has_value, status))
    return FrameColumns(frame.dctu, frame.seq, _us(frame.sent_at), slices)


def _problem(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    words = first["msg"].removeprefix("Value error, ")
    return f"{where}: {words}" if where else words


def _has_now(message: bytes) -> bool:
    try:
        return "now" in _keys.decode(message)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False


def _slow(message: bytes) -> FrameColumns | TickSeen | Malformed:
    if _has_now(message):
        try:
            return TickSeen(_us(Tick.model_validate_json(message, strict=True).now))
        except ValidationError as error:
            return Malformed(_problem(error))
    try:
        frame = Frame.model_validate_json(message, strict=True)
    except ValidationError as error:
        return Malformed(_problem(error))
    slices = []
    for part in frame.slices:
        wh, has_value = _columns(list(part.wh))
        codes = msgspec.json.encode(part.channels)
        slices.append(SliceColumns(_us(part.start), codes, wh, has_value, np.array(part.status, dtype=np.int64)))
    return FrameColumns(frame.dctu, frame.seq, _us(frame.sent_at), slices)


def decode(message: bytes) -> FrameColumns | TickSeen | Malformed:
    """Read one message of the topic `frames`. Never raises."""
    try:
        if message[:6] == b'{"now"':
            return TickSeen(_us(_tick.decode(message).now))
        return _fast(message)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        try:
            return _slow(message)
        except OverflowError:
            return Malformed("an instant outside the years 1 to 9999 of UTC")
        except ValueError as error:
            return Malformed(str(error))
