"""The daily schedule as an honest nomination: every unit as on its like day, by the hour."""

import csv
import io
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np

from infra.demo.day import energy, unit_facts
from infra.demo.fleet import Unit, fleet
from infra.demo.power import follow, hours
from infra.demo.profiles import hour_of_day
from infra.demo.script import Script
from schemas.time import LOCAL, SLOTS_PER_HOUR, day_slots, slot_start

COLUMNS = ("unit", "hour", "mwh", "version")
# Nobody knows the sun and the wind a week ahead: their like day is the day before, all others' a week earlier.
WEATHER = ("solar", "wind")


class Row(NamedTuple):
    """The plan of one unit in one hour: the hour's start in local time with its offset, MWh with three decimals."""

    unit: str
    hour: str
    mwh: str
    version: int


def like_day(unit: Unit, day: date) -> date:
    """The day by which a unit nominates."""
    return day - timedelta(days=1 if unit.fuel in WEATHER else 7)


def _hours(day: date) -> list[int]:
    """The first slots of the day's hours."""
    return list(day_slots(day))[::SLOTS_PER_HOUR]


def _text(slot: int) -> str:
    return slot_start(slot).astimezone(LOCAL).isoformat(timespec="minutes")


def _mwh(wh: int) -> str:
    """MWh with three decimals: a schedule is in whole kWh."""
    kwh = round(wh / 1000)
    return f"{'-' if kwh < 0 else ''}{abs(kwh) // 1000}.{abs(kwh) % 1000:03d}"


def nominated_wh(day: date) -> dict[str, list[int]]:
    """Version 1 of every unit: Wh of each hour. A day that is longer than its like day repeats that one's last hour."""
    facts = {offset: unit_facts(energy(day - timedelta(days=offset))) for offset in (1, 7)}
    count, found = len(_hours(day)), {}
    for unit in fleet().units:
        like = facts[(day - like_day(unit, day)).days][unit.code]
        sums = [int(wh) for wh in like.reshape(-1, SLOTS_PER_HOUR).sum(axis=1)]
        found[unit.code] = (sums + sums[-1:] * count)[:count]
    return found


def schedule(day: date) -> list[Row]:
    """Version 1: every unit, every hour."""
    return [
        Row(unit, _text(slot), _mwh(wh), 1)
        for unit, nominated in nominated_wh(day).items()
        for slot, wh in zip(_hours(day), nominated, strict=True)
    ]


def corrected(day: date, script: Script) -> list[Row]:
    """Version 2: the units whose course the script changes, from the hour of `reschedule` on to the end of the day."""
    if script.reschedule is None:
        return []
    first, nominated, starts = hours(script.reschedule), nominated_wh(day), _hours(day)
    of_day = hour_of_day(np.array(day_slots(day), dtype=np.int64))
    found = []
    for course in script.courses:
        normal = np.repeat(nominated[course.unit], SLOTS_PER_HOUR) / 1_000_000
        mw = follow(course, normal, of_day).reshape(-1, SLOTS_PER_HOUR).mean(axis=1)
        begins = of_day[::SLOTS_PER_HOUR]
        found += [
            Row(course.unit, _text(slot), _mwh(round(float(level) * 1_000_000)), 2)
            for slot, begin, level in zip(starts, begins, mw, strict=True)
            if begin >= first
        ]
    return found


def as_csv(plan: Iterable[Row]) -> bytes:
    """The file that `tengerim schedule import` reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(plan)
    return text.getvalue().encode()


def write_schedule(plan: Iterable[Row], path: Path) -> None:
    """Writes one schedule file, making its folder where needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_csv(plan))
