"""Units and the nodes above them, made in memory."""

from typing import NamedTuple

import numpy as np

from connectors.membership import KINDS, Membership
from schemas.time import FIRST_SLOT, LAST_SLOT
from streams.nodes import Nodes
from tests.streams.making import NOON

NAMES = [
    *(("unit", f"U{i}") for i in range(1, 5)), *((kind, f"{kind[0].upper()}{i}") for kind in ("facility", "entity", "zone")
    for i in (1, 2)), ("provider", "E1"), ("hub", "H1"), ("region", "R1"), ("branch", "B1"), ("system", "system"),
]  # fmt: skip
NODE = {name: number for number, name in enumerate(NAMES, start=1)}


class Unit(NamedTuple):
    """A unit in a period, what lies above it ("" none), and from when to when channels of it are expected."""

    unit: str
    kind: str = "generation"
    facility: str = "F1"
    entity: str = "E1"
    hub: str = "H1"
    zone: str = "Z1"
    first: int = FIRST_SLOT
    end: int = LAST_SLOT
    expected: list[tuple[int, int]] = []  # noqa: RUF012 — a NamedTuple's default is never changed

    @property
    def nodes(self) -> list[tuple[str, str]]:
        """The unit and the nodes above it."""
        above = [
            ("unit", self.unit), ("facility", self.facility), ("entity", self.entity), ("provider", "E1"),
            ("hub", self.hub), ("region", "R1"), ("branch", "B1"), ("zone", self.zone), ("system", "system"),
        ]  # fmt: skip
        return [node for node in above if node[1]]


def nodes(*units: Unit, registered: dict[tuple[str, str], int] | None = None) -> Nodes:
    """These units; nodes are registered at NOON, or where it is said."""
    rows = [(NODE["unit", u.unit], KINDS.index(u.kind), u.first, u.end) for u in units]
    above = [
        [NODE.get(key, 0) for key in (
            ("facility", u.facility), ("entity", u.entity), ("provider", "E1"), ("hub", u.hub), ("region", "R1"),
            ("branch", "B1"), ("zone", u.zone), ("system", "system"),
        )]
        for u in units
    ]  # fmt: skip
    assigned = [(NODE["unit", u.unit], first, end) for u in units for first, end in u.expected]
    slots = {number: (registered or {}).get(name, NOON) for name, number in NODE.items()} if units else {}
    return Nodes(
        Membership(  # type: ignore[call-arg]  # columns unpacked from arrays
            1, {number: name for name, number in NODE.items()}, slots,
            *np.array(rows, np.int64).reshape(-1, 4).T, np.array(above, np.int64).reshape(-1, 8),
            *np.array(assigned, np.int64).reshape(-1, 3).T,
        )
    )  # fmt: skip
