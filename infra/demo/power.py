"""The whole system in an interval: every unit's net power in MW, and the balancing flow that closes the balance."""

from dataclasses import dataclass
from datetime import date, time

import numpy as np

from infra.demo.demand import demand
from infra.demo.fleet import fleet
from infra.demo.generation import REGULATORS, grid_of, must_run, regulators
from infra.demo.noise import Floats, Slots, drift, white
from infra.demo.profiles import bump, hour_of_day
from infra.demo.script import Course, Script
from infra.demo.tables import rows
from schemas.time import day_slots

# Losses of the transmission grid: a part by the load, a part by its square.
LOSS, LOSS_BY_SQUARE = 0.017, 0.010
REFERENCE_MW = {"main": 13_500.0, "west": 1_900.0}
# The regulators follow the demand as forecast: a mean over this many intervals, and the forecast's own error.
FORECAST, FORECAST_ERROR_MW = 5, {"main": 45.0, "west": 12.0}


@dataclass(frozen=True)
class Powers:
    """Net MW of each unit over the day's intervals; exports, and so `balancing` by grid, count positive."""

    units: dict[str, Floats]
    balancing: dict[str, Floats]


def hours(at: time) -> float:
    """Local hours since midnight."""
    return at.hour + at.minute / 60


def follow(course: Course, normal: Floats, of_day: Floats) -> Floats:
    """A unit's power where its course rules; `of_day` are the intervals' hours, by their middles."""
    when = [hours(at) for at, _ in course.points]
    level = np.interp(of_day, when, [mw for _, mw in course.points])
    rules = (of_day > when[0]) & (of_day < when[-1])
    # A block on its course is as unsteady as before.
    steadiness = normal / normal.mean()
    return np.where(rules, normal + level if course.reserve else level * steadiness, normal)


def _contracts(slots: Slots) -> dict[str, Floats]:
    """What was agreed with the neighbours, by interchange point: more in the evening."""
    evening = bump(hour_of_day(slots), 17, 22, 0.5)
    return {
        row["facility"]: float(row["base_mw"]) + float(row["evening_mw"]) * evening + 3 * white(row["facility"], slots)
        for row in rows("interchanges")
    }


def _mean(values: Floats, width: int) -> Floats:
    return np.convolve(values, np.full(width, 1 / width), mode="same")


def powers(day: date, script: Script) -> Powers:
    """The operating day under a script, over its intervals."""
    inner = np.array(day_slots(day), dtype=np.int64)
    slots = np.arange(inner[0] - FORECAST, inner[-1] + FORECAST + 1)
    facilities = fleet().facility_of
    loads, made, agreed = demand(slots), must_run(slots), _contracts(slots)

    def total(of: dict[str, Floats], grid: str) -> Floats:
        chosen = [mw for code, mw in of.items() if grid_of(facilities[code]) == grid]
        return np.asarray(sum(chosen), dtype=np.float64)

    needed: dict[str, Floats] = {}
    for grid in REGULATORS:
        load = total(loads, grid)
        loss = load * (LOSS + LOSS_BY_SQUARE * load / REFERENCE_MW[grid])
        needed[grid] = load + loss + total(agreed, grid)
        error = FORECAST_ERROR_MW[grid] * drift(f"forecast {grid}", slots, 10)
        rest = _mean(needed[grid] - total(made, grid), FORECAST) + error
        capacity = {unit.facility: unit.capacity_mw for unit in fleet().units}
        made |= regulators(grid, rest, slots, capacity)

    keep, of_day = slice(FORECAST, -FORECAST), hour_of_day(inner)
    for course in script.courses:
        station = course.unit.removesuffix("-G")
        made[station] = made[station].copy()
        made[station][keep] = follow(course, made[station][keep], of_day)

    balancing = {grid: (total(made, grid) - needed[grid])[keep] for grid in REGULATORS}
    mw = {**made, **loads, **agreed}
    return Powers({unit.code: mw[unit.facility][keep] for unit in fleet().units}, balancing)
