"""Noise that is the same on every machine, for every version of numpy, and seamless over midnight.

A hash of (name, number) in place of a random generator: the value at an interval depends on nothing but its name and
its number, so a day is the same whichever days were looked at before it.
"""

from functools import cache
from zlib import crc32

import numpy as np
import numpy.typing as npt

Slots = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_GOLDEN, _MIX1, _MIX2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_WORD = 2**64 - 1


@cache
def _seed(name: str) -> int:
    return crc32(name.encode()) << 20


def hashed(name: str, numbers: Slots) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of the name with each number (splitmix64)."""
    with np.errstate(over="ignore"):
        x = (numbers.astype(np.uint64) + np.uint64(_seed(name))) * np.uint64(_GOLDEN)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(_MIX1)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(_MIX2)
        return x ^ (x >> np.uint64(31))


def pick(name: str, number: int, below: int) -> int:
    """A whole number from 0 to `below` - 1, fixed by the name and the number: `hashed` for one, without numpy."""
    x = (number + _seed(name)) * _GOLDEN & _WORD
    x = (x ^ (x >> 30)) * _MIX1 & _WORD
    x = (x ^ (x >> 27)) * _MIX2 & _WORD
    return (x ^ (x >> 31)) % below


def white(name: str, slots: Slots) -> Floats:
    """Independent from interval to interval, even between -1 and 1."""
    return (hashed(name, slots) >> np.uint64(11)).astype(np.float64) / 2**52 - 1


def drift(name: str, slots: Slots, period: int) -> Floats:
    """Wanders smoothly between -1 and 1, a new direction every `period` intervals."""
    knot, within = np.divmod(slots, period)
    share = within / period
    ease = share * share * (3 - 2 * share)
    start, end = white(name, knot), white(name, knot + 1)
    return np.asarray(start + (end - start) * ease, dtype=np.float64)
