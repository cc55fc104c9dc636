"""PLAN_MISSING: is there a schedule for tomorrow, and is everybody in it?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from alerts.book import Basis, Book, Instance, Key
from alerts.following import end, reach, suppress
from schemas.alarm import AlarmType, Unit
from schemas.time import LOCAL

SYSTEM = Key(AlarmType.PLAN_MISSING, "system", "system")


@dataclass(frozen=True, slots=True)
class Planned:
    """Of one entity: its units, and those that lack the plan of any hour of the day."""

    units: int
    lacking: int


def checks(book: Book, after: datetime | None, until: datetime) -> list[tuple[datetime, date]]:
    """When to look, and for which operating day: at the hour of the rule, on each day in `(after, until]`."""
    by = book.master.types.PLAN_MISSING.by
    day = until.astimezone(LOCAL).date()
    if after is None:
        return []
    found = []
    for number in range((day - after.astimezone(LOCAL).date()).days, -1, -1):
        on = day - timedelta(days=number)
        at = datetime.combine(on, by, LOCAL)
        if after < at <= until:
            found.append((at, on + timedelta(days=1)))
    return found


def day_of(instance: Instance) -> date:
    """The operating day that an alarm is about."""
    return date.fromisoformat(str(instance.basis.detail["day"]))


def standing(book: Book) -> list[Instance]:
    """The alarms of missing plans."""
    return [instance for instance in book.of_type(AlarmType.PLAN_MISSING) if instance.timing.level]


def follow_plan(book: Book, day: date, planned: Mapping[str, Planned], now: datetime, *, first: bool) -> None:
    """Compare what is planned of a day with what should be. `first`: it is the hour of the rule, alarms may come.

    Where most entities lack a plan it is the schedule that is missing, not they.
    """
    lacking = sum(of.lacking > 0 for of in planned.values())
    whole = lacking > 1 and 2 * lacking > len(planned)
    total = Planned(sum(of.units for of in planned.values()), sum(of.lacking for of in planned.values()))
    was_whole = (system := book.get(SYSTEM)) is not None and system.timing.level > 0
    _one(book, SYSTEM, day, total if whole else Planned(total.units, 0), now, first=first)
    for entity, of in sorted(planned.items()):
        key = Key(AlarmType.PLAN_MISSING, "entity", entity)
        if not whole:
            # Who is still absent when the schedule has come after all is called now.
            _one(book, key, day, of, now, first=first or was_whole)
        elif (instance := book.get(key)) is not None and instance.timing.level:
            suppress(book, instance, f"{AlarmType.PLAN_MISSING} system", now)


def _one(book: Book, key: Key, day: date, of: Planned, now: datetime, *, first: bool) -> None:
    rule = book.master.types.PLAN_MISSING.of(key.kind, key.code)
    level = rule.level(
        entry
        for entry in rule.levels
        if of.lacking and 100.0 * of.lacking / of.units >= entry.percent and of.lacking >= entry.at_least
    )
    instance = book.get(key)
    stands = instance is not None and instance.timing.level > 0
    if stands and instance is not None:
        if not level:
            end(book, instance, now)
            return
        suppress(book, instance, "", now)
    if level and (stands or (first and rule.enabled)):
        detail = {"day": day.isoformat(), "of": of.units}
        reach(book, key, level, Basis(Unit.UNITS, of.lacking, 0, detail=detail), now)
