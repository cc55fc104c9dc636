"""A rule set over the archive: what it would have called an operator for, through the same functions as live.

Values are as the archive knows them now. Silence is followed by DCTU, entity and feed; single EMCs are not, nor is the
health of the pipeline, of which the archive keeps nothing. Nobody acknowledges.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from alerts import kpi, planning, silence
from alerts.book import Book, Key
from alerts.conditions import judge
from alerts.following import end, follow_balances
from alerts.frame import LEAD, Frame
from alerts.master import Master
from schemas.alarm import AlarmType, Priority
from schemas.time import from_us, slot_end_us


class Mended(NamedTuple):
    """A gap of a DCTU whose last missing value came at `at`; slots `[first, end)`."""

    first: int
    end: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the archive holds of some intervals beside the balances.

    `presence`: by slot, of every DCTU. `entity_of`: of DCTUs. `mended`: by DCTU. `plans`: when one is looked for, and
    what was planned of that day then.
    """

    presence: Mapping[int, Mapping[str, silence.Presence]] = field(default_factory=dict)
    entity_of: Mapping[str, str] = field(default_factory=dict)
    mended: Mapping[str, Sequence[Mended]] = field(default_factory=dict)
    plans: Sequence[tuple[datetime, date, Mapping[str, planning.Planned]]] = ()


class Occurrence(NamedTuple):
    """One time that an alarm would have stood: the interval in which it began, and from when to when."""

    key: Key
    priority: Priority
    since: datetime | None
    raised_at: datetime
    cleared_at: datetime | None
    annunciated: bool
    value: int | None
    unit: str

    def overlaps(self, other: "Occurrence") -> bool:
        """Whether both are of the same alarm, at any one time."""
        ends = [one.cleared_at or datetime.max.replace(tzinfo=one.raised_at.tzinfo) for one in (self, other)]
        return self.key == other.key and self.raised_at <= ends[1] and other.raised_at <= ends[0]


class Replay:
    """One rule set, on its way through the archive."""

    def __init__(self, master: Master, grace: timedelta = timedelta()) -> None:
        """Begin with nothing standing. `grace`: after the end of an interval until it is late."""
        self.book = Book(master)
        self._grace = grace
        self._standing: dict[Key, int] = {}
        self.occurrences: list[Occurrence] = []
        self._entries: list[kpi.Entry] = []

    def follow(self, frame: Frame, inputs: Inputs) -> None:
        """Go through the intervals of a frame, after its lead, in order."""
        judged = judge(self.book.master, frame)
        for slot in range(frame.first + LEAD, frame.first + frame.width):
            fresh = frame.closed[:, slot - frame.first]
            follow_balances(self.book, frame, judged, slot, fresh, from_us(slot_end_us(slot)), lambda *_: {})
            deadline = from_us(slot_end_us(slot)) + self._grace
            self._heal(inputs, deadline)
            if presence := inputs.presence.get(slot):
                seen = silence.Silence(slot, presence, inputs.entity_of, {})
                silence.follow_silence(self.book, seen, deadline)
            self._follow_plans(inputs, deadline)
            self._take()

    def kpis(self, begin: datetime, end: datetime) -> kpi.Kpis:
        """The figures that the rule set would have given."""
        entries = sorted(self._entries, key=lambda entry: entry.at)
        return kpi.kpis(kpi.calls_of(entries), begin, end, self.book.master.positions)

    def _heal(self, inputs: Inputs, until: datetime) -> None:
        for instance, first, last in silence.silent_runs(self.book):
            kind, code = instance.key.kind, instance.key.code
            dctus = [code] if kind == "dctu" else [d for d, entity in inputs.entity_of.items() if entity == code]
            mended = [
                max(
                    (gap.at for gap in inputs.mended.get(dctu, ()) if gap.first <= first and last <= gap.end),
                    default=None,
                )
                for dctu in dctus
            ]
            if mended and all(at is not None and at <= until for at in mended):
                at = max(at for at in mended if at is not None)
                silence.heal(self.book, instance, silence.HandedOver(at, 0, last - first, 0, 0))

    def _follow_plans(self, inputs: Inputs, until: datetime) -> None:
        before = until - timedelta(minutes=15)
        for at, day, planned in inputs.plans:
            if before < at <= until:
                for instance in planning.standing(self.book):
                    end(self.book, instance, at)
                planning.follow_plan(self.book, day, planned, at, first=True)

    def _take(self) -> None:
        if not self.book.changed:
            return
        self.book.take_dirty()
        self.book.take_calls()
        for entry in self.book.take_entries():
            key = Key(AlarmType(entry.type), entry.object_kind, entry.object)
            priority = Priority(entry.priority)
            self._entries.append(kpi.Entry(entry.at, str(key), entry.event, entry.annunciated, priority))
            if entry.event == "raise":
                self._standing[key] = len(self.occurrences)
                self.occurrences.append(
                    Occurrence(key, priority, entry.interval_start, entry.at, None, entry.annunciated, entry.value,
                               entry.unit)
                )  # fmt: skip
            elif (place := self._standing.get(key)) is not None:
                found = self.occurrences[place]
                if entry.event == "clear":
                    self.occurrences[place] = found._replace(cleared_at=entry.at)
                    del self._standing[key]
                elif entry.annunciated:
                    self.occurrences[place] = found._replace(annunciated=True, priority=priority)


def vanished(before: Sequence[Occurrence], after: Sequence[Occurrence]) -> list[Occurrence]:
    """Which of the calls of one rule set another does not make."""
    by_key: dict[Key, list[Occurrence]] = {}
    for one in after:
        if one.annunciated:
            by_key.setdefault(one.key, []).append(one)
    return [
        one for one in before if one.annunciated and not any(one.overlaps(other) for other in by_key.get(one.key, ()))
    ]
