"""A small power system: DCTUs of fifty channels, the units that they add to, and every node above those."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

KINDS = ("generation", "consumption", "interchange")
MAX_KWH = 10**9
# Sums, subtractions, and what is measured but not summed.
SIGNS = {"01": 1, "02": -1, "03": 0, "04": 0}

Row = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit and the nodes above it, as (kind, code)."""

    code: str
    kind: str
    above: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Fleet:
    """`dctus[i]` has the channels `channels[dctus[i]]`; a channel adds `sign` times its Wh to a unit, or to none."""

    size: int
    emcs_a_dctu: int = 13
    dctus: list[str] = field(init=False, default_factory=list)
    channels: dict[str, list[str]] = field(init=False, default_factory=dict)
    assigned: dict[str, tuple[str, int]] = field(init=False, default_factory=dict)
    units: dict[str, Unit] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Facility i holds DCTU i and two or three units, which share its metering complexes by turns."""
        for i in range(self.size):
            dctu, units = f"DC{i:03d}", [f"U{i:03d}{kind[0]}" for kind in KINDS[: 2 + i % 2]]
            self.dctus.append(dctu)
            for unit, kind in zip(units, KINDS, strict=False):
                self.units[unit] = Unit(unit, kind, tuple(self._above(i)))
            emcs = [f"E{i:03d}{j:02d}" for j in range(self.emcs_a_dctu)]
            self.channels[dctu] = [f"{emc}/{code}" for emc in emcs for code in SIGNS]
            for j, emc in enumerate(emcs):
                # The last complex of each DCTU belongs to no unit.
                unit = units[j % len(units)] if j < len(emcs) - 1 else ""
                for code, sign in SIGNS.items():
                    self.assigned[f"{emc}/{code}"] = (unit, sign if unit else 0)

    def _above(self, i: int) -> Iterable[tuple[str, str]]:
        entity = i // 3
        yield "facility", f"F{i:03d}"
        yield "entity", f"N{entity:03d}"
        yield "provider", f"N{entity - entity % 4:03d}"
        for kind, (letter, number) in self._places(i).items():
            yield kind, f"{letter}{number}"
        yield "system", "system"

    def _places(self, i: int) -> dict[str, tuple[str, int]]:
        return {"zone": ("Z", i % 3), "region": ("R", i % 7), "branch": ("B", i % 5), "hub": ("H", i % 4)}

    def write_files(self, folder: Path) -> Path:
        """The files that `tengerim registry import` reads."""
        folder.mkdir(parents=True, exist_ok=True)
        entities = [(f"N{n:03d}", f"Entity {n}", "", f"N{n - n % 4:03d}") for n in range(-(-self.size // 3))]
        facilities: list[Row] = []
        for i in range(self.size):
            zone, region, branch, hub = (f"{letter}{n}" for letter, n in self._places(i).values())
            facilities.append((f"F{i:03d}", f"Facility {i}", f"N{i // 3:03d}", zone, region, branch, hub, "", ""))
        units = [(unit.code, unit.code, f"F{unit.code[1:4]}", unit.kind, "", "") for unit in self.units.values()]
        dctus = [(dctu, dctu, f"F{dctu[2:]}") for dctu in self.dctus]
        channels: list[Row] = []
        for dctu in self.dctus:
            of_dctu = self.channels[dctu]
            channels += ((*channel.split("/"), dctu, *self.assigned[channel], MAX_KWH) for channel in of_dctu)
        _write(folder / "entities.csv", ("entity", "name", "bin", "provider"), entities)
        places = ("zone", "region", "branch", "hub", "lat", "lon")
        _write(folder / "facilities.csv", ("facility", "name", "entity", *places), facilities)
        _write(folder / "units.csv", ("unit", "name", "facility", "kind", "fuel", "capacity_mw"), units)
        _write(folder / "dctus.csv", ("dctu", "name", "facility"), dctus)
        _write(folder / "channels.csv", ("emc", "code", "dctu", "unit", "sign", "max_kwh"), channels)
        return folder


def _write(path: Path, columns: Iterable[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
