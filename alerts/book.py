"""The alarms of a space: instances by type and object, what has happened to them, and who is to be told.

Pure: a transaction loads it, lets things happen, and writes down what changed. One instance an object and type.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from alerts.life import Alarm, Effect, Event, Kind, RefusedError, step
from alerts.master import Master
from alerts.timing import Timing
from connectors.alarms import JournalEntry, StoredAlarm
from schemas.alarm import AlarmType, Priority, State, Unit
from schemas.time import slot_of, slot_start


class Key(NamedTuple):
    """What an alarm is of."""

    type: AlarmType
    kind: str
    code: str

    def __str__(self) -> str:
        return f"{self.type} {self.kind}/{self.code}"


@dataclass(frozen=True, slots=True)
class Basis:
    """What a condition rests on. `detail`: what else an operator wants to know, as JSON."""

    unit: Unit
    value: int | None = None
    limit: int | None = None
    slot: int | None = None
    completeness: float | None = None
    version: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Instance:
    """One alarm. `alarm_id` is given when it is first written."""

    key: Key
    alarm: Alarm
    timing: Timing = field(default_factory=Timing)
    basis: Basis = field(default_factory=lambda: Basis(Unit.W))
    acked_by: str = ""
    alarm_id: int | None = None
    changed_at: datetime | None = None


class Call(NamedTuple):
    """Somebody is to be told that an alarm stands (`ended` False), or no longer does.

    `escalation`: the next one, who is called when nobody responds; of an end: the next one alone.
    """

    instance: Instance
    escalation: bool
    ended: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class By:
    """Who made something happen, and why; nobody, where a rule or time did."""

    actor: str = ""
    reason: str = ""
    command_id: UUID | None = None


_NOBODY = By()


class Book:
    """All instances, and what the transaction in work has changed."""

    def __init__(self, master: Master, rows: Iterable[StoredAlarm] = ()) -> None:
        """Take over what is stored."""
        self.master = master
        self.instances: dict[Key, Instance] = {}
        self._of_type: dict[AlarmType, dict[Key, Instance]] = {type_: {} for type_ in AlarmType}
        self.by_id: dict[int, Instance] = {}
        # By type, the objects that are beyond their limit or were in the interval before.
        self.near: dict[AlarmType, set[tuple[str, str]]] = {}
        self._dirty: dict[Key, Instance] = {}
        self._entries: list[tuple[Instance, JournalEntry]] = []
        self._calls: list[Call] = []
        for row in rows:
            instance = self._from_row(row)
            self._keep(instance)
            timing = instance.timing
            self.follow_near(instance.key, near=timing.level > 0 or timing.since is not None)
            assert instance.alarm_id is not None
            self.by_id[instance.alarm_id] = instance

    def get(self, key: Key) -> Instance | None:
        """The instance, where there is one."""
        return self.instances.get(key)

    def open(self, key: Key, at: datetime) -> Instance:
        """The instance, made where there is none."""
        instance = self.instances.get(key)
        if instance is None:
            rule = self.master.rule(key.type)
            alarm = Alarm(latching=rule.latching, auto_reset=rule.auto_reset, priority=rule.priorities[0])
            instance = self._keep(Instance(key, alarm, changed_at=at))
        return instance

    def _keep(self, instance: Instance) -> Instance:
        self.instances[instance.key] = self._of_type[instance.key.type][instance.key] = instance
        return instance

    def of_type(self, *types: AlarmType) -> list[Instance]:
        """The instances of these types."""
        return [instance for type_ in types for instance in self._of_type[type_].values()]

    def follow_near(self, key: Key, *, near: bool) -> None:
        """Whether an object is to be looked at in the next interval, whatever its value."""
        names = self.near.setdefault(key.type, set())
        if near:
            names.add((key.kind, key.code))
        else:
            names.discard((key.kind, key.code))

    def note(self, instance: Instance) -> None:
        """Have it written: its timing or basis is another."""
        self._dirty[instance.key] = instance

    def happen(
        self, instance: Instance, event: Event, now: datetime, by: By = _NOBODY, detail: dict[str, Any] | None = None
    ) -> tuple[Effect, ...]:
        """Let something happen to an alarm, and write it down. Raises RefusedError."""
        before, escalated = instance.alarm.shown, instance.alarm.escalated
        alarm, effects = step(instance.alarm, event, now)
        if alarm == instance.alarm and event.kind is not Kind.COMMENT:
            return ()
        instance.alarm = alarm
        instance.changed_at = now
        if event.kind is Kind.ACKNOWLEDGE:
            instance.acked_by = by.actor
        elif alarm.acked_at is None:
            instance.acked_by = ""
        self._dirty[instance.key] = instance
        reason = by.reason or event.reason
        self.write_down(
            instance, event.kind.value, now, before, By(by.actor, reason, by.command_id),
            annunciated=Effect.ANNUNCIATE in effects, detail=detail,
        )  # fmt: skip
        if event.kind is Kind.ACKNOWLEDGE and escalated and Effect.WITHDRAW not in effects:
            # Somebody has responded: the next one need not.
            self._calls.append(Call(instance, escalation=True, ended=True, at=now))
        for effect in effects:
            if effect is Effect.WITHDRAW:
                self._calls.append(Call(instance, escalation=False, ended=True, at=now))
            else:
                self._calls.append(Call(instance, effect is Effect.ESCALATE, ended=False, at=now))
        return effects

    def write_down(
        self,
        instance: Instance,
        what: str,
        at: datetime,
        before: State | None = None,
        by: By = _NOBODY,
        *,
        annunciated: bool = False,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Add to the journal, with what the alarm rests on."""
        basis = instance.basis
        self._entries.append(
            (
                instance,
                JournalEntry(
                    at, instance.alarm_id, *instance.key, what, before or instance.alarm.shown, instance.alarm.shown,
                    annunciated, instance.alarm.priority, basis.value, basis.limit, basis.unit,
                    None if basis.slot is None else slot_start(basis.slot), basis.completeness, basis.version,
                    self.master.digest, by.actor, by.reason, by.command_id,
                    {**basis.detail, **(detail or {})},
                ),
            )
        )  # fmt: skip

    @property
    def changed(self) -> bool:
        """Whether anything is to be written."""
        return bool(self._dirty or self._entries or self._calls)

    def called(self) -> list[tuple[AlarmType, Priority]]:
        """The calls that are to be written, by type and priority."""
        return [(i.key.type, i.alarm.priority) for i, entry in self._entries if entry.annunciated]

    def take_dirty(self) -> list[Instance]:
        """The instances to be written; those that were never more than near their limit are forgotten."""
        dirty = list(self._dirty.values())
        self._dirty = {}
        kept = []
        for instance in dirty:
            if instance.alarm_id is None and not instance.timing.level and instance.timing.since is None:
                plain = instance.alarm.shown is State.NORM and not any(e[0] is instance for e in self._entries)
                if plain:
                    self.instances.pop(instance.key, None)
                    self._of_type[instance.key.type].pop(instance.key, None)
                    continue
            kept.append(instance)
        return kept

    def number(self, instances: Iterable[Instance], numbers: Iterable[int]) -> None:
        """Give instances the numbers under which they were written."""
        for instance, alarm_id in zip(instances, numbers, strict=True):
            instance.alarm_id = alarm_id
            self.by_id[alarm_id] = instance

    def take_entries(self) -> list[JournalEntry]:
        """What is to be written into the journal; the instances must have their numbers."""
        entries, self._entries = self._entries, []
        return [entry._replace(alarm_id=instance.alarm_id) for instance, entry in entries]

    def take_calls(self) -> list[Call]:
        """Who is to be told, in order."""
        calls, self._calls = self._calls, []
        return calls

    def to_row(self, instance: Instance) -> StoredAlarm:
        """The instance as it is stored."""
        alarm, timing, basis = instance.alarm, instance.timing, instance.basis
        assert instance.changed_at is not None
        return StoredAlarm(
            instance.alarm_id, *instance.key, alarm.shown, alarm.state, alarm.condition, alarm.latched, alarm.priority,
            alarm.raised_at, alarm.acked_at, instance.acked_by, alarm.escalated, alarm.shelved_until,
            alarm.rule_reason, alarm.order_reason, alarm.out_of_service, timing.level, _start(timing.since),
            _start(timing.below), _start(timing.seen), timing.doubtful, basis.value, basis.limit, basis.unit,
            _start(basis.slot), basis.completeness, basis.version, basis.detail, instance.changed_at,
        )  # fmt: skip

    def _from_row(self, row: StoredAlarm) -> Instance:
        key = Key(AlarmType(row.type), row.object_kind, row.object)
        rule = self.master.rule(key.type)
        alarm = Alarm(
            State(row.life), row.condition, rule.latching, rule.auto_reset, row.latched, Priority(row.priority),
            row.raised_at, row.acked_at, row.escalated, row.shelved_until, row.rule_reason, row.order_reason,
            row.out_of_service,
        )  # fmt: skip
        timing = Timing(row.level, _slot(row.since_ts), _slot(row.below_ts), _slot(row.seen_ts), row.doubtful)
        basis = Basis(
            Unit(row.unit), row.value, row.limit_value, _slot(row.interval_start), row.completeness,
            row.schedule_version, row.detail,
        )  # fmt: skip
        return Instance(key, alarm, timing, basis, row.acked_by, row.alarm_id, row.changed_at)


def _start(slot: int | None) -> datetime | None:
    return None if slot is None else slot_start(slot)


def _slot(at: datetime | None) -> int | None:
    return None if at is None else slot_of(at)


__all__ = ["Basis", "Book", "By", "Call", "Instance", "Key", "RefusedError"]
