"""The 144 power plants, and which station (facility) each belongs to: cascades and neighbours are one station."""

from dataclasses import dataclass
from functools import cache

from infra.demo.tables import rows


@dataclass(frozen=True)
class Plant:
    """One plant: its place, its nameplate, and how many generators or inputs are metered apart."""

    name: str
    fuel: str
    technology: str
    heat: bool
    capacity_mw: float
    year: int
    lat: float
    lon: float
    station: str
    blocks: int


@cache
def plants() -> tuple[Plant, ...]:
    """All plants, in the order of the data set; `fuel` is coal, gas, hydro, solar or wind, `heat` a CHP."""
    return tuple(
        Plant(
            name=row["name"],
            fuel=row["fuel"],
            technology=row["technology"],
            heat=row["set"] == "CHP",
            capacity_mw=float(row["capacity_mw"]),
            year=int(row["year"]),
            lat=float(row["lat"]),
            lon=float(row["lon"]),
            station=row["facility"],
            blocks=int(row["blocks"]),
        )
        for row in rows("plants")
    )


@cache
def stations() -> dict[str, tuple[Plant, ...]]:
    """The plants of each station, by the station's code, in the order of `data/stations.csv`."""
    return {
        row["facility"]: tuple(plant for plant in plants() if plant.station == row["facility"])
        for row in rows("stations")
    }
