"""The 14 regions (borders before 2022) with their zone, branch of the system operator, energy hub and yearly demand."""

from dataclasses import dataclass
from functools import cache
from math import cos, radians

from infra.demo.tables import rows

HOURS_A_YEAR = 8760


@dataclass(frozen=True)
class Region:
    """Where a facility lies, from the region up to the balancing zone."""

    code: str
    name: str
    zone: str
    branch: str
    hub: str
    mean_mw: float


@cache
def regions() -> dict[str, Region]:
    """The regions by code; `mean_mw` is the yearly consumption spread over the year."""
    return {
        row["region"]: Region(
            code=row["region"],
            name=row["name"],
            zone=row["zone"],
            branch=row["branch"],
            hub=row["hub"],
            mean_mw=float(row["demand_gwh"]) * 1000 / HOURS_A_YEAR,
        )
        for row in rows("regions")
    }


def region_at(lat: float, lon: float) -> Region:
    """The region of the nearest town: regions are larger than a capital's neighbourhood, so each has several towns."""

    def distance(town: dict[str, str]) -> float:
        east = (float(town["lon"]) - lon) * cos(radians(lat))
        return (float(town["lat"]) - lat) ** 2 + east**2

    return regions()[min(rows("towns"), key=distance)["region"]]
