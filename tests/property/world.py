"""A small power system: three DCTUs on two partitions, nine channels, four units, two entities.

One channel moves from a unit to another, one from a DCTU to another (and so to another partition), one ends, one is
registered late, one is measured but not summed, one belongs to no unit, two are subtracted.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from connectors.membership import ABOVE, KINDS, Membership
from connectors.snapshot import Snapshot
from schemas.time import FIRST_SLOT, LAST_SLOT, slot_from, slot_of, slot_start

PARTITIONS = 2
START = datetime(2026, 3, 2, tzinfo=UTC)
ZERO = slot_of(START)
MAX_WH = 1000

COLUMNS = {
    "entities": "entity,name,bin,provider",
    "facilities": "facility,name,entity,zone,region,branch,hub,lat,lon",
    "units": "unit,name,facility,kind,fuel,capacity_mw",
    "dctus": "dctu,name,facility",
    "channels": "emc,code,dctu,unit,sign,max_kwh",
}


def minute(minutes: float) -> datetime:
    """An instant of the history, in minutes from its start."""
    return START + timedelta(minutes=minutes)


class Row(NamedTuple):
    """A line of a file of master data; `first` and `end` are intervals from the start of the history, or for ever."""

    file: str
    cells: str
    first: int | None = None
    end: int | None = None

    @property
    def code(self) -> str:
        """What the row is of: EMC/code of a channel."""
        cells = self.cells.split(",")
        return "/".join(cells[:2]) if self.file == "channels" else cells[0]

    @property
    def line(self) -> str:
        """The line of the file."""
        return ",".join([self.cells, *("" if k is None else slot_start(ZERO + k).isoformat() for k in self[2:])])


class Import(NamedTuple):
    """One import of master data, received at a minute of the history."""

    received: float
    rows: list[Row]

    def write(self, folder: Path) -> Path:
        """As files."""
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*.csv"):
            old.unlink()
        for file in {row.file for row in self.rows}:
            lines = [f"{COLUMNS[file]},valid_from,valid_to", *(row.line for row in self.rows if row.file == file)]
            (folder / f"{file}.csv").write_text("\n".join(lines), encoding="utf-8")
        return folder


BASE = [
    Import(
        0,
        [
            Row("entities", "K,Kegoc,,"),
            Row("entities", "L,Likom,,K"),
            Row("facilities", "F,Fort,K,NS,R1,B1,H1,,"),
            Row("facilities", "G,Gora,L,W,R2,B1,,,"),
            Row("units", "UG,,F,generation,coal,"),
            Row("units", "UC,,G,consumption,,"),
            Row("units", "UE,,F,interchange,,"),
            Row("units", "UX,,G,consumption,,"),
            Row("dctus", "DA,,F"),
            Row("dctus", "DB,,F"),
            Row("dctus", "DC,,G"),
            Row("channels", "M1,01,DA,UG,1,1"),
            Row("channels", "M1,02,DA,UG,-1,1"),
            Row("channels", "M2,01,DA,UC,1,1"),
            Row("channels", "M2,01,DA,UG,1,1", 5),
            Row("channels", "M2,03,DA,,,1"),
            Row("channels", "M3,01,DB,UC,1,1", None, 9),
            Row("channels", "M3,02,DB,UE,0,1"),
            Row("channels", "M4,01,DC,UE,-1,1"),
            Row("channels", "M5,01,DA,UC,1,1"),
            Row("channels", "M5,01,DC,UC,1,1", 6),
        ],
    ),
    Import(37, [Row("channels", "M6,01,DC,UC,1,1")]),
]
# What an import may change while frames come: nothing of who is admitted (a DCTU, a limit, a validity).
CHANGES = [
    Import(50, [Row("channels", "M1,02,DA,UC,-1,1", 4)]),
    Import(65, [Row("channels", "M3,01,DB,UC,-1,1", 2, 9)]),
    Import(80, [Row("facilities", "G,Gora,K,NS,R2,B1,,,", 7)]),
    Import(80, [Row("units", "UC,,F,consumption,,", 3)]),
    Import(95, [Row("entities", "L,Likom,,", 1)]),
    Import(110, [Row("facilities", "F,Fort,K,Z9,R1,B1,H1,,")]),
]
CHANNELS = sorted({row.code for one in BASE for row in one.rows if row.file == "channels"})
DCTUS = ["DA", "DB", "DC"]


class Assigned(NamedTuple):
    """What the master data say of a channel at an interval; no unit: measured but not summed."""

    dctu: str
    unit: str
    sign: int
    expected: bool


class Member(NamedTuple):
    """What they say of a unit: its kind, itself and the nodes above it, in the order of the columns of membership."""

    kind: str
    nodes: list[tuple[str, str] | None]


@dataclass(eq=False)
class World:
    """The master data after some imports, read row by row."""

    imports: tuple[Import, ...]
    _assigned: dict[tuple[str, int], Assigned | None] = field(default_factory=dict, init=False)
    _member: dict[tuple[str, int], Member | None] = field(default_factory=dict, init=False)

    @cached_property
    def periods(self) -> dict[tuple[str, str], list[Row]]:
        """Rows by what they are of, one a start, in order: the last import of a start rules."""
        latest: dict[tuple[str, str], dict[int, Row]] = {}
        for one in self.imports:
            for row in one.rows:
                first = -(10**9) if row.first is None else row.first
                latest.setdefault((row.file, row.code), {})[first] = row
        return {key: [starts[first] for first in sorted(starts)] for key, starts in latest.items()}

    @cached_property
    def registered(self) -> dict[tuple[str, str], int]:
        """The first interval from the registration of every channel (kind `channel`) and node, as slots."""
        first: dict[tuple[str, str], int] = {}
        for one in self.imports:
            slot = slot_from(minute(one.received))
            for key in {key for row in one.rows for key in _named(row)} | {("system", "system")}:
                first.setdefault(key, slot)
        return first

    def valid(self, file: str, code: str, slot: int) -> list[str] | None:
        """The cells that hold of a code at a slot."""
        rows = [row for row in self.periods.get((file, code), []) if row.first is None or ZERO + row.first <= slot]
        if not rows or (rows[-1].end is not None and slot >= ZERO + rows[-1].end):
            return None
        return rows[-1].cells.split(",")

    def assigned(self, channel: str, slot: int) -> Assigned | None:
        """What holds of a channel."""
        key = (channel, slot)
        if key not in self._assigned:
            self._assigned[key] = self._find_assigned(channel, slot)
        return self._assigned[key]

    def _find_assigned(self, channel: str, slot: int) -> Assigned | None:
        cells = self.valid("channels", channel, slot)
        if cells is None:
            return None
        sign = int(cells[4] or 0)
        return Assigned(cells[2], cells[3] if sign else "", sign, self.registered["channel", channel] <= slot)

    def member(self, unit: str, slot: int) -> Member | None:
        """What holds of a unit: it exists while its facility and its entity do."""
        key = (unit, slot)
        if key not in self._member:
            self._member[key] = self._find_member(unit, slot)
        return self._member[key]

    def _find_member(self, unit: str, slot: int) -> Member | None:
        of_unit = self.valid("units", unit, slot)
        facility = self.valid("facilities", of_unit[2], slot) if of_unit else None
        entity = self.valid("entities", facility[2], slot) if facility else None
        if of_unit is None or facility is None or entity is None:
            return None
        above = [
            ("unit", unit), ("facility", facility[0]), ("entity", entity[0]), ("provider", entity[3] or entity[0]),
            ("hub", facility[6]), ("region", facility[4]), ("branch", facility[5]), ("zone", facility[3]),
            ("system", "system"),
        ]  # fmt: skip
        return Member(of_unit[3], [node if node[1] else None for node in above])

    @property
    def units(self) -> list[str]:
        """The codes of all units."""
        return sorted(code for file, code in self.periods if file == "units")

    @cached_property
    def pieces(self) -> list[tuple[int, int]]:
        """Periods within which no row begins or ends, as slots."""
        edges = {ZERO + k for rows in self.periods.values() for row in rows for k in row[2:] if k is not None}
        cuts = sorted({FIRST_SLOT, LAST_SLOT, *edges})
        return list(itertools.pairwise(cuts))

    @cached_property
    def ids(self) -> dict[tuple[str, str], int]:
        """Identifiers of channels, DCTUs and nodes."""
        keys = [*((("dctu", dctu)) for dctu in DCTUS), *sorted(self.registered)]
        return {key: number for number, key in enumerate(keys, start=1)}

    @cached_property
    def snapshot(self) -> Snapshot:
        """As collect reads it."""
        rows = []
        for channel in CHANNELS:
            for first, end in self.pieces:
                held = self.assigned(channel, first)
                if held is not None:
                    registered = self.registered["channel", channel]
                    unit = self.ids["unit", held.unit] if held.unit else 0
                    ids = (self.ids["channel", channel], self.ids["dctu", held.dctu], unit)
                    rows.append((*ids, held.sign if unit else 0, MAX_WH, first, end, registered))
        units = {self.ids["unit", unit]: unit for unit in self.units}
        return Snapshot(
            len(self.imports),
            {channel: self.ids["channel", channel] for channel in CHANNELS},
            {dctu: self.ids["dctu", dctu] for dctu in DCTUS},
            units,
            *np.array(rows, np.int64).T,
        )

    @cached_property
    def membership(self) -> Membership:
        """As balance reads it."""
        rows, above, assigned = [], [], []
        for first, end in self.pieces:
            for unit in self.units:
                member = self.member(unit, first)
                if member is not None:
                    rows.append((self.ids["unit", unit], KINDS.index(member.kind), first, end))
                    above.append([self.ids[node] if node else 0 for node in member.nodes[1:]])
            for channel in CHANNELS:
                held = self.assigned(channel, first)
                if held is not None and held.unit:
                    expected_from = max(first, self.registered["channel", channel])
                    assigned.append((self.ids["unit", held.unit], expected_from, end))
        assert len(above[0]) == len(ABOVE)
        nodes = {self.ids[key]: key for key in self.registered if key[0] != "channel"}
        registered = {number: self.registered[key] for number, key in nodes.items()}
        columns = [*np.array(rows, np.int64).T, np.array(above, np.int64), *np.array(assigned, np.int64).T]
        return Membership(len(self.imports), nodes, registered, *columns)


def _named(row: Row) -> Iterable[tuple[str, str]]:
    """The channel or nodes that a row makes known."""
    cells = row.cells.split(",")
    match row.file:
        case "channels":
            return [("channel", row.code)]
        case "entities":
            return [("entity", cells[0]), ("provider", cells[3] or cells[0])]
        case "facilities":
            above = [("zone", cells[3]), ("region", cells[4]), ("branch", cells[5]), ("hub", cells[6])]
            return [("facility", cells[0]), *(node for node in above if node[1])]
        case "units":
            return [("unit", cells[0])]
    return []


@cache
def world_with(changes: tuple[int, ...]) -> World:
    """The base, and some of the changes."""
    return World((*BASE, *(CHANGES[number] for number in changes)))
