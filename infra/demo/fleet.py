"""The fleet: entities, facilities, units, DCTUs, metering complexes and channels, always the same.

A unit's fact is the sum of sign × energy of its channels; 01 is A+ and 02 is A−, as the metered connection sees them:

    role          01 (A+)   02 (A−)   so that the fact is
    generation      −1        +1      delivered energy, net of what idle blocks draw …
    auxiliary       −1         0      … and of what the station's own needs take from the grid
    consumption     +1        −1      energy taken
    interchange     −1        +1      export positive: A− is what leaves the country
    balancing        0         0      measured, not summed

Codes 03 and 04, reactive energy, are measured and never summed. A balancing line carries what nobody planned: were it
summed, it would cancel every deviation of the system, for the physical balance always closes. Unsummed, it is the
independent witness of the system's imbalance.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from math import floor

from infra.demo.geography import Region, region_at, regions
from infra.demo.plants import Plant, stations
from infra.demo.tables import rows

CODES = ("01", "02", "03", "04")
SIGNS = {
    "generation": (-1, 1, 0, 0),
    "auxiliary": (-1, 0, 0, 0),
    "consumption": (1, -1, 0, 0),
    "interchange": (-1, 1, 0, 0),
    "balancing": (0, 0, 0, 0),
}
# A channel's physical limit over the rated power of its connection.
MARGIN = 1.05
# Stations from this size on meter the transformer of their own needs; the largest have two.
AUXILIARY_FROM_MW, TWO_AUXILIARIES_FROM_MW = 100, 2000
# What a consumer's connection may take over its yearly mean: winter, the peak, and a feeder out of service.
INDUSTRY_ROOM, GRID_ROOM, FEEDER_ROOM = 1.5, 2.0, 1.4


@dataclass(frozen=True)
class Entity:
    """A market entity; its balance provider is itself or another entity."""

    code: str
    name: str
    bin: str
    provider: str


@dataclass(frozen=True)
class Facility:
    """A station, a works, a region's grid or an interchange point."""

    code: str
    name: str
    entity: str
    region: Region
    lat: float
    lon: float


@dataclass(frozen=True)
class Unit:
    """What has a daily schedule; `kind` is generation, consumption or interchange."""

    code: str
    name: str
    facility: str
    kind: str
    fuel: str
    capacity_mw: float


@dataclass(frozen=True)
class Dctu:
    """A data collection and transmission unit."""

    code: str
    name: str
    facility: str


@dataclass(frozen=True)
class Emc:
    """An electricity metering complex; `role` is a key of `SIGNS`."""

    code: str
    connection: str
    role: str
    voltage_kv: int
    capacity_mw: float
    dctu: str
    unit: str

    @property
    def max_wh(self) -> int:
        """The most that a quarter-hour can bring, Wh."""
        return floor(self.capacity_mw * 250_000 * MARGIN)

    @property
    def channels(self) -> tuple[str, ...]:
        """The four channels as EMC/code."""
        return tuple(f"{self.code}/{code}" for code in CODES)


@dataclass(frozen=True)
class Fleet:
    """All master data of the demonstration, in the order in which it is written."""

    entities: tuple[Entity, ...]
    facilities: tuple[Facility, ...]
    units: tuple[Unit, ...]
    dctus: tuple[Dctu, ...]
    emcs: tuple[Emc, ...]

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Every channel as EMC/code: the rows of a day's matrix."""
        return tuple(channel for emc in self.emcs for channel in emc.channels)

    @cached_property
    def signs(self) -> tuple[int, ...]:
        """The sign of every channel in its unit's sum."""
        return tuple(sign for emc in self.emcs for sign in SIGNS[emc.role])

    @cached_property
    def facility_of(self) -> dict[str, Facility]:
        """Facilities by code."""
        return {facility.code: facility for facility in self.facilities}

    @cached_property
    def rows_of_unit(self) -> dict[str, tuple[int, ...]]:
        """The channels (rows) of each unit."""
        return self._rows_by([emc.unit for emc in self.emcs])

    @cached_property
    def rows_of_dctu(self) -> dict[str, tuple[int, ...]]:
        """The channels (rows) of each DCTU."""
        return self._rows_by([emc.dctu for emc in self.emcs])

    def dctus_of_entity(self, entity: str) -> tuple[str, ...]:
        """All DCTUs of an entity."""
        return tuple(dctu.code for dctu in self.dctus if self.facility_of[dctu.facility].entity == entity)

    @staticmethod
    def _rows_by(owners: list[str]) -> dict[str, tuple[int, ...]]:
        found: dict[str, list[int]] = {}
        for place, owner in enumerate(owners):
            found.setdefault(owner, []).extend(range(place * len(CODES), (place + 1) * len(CODES)))
        return {owner: tuple(rows_of) for owner, rows_of in found.items()}


@dataclass(frozen=True)
class Connection:
    """One metered connection of a facility before it has codes."""

    letter: str
    name: str
    role: str
    voltage_kv: int
    capacity_mw: float


def _voltage(capacity_mw: float) -> int:
    """The grid that a connection of this size joins."""
    for least_mw, voltage_kv in ((250, 500), (60, 220), (10, 110), (2, 35)):
        if capacity_mw >= least_mw:
            return voltage_kv
    return 10


_BLOCK_NAMES = {
    "coal": "Блок № {}",
    "gas": "Турбогенератор № {}",
    "hydro": "Гидроагрегат № {}",
    "solar": "Ввод СЭС № {}",
    "wind": "Ввод ВЭС № {}",
}


