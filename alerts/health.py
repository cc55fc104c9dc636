"""PIPELINE: what ails the monitoring itself, as its own parts see it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerts.book import Basis, Book, Key
from alerts.life import Event, Kind
from alerts.timing import Timing
from schemas.alarm import AlarmType, Unit
from schemas.time import slot_of


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
        instance = book.get(key)
        stands = instance is not None and instance.timing.level > 0
        priorities = own.priorities()
        reached = [entry.priority for entry in own.levels if ailment.seconds >= entry.seconds]
        if reached and own.enabled and not stands:
            level = max(priorities.index(priority) + 1 for priority in reached)
            instance = book.open(key, now)
            slot = slot_of(now)
            detail: dict[str, Any] = {"says": ailment.says}
            instance.timing = Timing(level, slot, None, slot)
            limit = min(entry.seconds for entry in own.levels)
            instance.basis = Basis(Unit.SECONDS, ailment.seconds, limit, slot, detail=detail)
            book.happen(instance, Event(Kind.RAISE, priorities[level - 1]), now)
        elif instance is not None and reached and own.enabled:
            level = max(priorities.index(priority) + 1 for priority in reached)
            if level > instance.timing.level:
                instance.timing = replace(instance.timing, level=level)
                instance.basis = replace(instance.basis, value=ailment.seconds)
                book.happen(instance, Event(Kind.RISE, priorities[level - 1]), now)
        elif instance is not None and stands and not ailment.seconds:
            instance.timing = Timing(seen=slot_of(now))
            book.note(instance)
            book.happen(instance, Event(Kind.CLEAR), now)
