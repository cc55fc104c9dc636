"""What the stations deliver in an interval, in MW net: each by the nature of its fuel, the rest by the regulators."""

import numpy as np

from infra.demo.fleet import Facility
from infra.demo.noise import Floats, Slots, drift, pick, white
from infra.demo.plants import Plant, stations
from infra.demo.profiles import at, bump, hour_of_day, relative

# Stations that follow the demand: condensing blocks and, in the West, the Mangystau complex.
REGULATORS = {
    "main": ("AKSGRES", "GRES2", "TOPGRES", "ZHMGRES"),
    "west": ("MAEKCHP2", "MAEKTPP3", "MAEKCHP1"),
}
# GRES-1 stands apart: five of eight blocks run, at 416 MW each.
GRES1, GRES1_MW = "GRES1", 2080.0
# Winter suns are brighter than SimBench's German ones; its noon is that of this longitude at the country's time.
SUN, NOON_LON, DEGREES_AN_HOUR = 1.6, 70.0, 15.0
# Wind farms: the usual level over capacity, and how much of the profile's swing around it they show.
WIND, CALM = 0.32, 0.55
_WIND = ("WP1", "WP5", "WP9", "WP12")
_SUN = ("PV3", "PV4", "PV6")
_GAS = ("BM1", "BM4")
_STARTS = ("pp_75", "pp_77", "pp_88")


def _choice(names: tuple[str, ...], what: str) -> str:
    return names[pick(what, 0, len(names))]


def _solar(station: str, slots: Slots, lon: float) -> Floats:
    """SimBench's sun, moved to the hour of the place."""
    shape = at(_choice(_SUN, station), slots, (NOON_LON - lon) / DEGREES_AN_HOUR)
    return np.clip(SUN * shape * (1 + 0.06 * white(station, slots)), 0, 0.92)


def _wind(station: str, slots: Slots) -> Floats:
    """SimBench's wind, a little earlier or later from station to station, and calmer: a farm is wider than a point."""
    name = _choice(_WIND, station)
    shape = WIND + CALM * (at(name, slots, pick(f"front {station}", 0, 9) - 4.0) - WIND)
    gusts = 0.06 * drift(station, slots, 3) + 0.02 * white(station, slots)
    return np.clip(shape * (1 + gusts), 0, 0.97)


def _reservoir(station: str, slots: Slots) -> Floats:
    """Two peaks a day, on top of what must run for heat, fish and ice."""
    hours = hour_of_day(slots)
    peaks = 0.18 * bump(hours, 7.75, 11.5, 2.5) + 0.32 * bump(hours, 17, 21.25, 2.5)
    return (0.28 + peaks) * (1 + 0.03 * drift(station, slots, 16) + 0.008 * white(station, slots))


def _river(station: str, slots: Slots) -> Floats:
    """Winter flow."""
    return 0.38 * relative("Hydro3", slots) * (1 + 0.02 * drift(station, slots, 24))


def _heat(station: str, slots: Slots) -> Floats:
    """A heat-led station: base load, a little more in the cold of the night's end, 2 % noise."""
    level = 0.80 + 0.0016 * pick(f"level {station}", 0, 51)
    cold = 0.02 * bump(hour_of_day(slots), 4, 10, 3)
    noise = 0.02 * drift(f"heat {station}", slots, 10) + 0.006 * white(f"heat {station}", slots)
    season = 0.02 * drift(f"season {station}", slots, 96)
    return (level + cold) * (1 + season + noise)


def _gas(station: str, slots: Slots) -> Floats:
    """A gas-fired heat station: SimBench's biomass stations wander alike."""
    shape = 1 + 0.12 * (relative(_choice(_GAS, station), slots) - 1)
    return 0.70 * shape * (1 + 0.012 * white(station, slots))


def _turbines(station: str, slots: Slots) -> Floats:
    """Gas turbines at the oil fields: most run on, some go down and up with SimBench's schedules."""
    running = at(_choice(_STARTS, station), slots) / 0.7
    return (0.70 + 0.08 * running) * (1 + 0.015 * drift(station, slots, 8) + 0.006 * white(station, slots))


def _level(station: str, plant: Plant, slots: Slots) -> Floats:
    """Power of a station over its capacity, by its largest plant."""
    match plant.fuel:
        case "solar":
            return _solar(station, slots, plant.lon)
        case "wind":
            return _wind(station, slots)
        case "hydro":
            return (_reservoir if plant.technology == "Reservoir" else _river)(station, slots)
        case "coal":
            return _heat(station, slots)
        case _:
            return (_gas if plant.heat or plant.technology == "CCGT" else _turbines)(station, slots)


def must_run(slots: Slots) -> dict[str, Floats]:
    """MW net of every station that does not regulate."""
    regulators = {station for group in REGULATORS.values() for station in group}
    found: dict[str, Floats] = {}
    for station, members in stations().items():
        if station in regulators:
            continue
        if station == GRES1:
            noise = 0.004 * drift(station, slots, 8) + 0.002 * white(station, slots)
            found[station] = GRES1_MW * (1 + noise)
            continue
        largest = max(members, key=lambda plant: plant.capacity_mw)
        total = sum(plant.capacity_mw for plant in members)
        found[station] = np.asarray(total * _level(station, largest, slots), dtype=np.float64)
    return found


def regulators(grid: str, rest: Floats, slots: Slots, capacity: dict[str, float]) -> dict[str, Floats]:
    """MW net of the regulating stations of a grid (`main`, `west`) that share `rest` by their size."""
    names = REGULATORS[grid]
    total = sum(capacity[name] for name in names)
    uneven = {name: 1 + 0.03 * drift(f"share {name}", slots, 14) for name in names}
    weight = sum(capacity[name] * uneven[name] for name in names) / total
    return {
        name: rest * capacity[name] / total * uneven[name] / weight * (1 + 0.004 * white(name, slots)) for name in names
    }


def grid_of(facility: Facility) -> str:
    """The synchronous part a facility works in: the West has its own, North and South are one."""
    return "west" if facility.region.zone == "WEST" else "main"
