"""The fleet as the files that `tengerim registry import` reads."""

import csv
from collections.abc import Iterable
from datetime import date, timedelta
from math import sqrt
from pathlib import Path

from infra.demo.fleet import CODES, SIGNS, Emc, Fleet, fleet
from infra.demo.noise import pick

COLUMNS = {
    "entities": ("entity", "name", "bin", "provider"),
    "facilities": ("facility", "name", "entity", "zone", "region", "branch", "hub", "lat", "lon"),
    "units": ("unit", "name", "facility", "kind", "fuel", "capacity_mw"),
    "dctus": ("dctu", "name", "facility"),
    "channels": ("emc", "code", "dctu", "unit", "sign", "max_kwh"),
    "emcs": (
        "emc", "connection", "role", "voltage_kv", "ct_ratio", "vt_ratio",
        "ct_class", "vt_class", "meter_class", "serial", "verification_due",
    ),
}  # fmt: skip
_PRIMARIES_A = (50, 100, 150, 200, 300, 400, 600, 800, 1000, 1200, 1500, 2000, 3000, 4000, 6000)
_FIRST_VERIFICATION = date(2026, 1, 26)
_VERIFICATION_SPREAD_DAYS = 8 * 365

Row = tuple[str | int, ...]


def _emc_row(emc: Emc, number: int) -> Row:
    ampere = emc.capacity_mw * 1000 / (sqrt(3) * emc.voltage_kv)
    primary = next((size for size in _PRIMARIES_A if size >= ampere * 1.2), _PRIMARIES_A[-1])
    classes = ("0.2S", "0.2", "0.2S") if emc.voltage_kv >= 220 else ("0.5S", "0.5", "0.5S")
    due = _FIRST_VERIFICATION + timedelta(days=pick(f"due {emc.code}", 0, _VERIFICATION_SPREAD_DAYS))
    # To the registry a balancing line is an interchange like the others; its channels' signs tell the difference.
    role = "interchange" if emc.role == "balancing" else emc.role
    return (
        emc.code, emc.connection, role, emc.voltage_kv, primary // 5, emc.voltage_kv * 10,
        *classes, f"{20_000_000 + number * 137}", due.isoformat(),
    )  # fmt: skip


def _rows(table: str, of: Fleet) -> Iterable[Row]:
    match table:
        case "entities":
            for entity in of.entities:
                own = entity.provider == entity.code
                yield entity.code, entity.name, entity.bin, "" if own else entity.provider
        case "facilities":
            for one in of.facilities:
                place = one.region
                yield (
                    one.code, one.name, one.entity, place.zone, place.code, place.branch, place.hub,
                    f"{one.lat:g}", f"{one.lon:g}",
                )  # fmt: skip
        case "units":
            for unit in of.units:
                yield unit.code, unit.name, unit.facility, unit.kind, unit.fuel, f"{unit.capacity_mw:g}"
        case "dctus":
            for dctu in of.dctus:
                yield dctu.code, dctu.name, dctu.facility
        case "channels":
            for emc in of.emcs:
                for code, sign in zip(CODES, SIGNS[emc.role], strict=True):
                    yield emc.code, code, emc.dctu, emc.unit, sign, f"{emc.max_wh / 1000:.3f}"
        case "emcs":
            for number, emc in enumerate(of.emcs):
                yield _emc_row(emc, number)


def write_registry(folder: Path) -> None:
    """Writes the six files of master data into a folder, making it where needed; the same bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, columns in COLUMNS.items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(_rows(table, fleet()))
