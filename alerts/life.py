"""The life of an alarm as ISA-18.2 has it: one pure function over a table that reads like the standard's.

`(alarm, event, now) → (alarm, effects)`. Suppression is three independent flags beside the life: the condition goes on
being followed while any of them holds, and when the last one falls the alarm stands again if its condition does.
Sources: ISA-18.2-2016 / IEC 62682 (states and transitions), OPC UA Part 9 (latching, re-alarm).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from schemas.alarm import FIRING, SUPPRESSED, Priority, State


class Kind(StrEnum):
    """What can happen to an alarm. The first five come of conditions and time, the others of people and rules."""

    RAISE = "raise"  # the condition is true past its on-delay
    RISE = "rise"  # a limit of a higher priority was crossed
    CLEAR = "clear"  # the condition is false past its off-delay
    REALARM = "realarm"  # acknowledged and still there after the re-alarm time
    ESCALATE = "escalate"  # nobody acknowledged within the time to respond
    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    SUPPRESS = "suppress"
    UNSUPPRESS = "unsuppress"
    REMOVE = "remove"
    RETURN = "return"
    COMMENT = "comment"


class Effect(StrEnum):
    """What the world hears of a transition, beside the journal."""

    ANNUNCIATE = "annunciate"  # call the operator
    ESCALATE = "escalate"  # call the next one
    WITHDRAW = "withdraw"  # what was called out stands no longer


class RefusedError(Exception):
    """The alarm does not take this event in its state; the text says why, and what it takes."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to an alarm. `until` is of SHELVE; `priority` of RAISE and RISE; `reason` of orders."""

    kind: Kind
    priority: Priority = Priority.LOW
    until: datetime | None = None
    reason: str = ""
    by_rule: bool = False  # of SUPPRESS and UNSUPPRESS: a rule's, not a person's


@dataclass(frozen=True, slots=True)
class Alarm:
    """One instance: of one object and type. `state` is where it would be if nothing suppressed it."""

    state: State = State.NORM
    condition: bool = False
    latching: bool = False  # of the type: stays until it is reset
    auto_reset: bool = False  # of the type: goes back to normal without having been acknowledged
    latched: bool = False  # the condition was true, and nobody has reset it
    priority: Priority = Priority.LOW
    raised_at: datetime | None = None  # when it last became unacknowledged
    acked_at: datetime | None = None
    escalated: bool = False
    shelved_until: datetime | None = None
    rule_reason: str = ""  # why a rule suppresses it
    order_reason: str = ""  # why a person suppresses it by design
    out_of_service: str = ""  # why

    @property
    def shown(self) -> State:
        """The state as people see it: the strongest suppression, else the life's."""
        if self.out_of_service:
            return State.OOSRV
        if self.rule_reason or self.order_reason:
            return State.DSUPR
        return State.SHLVD if self.shelved_until is not None else self.state


# What comes of an event, by the state that is shown.
#   =        nothing changes            →STATE   the life goes there
#   returns  to RTNUN; to LUNACK or LACK where it latches, to NORM where it is acknowledged or resets by itself
#   follows  the condition is followed, unseen
#   sets, lifts   a flag of suppression
#   !word    refused, see REFUSALS
_TABLE = """
event       | NORM     UNACK    ACKED    RTNUN    LUNACK   LACK     SHLVD    DSUPR    OOSRV
raise       | →UNACK   =        =        →UNACK   →UNACK   →UNACK   follows  follows  follows
rise        | =        rises    →UNACK   =        =        =        follows  follows  follows
clear       | =        returns  returns  =        =        =        follows  follows  follows
realarm     | =        =        →UNACK   =        =        →LUNACK  =        =        =
escalate    | =        calls    =        =        calls    =        =        =        =
acknowledge | !normal  →ACKED   !acked   →NORM    →LACK    !acked   !hidden  !hidden  !hidden
reset       | !normal  !stands  !stands  !unlatch !unacked →NORM    !hidden  !hidden  !hidden
shelve      | sets     sets     sets     sets     sets     sets     sets     sets     sets
unshelve    | !flag    !flag    !flag    !flag    !flag    !flag    lifts    lifts    lifts
suppress    | sets     sets     sets     sets     sets     sets     sets     sets     sets
unsuppress  | !flag    !flag    !flag    !flag    !flag    !flag    lifts    lifts    lifts
remove      | sets     sets     sets     sets     sets     sets     sets     sets     !removed
return      | !flag    !flag    !flag    !flag    !flag    !flag    lifts    lifts    lifts
comment     | =        =        =        =        =        =        =        =        =
"""

REFUSALS = {
    "normal": "it is normal: there is nothing to {event}",
    "acked": "it has been acknowledged already",
    "stands": "its condition still stands; it can be reset when it does not",
    "unlatch": "it is not latched; acknowledge it, and it is normal",
    "unacked": "nobody has acknowledged it; acknowledge it first",
    "hidden": "it is suppressed ({state}); end that first",
    "removed": "it is out of service already",
    "flag": "it is not {flag}",
}
_FLAG = {Kind.UNSHELVE: "shelved", Kind.UNSUPPRESS: "suppressed by design", Kind.RETURN: "out of service"}


