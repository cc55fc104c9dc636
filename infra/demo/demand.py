"""What the country takes: the power of every consumer and every region's grid in an interval, in MW."""

import numpy as np

from infra.demo.fleet import mean_loads
from infra.demo.noise import Floats, Slots, drift, white
from infra.demo.profiles import STEPS_A_DAY, bump, hour_of_day, relative
from infra.demo.tables import rows

# A region's grid as a mixture of SimBench's consumers: households, trade, shops, farms, towns' substations, works.
GRIDS = {
    "city": {"H0-H": 0.30, "G0-M": 0.15, "HS17": 0.25, "HS23": 0.30},
    "north": {"H0-H": 0.25, "G0-M": 0.05, "HS17": 0.15, "HS23": 0.30, "HS26": 0.25},
    "south": {"H0-H": 0.35, "G4-M": 0.05, "HS17": 0.45, "L2-M": 0.15},
    "west": {"H0-H": 0.30, "G0-M": 0.05, "HS23": 0.35, "HS3": 0.30},
}
# Works: the profile, and how much of its swing they show.
WORKS = {
    "furnace": ("HS25", 0.15),
    "steady": ("HS16", 0.15),
    "industry": ("G3-H", 0.45),
    "traction": ("HS3", 0.60),
}
# Calibrated on a working day: the system's peak at about 15.5 GW and its night at 0.78 of it.
GRID_WINTER, WORKS_WINTER, GRID_SWING = 1.17, 1.03, 0.60
# Many consumers together are smoother than SimBench's one: a mean over this many intervals.
SMOOTH = 7
# Clocks are the same in the whole country, the sun is not: habits follow it by half.
MERIDIAN_LON, DEGREES_AN_HOUR, HABIT = 72.0, 15.0, 0.5


def _grid(row: dict[str, str], slots: Slots) -> Floats:
    """A region's grid over its yearly mean."""
    later_h = HABIT * (MERIDIAN_LON - float(row["lon"])) / DEGREES_AN_HOUR
    half = SMOOTH // 2
    wide = np.arange(slots[0] - half, slots[-1] + half + 1)
    mixture = GRIDS[row["shape"]]
    mixed = np.sum([share * relative(name, wide, later_h) for name, share in mixture.items()], axis=0)
    shape = np.convolve(mixed, np.full(SMOOTH, 1 / SMOOTH), mode="valid")
    weather = 0.012 * drift(f"weather {row['region']}", slots, 4 * STEPS_A_DAY)
    habit = 0.008 * drift(f"load {row['facility']}", slots, 12) + 0.003 * white(f"load {row['facility']}", slots)
    return np.asarray(GRID_WINTER * (1 + GRID_SWING * (shape - 1)) * (1 + weather + habit), dtype=np.float64)


def _works(row: dict[str, str], slots: Slots) -> Floats:
    """A works over its yearly mean. Miners run flat and stand still at the system's peaks."""
    name = row["facility"]
    if row["shape"] == "mining":
        hours = hour_of_day(slots)
        shape = 1.15 - 1.05 * (bump(hours, 8, 11, 0.25) + bump(hours, 17, 22, 0.25))
        return np.asarray(shape * (1 + 0.004 * white(name, slots)), dtype=np.float64)
    profile, swing = WORKS[row["shape"]]
    noise = 0.02 * drift(f"works {name}", slots, 20) + 0.008 * white(f"works {name}", slots)
    return np.asarray(WORKS_WINTER * (1 + swing * (relative(profile, slots) - 1)) * (1 + noise), dtype=np.float64)


def demand(slots: Slots) -> dict[str, Floats]:
    """MW of each consumer by facility, over consecutive intervals."""
    means = mean_loads()
    return {
        row["facility"]: means[row["facility"]] * (_works(row, slots) if row["mean_mw"] else _grid(row, slots))
        for row in rows("loads")
    }