def _station_connections(members: tuple[Plant, ...]) -> list[Connection]:
    made = []
    for plant in members:
        each = plant.capacity_mw / plant.blocks
        for number in range(1, plant.blocks + 1):
            name = _BLOCK_NAMES[plant.fuel].format(number)
            if len(members) > 1:
                name = f"{plant.name}: {name}"
            made.append(Connection("B", name, "generation", _voltage(each), each))
    total = sum(plant.capacity_mw for plant in members)
    if members[0].fuel in ("coal", "gas") and total >= AUXILIARY_FROM_MW:
        for number in range(1, 2 + (total >= TWO_AUXILIARIES_FROM_MW)):
            name = f"Резервный трансформатор собственных нужд № {number}"
            made.append(Connection("A", name, "auxiliary", 110, 0.02 * total))
    return made


def mean_loads() -> dict[str, float]:
    """Yearly mean MW of each consumer; a region's grid takes what its works leave of the region's demand."""
    left = {region.code: region.mean_mw for region in regions().values()}
    for row in rows("loads"):
        left[row["region"]] -= float(row["mean_mw"] or 0)
    return {row["facility"]: float(row["mean_mw"] or left[row["region"]]) for row in rows("loads")}


class _Builder:
    """Collects facilities with their units, DCTUs and metering complexes."""

    def __init__(self) -> None:
        self.facilities: list[Facility] = []
        self.units: list[Unit] = []
        self.dctus: list[Dctu] = []
        self.emcs: list[Emc] = []

    def add(self, facility: Facility, kind: str, fuel: str, capacity_mw: float, connections: list[Connection]) -> None:
        """One facility with one unit; a DCTU serves five connections, the largest facilities have three."""
        letter, title = {
            "generation": ("G", "выработка"),
            "consumption": ("C", "потребление"),
            "interchange": ("X", "сальдо-переток"),
        }[kind]
        unit = Unit(f"{facility.code}-{letter}", f"{facility.name}: {title}", facility.code, kind, fuel, capacity_mw)
        count = 1 + (len(connections) > 5) + (len(connections) > 9)
        dctus = [
            Dctu(f"{facility.code}-D{number}", f"УСПД {number}, {facility.name}", facility.code)
            for number in range(1, count + 1)
        ]
        self.facilities.append(facility)
        self.units.append(unit)
        self.dctus.extend(dctus)
        numbers: dict[str, int] = {}
        for place, one in enumerate(connections):
            numbers[one.letter] = numbers.get(one.letter, 0) + 1
            self.emcs.append(
                Emc(
                    code=f"{facility.code}-{one.letter}{numbers[one.letter]}",
                    connection=one.name,
                    role=one.role,
                    voltage_kv=one.voltage_kv,
                    capacity_mw=one.capacity_mw,
                    dctu=dctus[place * count // len(connections)].code,
                    unit=unit.code,
                )
            )

    def add_stations(self) -> None:
        """The stations of the 144 plants."""
        described = {row["facility"]: row for row in rows("stations")}
        for code, members in stations().items():
            row, largest = described[code], max(members, key=lambda plant: plant.capacity_mw)
            region = region_at(largest.lat, largest.lon)
            facility = Facility(code, row["name"], row["entity"], region, largest.lat, largest.lon)
            total = sum(plant.capacity_mw for plant in members)
            self.add(facility, "generation", largest.fuel, total, _station_connections(members))

    def add_loads(self) -> None:
        """Big consumers and the regions' grids."""
        for row in rows("loads"):
            grid = not row["mean_mw"]
            mean, feeders = mean_loads()[row["facility"]], int(row["feeders"])
            capacity = round(mean * (GRID_ROOM if grid else INDUSTRY_ROOM))
            each = capacity * FEEDER_ROOM / feeders
            name = "ПС 220/110 кВ № {}" if grid else "Ввод ГПП № {}"
            connections = [
                Connection("L", name.format(number), "consumption", min(_voltage(each), 220), each)
                for number in range(1, feeders + 1)
            ]
            region = regions()[row["region"]]
            place = float(row["lat"]), float(row["lon"])
            facility = Facility(row["facility"], row["name"], row["entity"], region, *place)
            self.add(facility, "consumption", "", capacity, connections)

    def add_interchanges(self) -> None:
        """Interchange points with the neighbours; they are the system operator's."""
        for row in rows("interchanges"):
            lines = [line for line in rows("lines") if line["facility"] == row["facility"]]
            connections = [
                Connection(
                    letter="W",
                    name=line["connection"],
                    role="interchange" if line["settled"] == "yes" else "balancing",
                    voltage_kv=int(line["voltage_kv"]),
                    capacity_mw=float(line["limit_mw"]),
                )
                for line in lines
            ]
            settled = sum(one.capacity_mw for one in connections if one.role == "interchange")
            region, place = regions()[row["region"]], (float(row["lat"]), float(row["lon"]))
            facility = Facility(row["facility"], row["name"], "KEGOC", region, *place)
            self.add(facility, "interchange", "", settled, connections)


@cache
def fleet() -> Fleet:
    """The whole fleet; the same at each call and on each machine."""
    # Invented numbers in the shape of a BIN: the fleet's figures are not the companies'.
    entities = tuple(
        Entity(row["entity"], row["name"], f"99{number:010d}", row["provider"] or row["entity"])
        for number, row in enumerate(rows("entities"), start=1)
    )
    builder = _Builder()
    builder.add_stations()
    builder.add_loads()
    builder.add_interchanges()
    return Fleet(entities, tuple(builder.facilities), tuple(builder.units), tuple(builder.dctus), tuple(builder.emcs))
