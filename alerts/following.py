"""Following conditions: from what is measured in an interval to what happens to alarms.

One way for all types: delays and deadband decide, then the life; what a rule suppresses is followed unseen.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.book import Basis, Book, Instance, Key
from alerts.conditions import Judged, Why
from alerts.frame import LEAD, Frame
from alerts.life import Event, Kind
from alerts.timing import Edge, Timing, step
from schemas.alarm import AlarmType
from schemas.time import slot_of

Bools = NDArray[np.bool_]
# What the alarm of a node of the frame (row) in an interval (slot) should say beside its value.
Explain = Callable[[AlarmType, int, int], dict[str, Any]]

_SAYS = {
    Why.INCOMPLETE: "too little of the data is there",
    Why.MISSING: "it may come of missing data alone",
    Why.CORRECTED: "the schedule has just been corrected",
}
_UNKNOWN = (_SAYS[Why.INCOMPLETE], _SAYS[Why.MISSING])


def follow(
    book: Book,
    key: Key,
    slot: int,
    beyond: int,
    within: int,
    basis: Basis,
    now: datetime,
    *,
    reason: str = "",
    explain: Callable[[], dict[str, Any]] | None = None,
) -> Instance | None:
    """Look at one object in one interval; gives its instance, if it has one. `reason`: why a rule suppresses it."""
    instance = book.get(key)
    if instance is None:
        if not beyond:
            return None
        instance = book.open(key, now)
    if instance.timing.seen is not None and slot < instance.timing.seen:
        # After a restart: what was looked at is not looked at again.
        return instance
    unknown = reason in _UNKNOWN
    if not unknown:
        _believe(book, instance, reason, within, now)
    rule = book.master.rule(key.type).of(key.kind, key.code)
    before = instance.timing
    instance.timing, edge = step(before, slot, beyond, within, rule.delays)
    if unknown and not before.level and beyond:
        instance.timing = replace(instance.timing, doubtful=True)
    near = instance.timing.level > 0 or instance.timing.since is not None
    if near or before.level or before.since is not None:
        book.note(instance)
    book.follow_near(key, near=near)
    held = instance.basis
    if instance.timing.level or edge is not None:
        detail = instance.basis.detail if before.level else {}
        if explain is not None and edge is not None and edge.kind != "clear":
            detail = explain()
        instance.basis = replace(basis, slot=slot, detail={**detail, **basis.detail})
    match edge:
        case Edge(kind="raise", level=level):
            suppress(book, instance, reason, now)
            book.happen(instance, Event(Kind.RAISE, rule.priorities[level - 1]), now)
        case Edge(kind="rise", level=level):
            suppress(book, instance, reason, now)
            book.happen(instance, Event(Kind.RISE, rule.priorities[level - 1]), now)
        case Edge(kind="clear"):
            book.happen(instance, Event(Kind.CLEAR), now)
            suppress(book, instance, "", now)
            if instance.alarm.latched:
                # It says what happened until it is reset.
                instance.basis = held
        case None if instance.timing.level:
            suppress(book, instance, reason, now)
    return instance


def _believe(book: Book, instance: Instance, reason: str, within: int, now: datetime) -> None:
    """The data are there: what rested on missing ones never was; what a rule suppressed, and is over, has ended."""
    timing = instance.timing
    over = timing.level and instance.alarm.rule_reason and not reason and not within
    if not (timing.doubtful or over):
        return
    instance.timing = Timing(seen=timing.seen)
    book.note(instance)
    if timing.level:
        end(book, instance, now)


def reach(book: Book, key: Key, level: int, basis: Basis, now: datetime) -> None:
    """The condition is true at a level, at once, and stays until it is ended: for what has no intervals to delay by."""
    instance = book.open(key, now)
    priority = book.master.rule(key.type).of(key.kind, key.code).priorities[level - 1]
    if not instance.timing.level:
        slot = slot_of(now)
        instance.timing = Timing(level, slot, None, slot)
        instance.basis = replace(basis, slot=slot)
        book.happen(instance, Event(Kind.RAISE, priority), now)
    elif level > instance.timing.level:
        instance.timing = replace(instance.timing, level=level)
        instance.basis = replace(instance.basis, value=basis.value)
        book.happen(instance, Event(Kind.RISE, priority), now)


def end(book: Book, instance: Instance, now: datetime, detail: dict[str, Any] | None = None) -> None:
    """The condition is over, whatever its delays."""
    instance.timing = Timing(seen=instance.timing.seen)
    book.follow_near(instance.key, near=False)
    book.note(instance)
    book.happen(instance, Event(Kind.CLEAR), now, detail=detail)
    suppress(book, instance, "", now)


def retire(book: Book, now: datetime) -> None:
    """End what stands by a rule that is off now."""
    for instance in list(book.instances.values()):
        if instance.timing.level or instance.timing.since is not None:
            rule = book.master.rule(instance.key.type)
            if not rule.of(instance.key.kind, instance.key.code).enabled:
                end(book, instance, now, {"says": "its rule is off"})


def suppress(book: Book, instance: Instance, reason: str, now: datetime) -> None:
    """Set the flag of a rule's suppression to a reason, or lift it where there is none."""
    held = instance.alarm.rule_reason
    if reason and not held:
        book.happen(instance, Event(Kind.SUPPRESS, reason=reason, by_rule=True), now)
    elif held and not reason:
        book.happen(instance, Event(Kind.UNSUPPRESS, by_rule=True), now)


def follow_balances(
    book: Book, frame: Frame, judged: list[Judged], slot: int, fresh: Bools, now: datetime, explain: Explain
) -> None:
    """Look at one interval of the nodes in `fresh` (rows of the frame), for every type."""
    for of_type in judged:
        column = slot - of_type.first
        rows = of_type.rows_beyond[column]
        # Those that are near their limit already are looked at until they no longer are.
        rows = rows | {row for name in book.near.get(of_type.type, ()) if (row := frame.row_of.get(name)) is not None}
        for row in sorted(rows):
            place = of_type.place_of.get(row)
            if place is None or not fresh[row] or not of_type.looked[place, column]:
                continue
            version = int(frame.version[row, column + LEAD])
            basis = Basis(
                of_type.unit, int(of_type.value[place, column]), int(of_type.limit[place, column]), slot,
                float(frame.completeness[row, column + LEAD]), version or None,
            )  # fmt: skip
            why = Why(int(of_type.why[place, column]))
            follow(
                book, Key(of_type.type, frame.kinds[row], frame.codes[row]), slot,
                int(of_type.beyond[place, column]), int(of_type.within[place, column]), basis, now,
                reason=_SAYS.get(why, ""), explain=partial(explain, of_type.type, row, slot),
            )  # fmt: skip
