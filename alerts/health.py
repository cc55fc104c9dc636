"""PIPELINE: what ails the monitoring itself, as its own parts see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.book import Basis, Book, Key
from alerts.following import end, reach
from schemas.alarm import AlarmType, Unit


@dataclass(frozen=True, slots=True)
class Ailment:
    """How long something has been wrong, in seconds (0: it is well), and what, in words."""

    seconds: int
    says: str = ""


def follow_health(book: Book, parts: Mapping[str, Ailment], now: datetime) -> None:
    """Compare how long each part has ailed with the limit."""
    rule = book.master.types.PIPELINE
    for part, ailment in sorted(parts.items()):
        own = rule.of("system", part)
        key = Key(AlarmType.PIPELINE, "system", part)
        level = own.level(entry for entry in own.levels if own.enabled and ailment.seconds >= entry.seconds)
        if level:
            limit = min(entry.seconds for entry in own.levels)
            reach(book, key, level, Basis(Unit.SECONDS, ailment.seconds, limit, detail={"says": ailment.says}), now)
        elif not ailment.seconds and (instance := book.get(key)) is not None and instance.timing.level:
            end(book, instance, now)
