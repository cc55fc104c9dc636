"""Shapes over the day and the week: SimBench's 15-minute profiles, read by local time."""

import csv
import gzip
import io
from datetime import date
from functools import cache

import numpy as np

from infra.demo.noise import Floats, Slots
from infra.demo.tables import DATA
from schemas.time import INTERVAL, LOCAL, slot_start

STEPS_A_DAY = 96
DAYS = 28
# The extract begins on a Monday; it is laid over the calendar from this Monday on, again every four weeks.
FIRST_MONDAY = date(2025, 12, 29)
_EPOCH = date(1970, 1, 1)


@cache
def profiles() -> dict[str, Floats]:
    """Every profile of the extract by SimBench's name: 28 days × 96 steps, per unit."""
    with gzip.open(DATA / "profiles.csv.gz") as raw:
        rows = csv.reader(io.TextIOWrapper(raw, "utf-8"))
        names = next(rows)
        values = np.array([[int(value) for value in row] for row in rows], dtype=np.float64) / 1000
    values.setflags(write=False)
    return {name: values[:, column] for column, name in enumerate(names)}


def local_steps(slots: Slots) -> Slots:
    """Quarter-hours of local time since 1970: an hour that the clock repeats has the same steps twice."""
    offsets = [(slot_start(int(slot)).astimezone(LOCAL).utcoffset() or INTERVAL * 0) // INTERVAL for slot in slots]
    return slots + np.array(offsets, dtype=np.int64)


def hour_of_day(slots: Slots) -> Floats:
    """Local hours since midnight at the middle of each interval, 0 to 24."""
    return (local_steps(slots) % STEPS_A_DAY + 0.5) / 4


def at(name: str, slots: Slots, later_h: float = 0.0) -> Floats:
    """A profile over these intervals; `later_h` moves it to later hours, which is what a place further west sees."""
    values = profiles()[name]
    first = (FIRST_MONDAY - _EPOCH).days * STEPS_A_DAY
    step = local_steps(slots) - first - round(later_h * 4)
    return values[step % len(values)]


def relative(name: str, slots: Slots, later_h: float = 0.0) -> Floats:
    """A profile by its mean: 1 is what the four weeks bring on average."""
    return np.asarray(at(name, slots, later_h) / profiles()[name].mean(), dtype=np.float64)


def bump(hours: Floats, start: float, end: float, ease: float) -> Floats:
    """1 between two hours of the day, 0 outside, eased over `ease` hours at both sides."""
    rise = np.clip((hours - start) / ease + 0.5, 0, 1)
    fall = np.clip((end - hours) / ease + 0.5, 0, 1)
    edge = np.minimum(rise, fall)
    return np.asarray(edge * edge * (3 - 2 * edge), dtype=np.float64)
