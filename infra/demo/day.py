"""An operating day as its meters see it: the energy of every channel in every interval, in whole Wh."""

from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from infra.demo.fleet import CODES, Emc, fleet
from infra.demo.generation import grid_of
from infra.demo.noise import Floats, Slots, drift, white
from infra.demo.power import powers
from infra.demo.script import QUIET, Script
from schemas.time import day_slots

Energies = npt.NDArray[np.int64]

WH_A_MW = 250_000  # of a quarter-hour
# The blocks that carry a unit, in the order in which they are put on; a new one from this load of the others on.
BLOCK_ORDER = {"GRES1-G": (6, 1, 2, 4, 5)}
FULL_BLOCK = 0.88
# A standing block's draw and the reserve transformer's, over the capacity of what they belong to.
IDLE_DRAW, OWN_NEEDS = 0.004, 0.1
# Reactive over active energy: given by generators, taken by loads; a long line gives by its charging.
GIVEN, TAKEN, CHARGING = 0.28, 0.36, 0.08


def _shares(emcs: list[Emc], slots: Slots) -> list[Floats]:
    """How connections that work in parallel share a power: by size, a little unevenly."""
    weights = [emc.capacity_mw * (1 + 0.02 * drift(f"share {emc.code}", slots, 14)) for emc in emcs]
    total = sum(weights)
    return [weight / total for weight in weights]


def _running(unit: str, emcs: list[Emc], gross: Floats) -> list[npt.NDArray[np.bool_]]:
    """Which generators run in each interval: all, unless the unit has an order of its blocks."""
    if unit not in BLOCK_ORDER:
        return [np.ones(len(gross), dtype=np.bool_) for _ in emcs]
    order = [number - 1 for number in BLOCK_ORDER[unit]]
    needed = np.ceil(gross / (emcs[0].capacity_mw * FULL_BLOCK))
    return [
        needed > order.index(place) if place in order else np.zeros(len(gross), dtype=np.bool_)
        for place in range(len(emcs))
    ]


def _generation(unit: str, emcs: list[Emc], net: Floats, slots: Slots) -> dict[str, tuple[Floats, Floats]]:
    """(A+, A−) in MW of a station's metering complexes; their balance is the unit's net power."""
    blocks = [emc for emc in emcs if emc.role == "generation"]
    taken = {emc.code: emc.capacity_mw * OWN_NEEDS + 0 * net for emc in emcs if emc.role == "auxiliary"}
    running = _running(unit, blocks, net)
    draws = [np.where(runs, 0, IDLE_DRAW * emc.capacity_mw) for runs, emc in zip(running, blocks, strict=True)]
    gross = net + sum(draws) + sum(taken.values())
    shares = [share * runs for share, runs in zip(_shares(blocks, slots), running, strict=True)]
    all_shares = sum(shares)
    found = {emc.code: (draw, gross * share / all_shares)
             for emc, draw, share in zip(blocks, draws, shares, strict=True)}  # fmt: skip
    return found | {code: (draw, 0 * net) for code, draw in taken.items()}


def _lines(emcs: list[Emc], export: Floats, slots: Slots) -> dict[str, tuple[Floats, Floats]]:
    """(A+, A−) of interchange lines: A− leaves the country."""
    flows = [export * share for share in _shares(emcs, slots)]
    return {emc.code: (np.maximum(-flow, 0), np.maximum(flow, 0)) for emc, flow in zip(emcs, flows, strict=True)}


def _reactive(emc: Emc, taken: Floats, given: Floats, slots: Slots) -> tuple[Floats, Floats]:
    """(R+, R−) in MW-like units: 500 kV lines are charged, loads take, generators give."""
    unrest = 1 + 0.1 * drift(f"reactive {emc.code}", slots, 10) + 0.01 * white(f"reactive {emc.code}", slots)
    if emc.role in ("interchange", "balancing"):
        return 0 * taken, CHARGING * emc.capacity_mw * unrest
    return TAKEN * taken * unrest, GIVEN * given * unrest


@lru_cache(maxsize=16)
def energy(day: date, script: Script = QUIET) -> Energies:
    """Wh of every channel (rows, as `fleet().channels`) in every interval (columns) of an operating day, read-only."""
    of, slots = fleet(), np.array(day_slots(day), dtype=np.int64)
    mw = powers(day, script)
    by_unit: dict[str, list[Emc]] = {}
    for emc in of.emcs:
        by_unit.setdefault(emc.unit, []).append(emc)

    flows: dict[str, tuple[Floats, Floats]] = {}
    balancing: dict[str, list[Emc]] = {}
    for unit in of.units:
        emcs, net = by_unit[unit.code], mw.units[unit.code]
        if unit.kind == "generation":
            flows |= _generation(unit.code, emcs, net, slots)
        elif unit.kind == "consumption":
            shares = _shares(emcs, slots)
            flows |= {emc.code: (net * share, 0 * net) for emc, share in zip(emcs, shares, strict=True)}
        else:
            flows |= _lines([emc for emc in emcs if emc.role == "interchange"], net, slots)
            free = [emc for emc in emcs if emc.role == "balancing"]
            balancing.setdefault(grid_of(of.facility_of[unit.facility]), []).extend(free)
    for grid, emcs in balancing.items():
        flows |= _lines(emcs, mw.balancing[grid], slots)

    rows = np.empty((len(of.channels), len(slots)), dtype=np.int64)
    for place, emc in enumerate(of.emcs):
        taken, given = flows[emc.code]
        for code, flow in enumerate((taken, given, *_reactive(emc, taken, given, slots))):
            rows[place * len(CODES) + code] = np.rint(flow * WH_A_MW)
    rows.setflags(write=False)
    return rows


def unit_facts(energies: Energies) -> dict[str, Energies]:
    """Each unit's fact by interval, Wh: the signed sum of its channels."""
    signs = np.array(fleet().signs, dtype=np.int64)
    return {
        unit: np.asarray(signs[list(rows)] @ energies[list(rows)], dtype=np.int64)
        for unit, rows in fleet().rows_of_unit.items()
    }
