"""From the bytes of a message to a tick or a frame in columns.

The pydantic models of `schemas.frame` say what a frame is; msgspec reads well-formed ones about twenty times faster.
What it cannot read, the models decide, and their words go into the quarantine.
"""

from dataclasses import dataclass
from datetime import datetime
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
    status: list[int]


class _Frame(msgspec.Struct, forbid_unknown_fields=True):
    dctu: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^\S+$")]
    seq: Annotated[int, msgspec.Meta(ge=0, le=INT64)]
    sent_at: Annotated[datetime, msgspec.Meta(tz=True)]
    slices: list[_Slice]


class _Tick(msgspec.Struct, forbid_unknown_fields=True):
    now: Annotated[datetime, msgspec.Meta(tz=True)]


_frame = msgspec.json.Decoder(_Frame)
_tick = msgspec.json.Decoder(_Tick)
_channels = msgspec.json.Decoder(list[str])


@dataclass(slots=True)
class SliceColumns:
    """One interval of a frame; where `has_value` is false, `wh` is 0. `channels` is the JSON text of the codes."""

    start_us: int
    channels: bytes
    wh: Ints
    has_value: NDArray[np.bool_] | None
    status: NDArray[np.int8]

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
        return np.array(values, dtype=np.int64), None
    except TypeError:
        has_value = np.array([value is not None for value in values], dtype=np.bool_)
        return np.array([value or 0 for value in values], dtype=np.int64), has_value


def _clip_status(status: list[int]) -> NDArray[np.int8]:
    # Only 0 and 1 mean anything; whatever else was written is refused by the rule STATUS.
    try:
        return np.array(status, dtype=np.int8)
    except OverflowError:
        return np.array([value if value in (0, 1) else -1 for value in status], dtype=np.int8)


def _fast(message: bytes) -> FrameColumns:
    frame = _frame.decode(message)
    slices = []
    for part in frame.slices:
        wh, has_value = _columns(part.wh)
        status = _clip_status(part.status)
        channels = bytes(part.channels)
        if len(wh) != len(status):
            raise ValueError("ragged")
        slices.append(SliceColumns(to_us(part.start), channels, wh, has_value, status))
    return FrameColumns(frame.dctu, frame.seq, to_us(frame.sent_at), slices)


def _problem(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]


def _slow(message: bytes) -> FrameColumns | TickSeen | Malformed:
    if b'"now"' in message[:64]:
        try:
            return TickSeen(to_us(Tick.model_validate_json(message, strict=True).now))
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
        slices.append(SliceColumns(to_us(part.start), codes, wh, has_value, _clip_status(part.status)))
    return FrameColumns(frame.dctu, frame.seq, to_us(frame.sent_at), slices)


def decode(message: bytes) -> FrameColumns | TickSeen | Malformed:
    """Read one message of the topic `frames`. Never raises."""
    try:
        if message[:6] == b'{"now"':
            return TickSeen(to_us(_tick.decode(message).now))
        return _fast(message)
    except (msgspec.MsgspecError, ValueError, OverflowError):
        try:
            return _slow(message)
        except (ValueError, OverflowError) as error:
            return Malformed(str(error))
