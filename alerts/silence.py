"""Who is silent, and who is the root of it: feed, entity, DCTU, EMC.

An object is silent in an interval when too much of what it should have sent was missing at the deadline. Whoever is
silent because something above is has its alarm suppressed: 500 silent meters behind one link are one alarm. An alarm
of silence ends when what was missed has been handed over, or when it has transmitted again for the off-delay.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.book import Basis, Book, Instance, Key
from alerts.following import end, follow, suppress
from alerts.master import GapRule
from schemas.alarm import AlarmType, Unit

FEED = Key(AlarmType.PIPELINE, "system", "feed")


@dataclass(frozen=True, slots=True)
class Presence:
    """Of one object in one interval: points expected, and those that were there in time."""

    expected: int
    on_time: int

    @property
    def silent_percent(self) -> float:
        """The share that was missing."""
        return 100.0 * (self.expected - self.on_time) / self.expected if self.expected else 0.0


@dataclass(frozen=True, slots=True)
class Silence:
    """One interval at its deadline: DCTUs, and the silent EMCs of those that are not silent themselves.

    `entity_of`: by DCTU. `emcs`: by (DCTU, EMC), of DCTUs that miss some of their points.
    """

    slot: int
    dctus: Mapping[str, Presence]
    entity_of: Mapping[str, str]
    emcs: Mapping[tuple[str, str], Presence]


def follow_silence(book: Book, seen: Silence, now: datetime) -> None:
    """Look at one interval, from the root down."""
    dctu_rule = book.master.types.GAP_DCTU
    silent = {code for code, presence in seen.dctus.items() if _level(dctu_rule, "dctu", code, presence)}
    feed = _follow_feed(book, seen, len(silent), now)
    above = f"{FEED.type} {FEED.code}" if feed else ""
    entities: dict[str, list[str]] = {}
    for code in seen.dctus:
        entities.setdefault(seen.entity_of.get(code, ""), []).append(code)
    entities.pop("", None)
    standing: dict[str, str] = {}
    for entity, codes in sorted(entities.items()):
        presence = Presence(len(codes), len(codes) - sum(code in silent for code in codes))
        key = Key(AlarmType.GAP_ENTITY, "entity", entity)
        _follow_one(book, key, seen.slot, presence, now, above)
        instance = book.get(key)
        if (
            instance is not None
            and instance.timing.level
            and 0 < presence.expected - presence.on_time < presence.expected
        ):
            # Some transmit again: what is left is the silence of the others.
            end(book, instance, now)
        if _stands(book, key):
            standing |= dict.fromkeys(codes, f"{key.type} {entity}")
    for code, presence in sorted(seen.dctus.items()):
        _follow_one(
            book, Key(AlarmType.GAP_DCTU, "dctu", code), seen.slot, presence, now, above or standing.get(code, "")
        )
    for code in seen.dctus:
        if above or _stands(book, Key(AlarmType.GAP_DCTU, "dctu", code)):
            standing.setdefault(code, above or f"{AlarmType.GAP_DCTU} {code}")
    _follow_emcs(book, seen, silent, standing, now)
    _end_the_gone(book, seen, now)


def _follow_feed(book: Book, seen: Silence, silent: int, now: datetime) -> bool:
    """Most devices silent at once are not their fault: the way to us is."""
    rule = book.master.types.PIPELINE.of(FEED.kind, FEED.code)
    total = len(seen.dctus)
    if not total or not rule.enabled:
        return _stands(book, FEED)
    share = 100.0 * silent / total
    beyond = share >= rule.feed_silent_percent and silent >= rule.feed_silent_at_least
    # It ends when nearly all are back: those that come back later must not each call the operator.
    within = beyond or (share >= rule.feed_silent_percent / 4 and _stands(book, FEED))
    basis = Basis(Unit.DCTUS, silent, round(rule.feed_silent_percent / 100 * total), detail={"of": total})
    level = len(rule.priorities)
    follow(book, FEED, seen.slot, level * beyond, level * within, basis, now)
    return _stands(book, FEED)


def _follow_one(
    book: Book, key: Key, slot: int, presence: Presence, now: datetime, reason: str, **detail: object
) -> None:
    rule = book.master.rule(key.type)
    assert isinstance(rule, GapRule)
    level = _level(rule, key.kind, key.code, presence)
    missing = presence.expected - presence.on_time
    limit = min(round(entry.percent / 100 * presence.expected) for entry in rule.of(key.kind, key.code).levels)
    unit = Unit.DCTUS if key.type is AlarmType.GAP_ENTITY else Unit.POINTS
    basis = Basis(unit, missing, limit, detail={"of": presence.expected, **detail})
    instance = book.get(key)
    if instance is None and not level:
        return
    follow(book, key, slot, level, level, basis, now, reason=reason)


def _end_the_gone(book: Book, seen: Silence, now: datetime) -> None:
    """Nothing is expected any more of a DCTU or entity that has lost its channels."""
    there = {("dctu", code) for code in seen.dctus} | {("entity", seen.entity_of.get(code, "")) for code in seen.dctus}
    for instance in book.of_type(AlarmType.GAP_DCTU, AlarmType.GAP_ENTITY):
        if instance.timing.level and (instance.key.kind, instance.key.code) not in there:
            end(book, instance, now, {"says": "nothing is expected of it any more"})


def _follow_emcs(book: Book, seen: Silence, silent: set[str], standing: Mapping[str, str], now: datetime) -> None:
    """`standing`: what stands above, by DCTU."""
    for (dctu, emc), presence in sorted(seen.emcs.items()):
        if dctu not in silent:
            key = Key(AlarmType.GAP_EMC, "emc", emc)
            _follow_one(book, key, seen.slot, presence, now, standing.get(dctu, ""), dctu=dctu)
    named = {emc for (dctu, emc) in seen.emcs if dctu not in silent}
    for instance in book.of_type(AlarmType.GAP_EMC):
        dctu = str(instance.basis.detail.get("dctu", ""))
        if dctu in silent:
            # Nothing is known of it while its unit is silent.
            if instance.timing.level:
                suppress(book, instance, f"{AlarmType.GAP_DCTU} {dctu}", now)
        elif instance.key.code not in named:
            _follow_one(book, instance.key, seen.slot, Presence(1, 1), now, standing.get(dctu, ""), dctu=dctu)


def _level(rule: GapRule, kind: str, code: str, presence: Presence) -> int:
    own = rule.of(kind, code)
    if not own.enabled:
        return 0
    missing = presence.expected - presence.on_time
    return own.level(
        entry for entry in own.levels if presence.silent_percent >= entry.percent and missing >= entry.at_least
    )


def is_silent(book: Book, dctu: str, presence: Presence) -> bool:
    """Whether a DCTU with such a presence counts as silent."""
    return _level(book.master.types.GAP_DCTU, "dctu", dctu, presence) > 0


def _stands(book: Book, key: Key) -> bool:
    instance = book.get(key)
    return instance is not None and instance.timing.level > 0


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What was missed has come after all: when the last of it, and how much is still missing."""

    at: datetime
    late_by_s: int
    intervals: int
    points: int
    still_missing: int


def heal(book: Book, instance: Instance, handed_over: HandedOver) -> None:
    """The silence is mended: the alarm returns to normal, saying by how much and how late."""
    detail = {
        "healed": True, "late_by_s": handed_over.late_by_s, "intervals": handed_over.intervals,
        "points": handed_over.points, "still_missing": handed_over.still_missing,
    }  # fmt: skip
    end(book, instance, handed_over.at, detail)


def silent_runs(book: Book) -> list[tuple[Instance, int, int]]:
    """The silences that stand: instance and slots `[first, end)` in which it was silent."""
    found = []
    for instance in book.of_type(AlarmType.GAP_EMC, AlarmType.GAP_DCTU, AlarmType.GAP_ENTITY):
        timing = instance.timing
        if timing.level and timing.since is not None and timing.seen is not None:
            end = timing.below if timing.below is not None else timing.seen + 1
            found.append((instance, timing.since, end))
    return found
