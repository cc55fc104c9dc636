"""Small rule sets, frames and books, made in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import yaml

from alerts.book import Basis, Book, Instance, Key
from alerts.frame import CONSUMPTION, GENERATION, INTERCHANGE, LEAD, Frame
from alerts.life import Event, Kind
from alerts.master import Master, parse, shipped
from schemas.alarm import AlarmType, Priority, Unit
from schemas.time import slot_of

NOON_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOON = slot_of(NOON_AT)
GRES1 = Key(AlarmType.DEV_GEN, "facility", "GRES1")

# Limits of the tests' own, so that tuning the shipped ones breaks no test.
_COMMON: dict[str, Any] = {
    "on_delay": 0, "off_delay": 1, "deadband_percent": 20, "latching": False, "auto_reset": False, "overrides": {},
    "respond_within_min": 30, "shelve_max_h": 8, "enabled": True,
}  # fmt: skip
_DEVIATION = [
    {"priority": "low", "percent": 5, "mw": 5, "capacity_percent": 1},
    {"priority": "medium", "percent": 10, "mw": 5},
    {"priority": "high", "percent": 20, "mw": 5},
    {"priority": "high", "mw": 100},
]
_OF_NODES = {"completeness_percent": 80, "after_correction": 0}
_OWN: dict[str, dict[str, Any]] = {
    "DEV_GEN": {**_OF_NODES, "kinds": ["facility"], "levels": _DEVIATION},
    "DEV_CONS": {**_OF_NODES, "kinds": ["facility"], "levels": _DEVIATION},
    "HOUR_PROJ": {**_OF_NODES, "kinds": ["zone"], "levels": [{"priority": "medium", "mwh": 50}], "least_left": 1},
    "ZONE_IMB": {
        **_OF_NODES, "kinds": ["zone"],
        "levels": [{"priority": "medium", "mw": 150}, {"priority": "high", "mw": 300}],
    },
    "TRIP": {
        **_OF_NODES, "kinds": ["facility"], "latching": True, "off_delay": 0,
        "levels": [{"priority": "high", "mw": 200}, {"priority": "high", "percent": 30, "mw": 30}],
    },
    "GAP_EMC": {"levels": [{"priority": "low", "percent": 100}], "on_delay": 1},
    "GAP_DCTU": {"levels": [{"priority": "medium", "percent": 80}]},
    "GAP_ENTITY": {"levels": [{"priority": "high", "percent": 100, "at_least": 2}]},
    "PLAN_MISSING": {"levels": [{"priority": "high", "percent": 1}], "by": "18:00"},
    "PIPELINE": {
        "levels": [{"priority": "high", "seconds": 120}], "feed_silent_percent": 50, "feed_silent_at_least": 10,
    },
}  # fmt: skip


def text_of(**changes: dict[str, Any]) -> str:
    """A master alarm database: the tests' own rules, with other entries for some types."""
    document = yaml.safe_load(shipped().text)
    for name, rule in document["types"].items():
        rule.pop("realarm_after_min", None)
        rule.update(_COMMON | _OWN[name] | changes.get(name, {}))
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False)


def master(**changes: dict[str, Any]) -> Master:
    """The same, read."""
    return parse(text_of(**changes), "small.yml")


def at(minutes: float) -> datetime:
    """So long after noon."""
    return NOON_AT + timedelta(minutes=minutes)


def raised(
    book: Book, key: Key = GRES1, when: datetime = NOON_AT, priority: Priority = Priority.LOW, number: int = 1
) -> Instance:
    """An alarm that stands, has its number, and of which everything is written."""
    instance = book.open(key, when)
    instance.basis = Basis(Unit.W, -60_000_000, 50_000_000, NOON)
    book.happen(instance, Event(Kind.RAISE, priority), when)
    instance.alarm_id = number
    book.by_id[number] = instance
    written(book)
    return instance


def written(book: Book) -> None:
    """Forget what is to be written."""
    book.take_dirty()
    book.take_entries()
    book.take_calls()


Series = float | Sequence[float]


@dataclass(frozen=True)
class Node:
    """Plan and fact by kind, in MW; `known`: the deviation that does not rest on missing facts (None: all of it)."""

    gen: tuple[Series, Series] | None = None
    cons: tuple[Series, Series] | None = None
    exch: tuple[Series, Series] | None = None
    kind: str = "facility"
    code: str = "GRES1"
    capacity: float = 0
    known: dict[int, Series] = field(default_factory=dict)
    completeness: Series = 1.0
    version: Series = 1
    closed: Series = True


def lead(*judged: float, before: float) -> list[float]:
    """A value in the whole lead, then others."""
    return [before] * LEAD + list(judged)


def frame(*nodes: Node, width: int = LEAD + 4, first: int = NOON - LEAD) -> Frame:
    """A frame of these nodes; by default the hour of noon, after its lead."""

    def energy(series: Series) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.broadcast_to(np.rint(np.asarray(series, float) * 250_000).astype(np.int64), width)

    shape = (3, len(nodes), width)
    plan, fact, known = (np.zeros(shape, np.int64) for _ in range(3))
    there = np.zeros(shape, np.bool_)
    for row, node in enumerate(nodes):
        for kind, given in ((GENERATION, node.gen), (CONSUMPTION, node.cons), (INTERCHANGE, node.exch)):
            if given is not None:
                plan[kind, row], fact[kind, row] = energy(given[0]), energy(given[1])
                there[kind, row] = True
                known[kind, row] = fact[kind, row] - plan[kind, row]
        for kind, series in node.known.items():
            known[kind, row] = energy(series)
    return Frame(
        first, [node.kind for node in nodes], [node.code for node in nodes],
        np.array([round(node.capacity * 250_000) for node in nodes], np.int64), plan, fact, there, there.copy(), known,
        np.array([np.broadcast_to(np.asarray(node.completeness, float), width) for node in nodes]),
        np.array([np.broadcast_to(np.asarray(node.version, np.int64), width) for node in nodes]),
        np.array([np.broadcast_to(np.asarray(node.closed, np.bool_), width) for node in nodes]),
    )  # fmt: skip