def _parse(table: str) -> dict[tuple[State, Kind], str]:
    head, *rows = (line.split() for line in table.strip().splitlines())
    states = [State(name) for name in head[2:]]
    return {
        (state, Kind(row[0])): cell for row in rows for state, cell in zip(states, row[2:], strict=True)
    }  # fmt: skip


TRANSITIONS = _parse(_TABLE)


def step(alarm: Alarm, event: Event, now: datetime) -> tuple[Alarm, tuple[Effect, ...]]:
    """What becomes of an alarm, and what the world hears of it. Raises RefusedError; the alarm then stays as it is."""
    shown = alarm.shown
    cell = TRANSITIONS[shown, event.kind]
    after = _observed(alarm, event)
    match cell[0], cell:
        case "!", _:
            raise RefusedError(_why(cell[1:], event.kind, shown))
        case "→", _:
            after = _enter(after, State(cell[1:]), now)
        case _, "returns":
            after = _returned(after)
        case _, "rises":
            after = _enter(after, State.UNACK, now)
        case _, "calls":
            after = replace(after, escalated=True)
        case _, "sets":
            after = _with_flag(after, event)
        case _, "lifts":
            after = _without_flag(after, event, now)
    return after, _effects(cell, alarm, after)


def _observed(alarm: Alarm, event: Event) -> Alarm:
    """The alarm with what the event says of its condition; that is followed whatever hides it."""
    match event.kind:
        case Kind.RAISE:
            # What a rule explains away does not latch: it may never have been.
            latched = alarm.latched or (alarm.latching and not alarm.rule_reason)
            return replace(alarm, condition=True, latched=latched, priority=event.priority)
        case Kind.RISE if alarm.condition:
            return replace(alarm, priority=max(alarm.priority, event.priority, key=lambda p: p.rank))
        case Kind.CLEAR:
            return replace(alarm, condition=False)
        case _:
            return alarm


def _enter(alarm: Alarm, state: State, now: datetime) -> Alarm:
    """The alarm in a state, which begins now."""
    match state:
        case State.UNACK | State.LUNACK:
            return replace(alarm, state=state, raised_at=now, acked_at=None, escalated=False)
        case State.ACKED | State.LACK:
            return replace(alarm, state=state, acked_at=now)
        case _:
            return replace(alarm, state=state, latched=False, escalated=False)


def _returned(alarm: Alarm) -> Alarm:
    acked = alarm.state is State.ACKED
    if alarm.latched:
        return replace(alarm, state=State.LACK if acked else State.LUNACK)
    return replace(alarm, state=State.NORM if acked or alarm.auto_reset else State.RTNUN, escalated=False)


def _with_flag(alarm: Alarm, event: Event) -> Alarm:
    match event.kind:
        case Kind.SHELVE:
            return replace(alarm, shelved_until=event.until)
        case Kind.REMOVE:
            return replace(alarm, out_of_service=event.reason)
        case _ if event.by_rule:
            return replace(alarm, rule_reason=event.reason)
        case _:
            return replace(alarm, order_reason=event.reason)


def _without_flag(alarm: Alarm, event: Event, now: datetime) -> Alarm:
    """The alarm without a flag; with none left it stands again if its condition does, or did and latches."""
    match event.kind:
        case Kind.UNSHELVE:
            held, freed = alarm.shelved_until is not None, replace(alarm, shelved_until=None)
        case Kind.RETURN:
            held, freed = bool(alarm.out_of_service), replace(alarm, out_of_service="")
        case _ if event.by_rule:
            held, freed = bool(alarm.rule_reason), replace(alarm, rule_reason="")
        case _:
            held, freed = bool(alarm.order_reason), replace(alarm, order_reason="")
    if not held and event.kind is Kind.UNSUPPRESS and alarm.rule_reason:
        raise RefusedError(f"a rule suppresses it ({alarm.rule_reason}); that ends by itself")
    if not held:
        raise RefusedError(_why("flag", event.kind, alarm.shown))
    if freed.shown in SUPPRESSED:
        return freed
    if freed.condition:
        return _enter(replace(freed, latched=freed.latching), State.UNACK, now)
    return _enter(freed, State.LUNACK if freed.latched else State.NORM, now)


def _effects(cell: str, before: Alarm, after: Alarm) -> tuple[Effect, ...]:
    """The world hears of an alarm that begins to ask for somebody, or again; and of one that stands no longer."""
    effects = []
    if after.shown in (State.UNACK, State.LUNACK) and (cell[0] == "→" or cell in ("rises", "lifts")):
        effects.append(Effect.ANNUNCIATE)
    if before.shown in FIRING and after.shown not in FIRING:
        effects.append(Effect.WITHDRAW)
    if cell == "calls" and not before.escalated:
        effects.append(Effect.ESCALATE)
    return tuple(effects)


def _why(word: str, kind: Kind, state: State) -> str:
    return REFUSALS[word].format(event=kind.value, state=state.value, flag=_FLAG.get(kind, ""))
