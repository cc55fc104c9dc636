"""Tests of alerts.life: the whole table of transitions by hand, and what it does not show."""

from dataclasses import replace
from datetime import datetime

import pytest

from alerts.life import Alarm, Effect, Event, Kind, RefusedError, step
from schemas.alarm import Priority, State
from tests.alerts.making import NOON_AT, at

BEFORE = at(-60)
NOW = NOON_AT

_STANDING = Alarm(State.UNACK, condition=True, raised_at=BEFORE)
STARTS = {
    "NORM": Alarm(),
    "UNACK": _STANDING,
    "ACKED": replace(_STANDING, state=State.ACKED, acked_at=BEFORE),
    "RTNUN": replace(_STANDING, state=State.RTNUN, condition=False),
    "LUNACK": Alarm(State.LUNACK, latching=True, latched=True, raised_at=BEFORE),
    "LACK": Alarm(State.LACK, latching=True, latched=True, raised_at=BEFORE, acked_at=BEFORE),
    # With a plus: the condition is true beneath.
    "SHLVD": Alarm(shelved_until=at(60)),
    "SHLVD+": replace(_STANDING, shelved_until=at(60)),
    "DSUPR": Alarm(order_reason="start-up"),
    "DSUPR+": replace(_STANDING, order_reason="start-up"),
    "OOSRV": Alarm(out_of_service="overhaul"),
    "OOSRV+": replace(_STANDING, out_of_service="overhaul"),
}

# The state that is then shown. * calls the operator, ^ calls the next one, - withdraws the call, no: refused.
GRID = """
event       NORM   UNACK  ACKED  RTNUN  LUNACK  LACK    SHLVD SHLVD+ DSUPR DSUPR+ OOSRV OOSRV+
raise       UNACK* UNACK  ACKED  UNACK* UNACK*  UNACK*  SHLVD SHLVD  DSUPR DSUPR  OOSRV OOSRV
rise        NORM   UNACK* UNACK* RTNUN  LUNACK  LACK    SHLVD SHLVD  DSUPR DSUPR  OOSRV OOSRV
clear       NORM   RTNUN- NORM-  RTNUN  LUNACK  LACK    SHLVD SHLVD  DSUPR DSUPR  OOSRV OOSRV
realarm     NORM   UNACK  UNACK* RTNUN  LUNACK  LUNACK* SHLVD SHLVD  DSUPR DSUPR  OOSRV OOSRV
escalate    NORM   UNACK^ ACKED  RTNUN  LUNACK^ LACK    SHLVD SHLVD  DSUPR DSUPR  OOSRV OOSRV
acknowledge no     ACKED  no     NORM   LACK    no      no    no     no    no     no    no
reset       no     no     no     no     no      NORM-   no    no     no    no     no    no
shelve      SHLVD  SHLVD- SHLVD- SHLVD  SHLVD-  SHLVD-  SHLVD SHLVD  DSUPR DSUPR  OOSRV OOSRV
unshelve    no     no     no     no     no      no      NORM  UNACK* no    no     no    no
suppress    DSUPR  DSUPR- DSUPR- DSUPR  DSUPR-  DSUPR-  DSUPR DSUPR  DSUPR DSUPR  OOSRV OOSRV
unsuppress  no     no     no     no     no      no      no    no     NORM  UNACK* no    no
remove      OOSRV  OOSRV- OOSRV- OOSRV  OOSRV-  OOSRV-  OOSRV OOSRV  OOSRV OOSRV  no    no
return      no     no     no     no     no      no      no    no     no    no     NORM  UNACK*
comment     NORM   UNACK  ACKED  RTNUN  LUNACK  LACK    SHLVD SHLVD  DSUPR DSUPR  OOSRV OOSRV
"""
_HEAD, *_ROWS = (line.split() for line in GRID.strip().splitlines())
CELLS = [(start, row[0], cell) for row in _ROWS for start, cell in zip(_HEAD[1:], row[1:], strict=True)]
MARKS = {"*": (Effect.ANNUNCIATE,), "^": (Effect.ESCALATE,), "-": (Effect.WITHDRAW,)}


def event(kind: str) -> Event:
    return Event(Kind(kind), Priority.MEDIUM, at(30), "why")


def after(alarm: Alarm, *events: Event | Kind, now: datetime = NOW) -> Alarm:
    for happened in events:
        alarm, _ = step(alarm, happened if isinstance(happened, Event) else event(happened), now)
    return alarm


def effects(alarm: Alarm, happened: Event | Kind) -> tuple[Effect, ...]:
    return step(alarm, happened if isinstance(happened, Event) else event(happened), NOW)[1]


def rule(*, holds: bool) -> Event:
    return Event(Kind.SUPPRESS, reason="incomplete", by_rule=True) if holds else Event(Kind.UNSUPPRESS, by_rule=True)


def latching(state: str) -> Alarm:
    return replace(STARTS[state], latching=True, latched=STARTS[state].condition)


def test_the_grid_has_every_state_and_event() -> None:
    assert {(State(start.rstrip("+")), Kind(kind)) for start, kind, _ in CELLS} == {(s, k) for s in State for k in Kind}


@pytest.mark.parametrize("start", STARTS)
def test_the_alarms_of_the_grid_are_shown_in_their_state(start: str) -> None:
    assert STARTS[start].shown == start.rstrip("+")


@pytest.mark.parametrize(("start", "kind", "cell"), CELLS, ids=[f"{kind}-{start}" for start, kind, _ in CELLS])
def test_the_table_of_transitions(start: str, kind: str, cell: str) -> None:
    if cell == "no":
        with pytest.raises(RefusedError, match=r"\w"):
            step(STARTS[start], event(kind), NOW)
        return
    alarm, found = step(STARTS[start], event(kind), NOW)
    assert alarm.shown == cell.rstrip("*^-")
    assert found == MARKS.get(cell[-1], ())


@pytest.mark.parametrize(
    ("start", "kind", "words"),
    [
        ("NORM", Kind.ACKNOWLEDGE, "it is normal: there is nothing to acknowledge"),
        ("NORM", Kind.RESET, "it is normal: there is nothing to reset"),
        ("ACKED", Kind.ACKNOWLEDGE, "acknowledged already"),
        ("LACK", Kind.ACKNOWLEDGE, "acknowledged already"),
        ("UNACK", Kind.RESET, "condition still stands"),
        ("ACKED", Kind.RESET, "condition still stands"),
        ("RTNUN", Kind.RESET, "not latched"),
        ("LUNACK", Kind.RESET, "acknowledge it first"),
        ("SHLVD+", Kind.ACKNOWLEDGE, "suppressed (SHLVD)"),
        ("DSUPR+", Kind.RESET, "suppressed (DSUPR)"),
        ("OOSRV", Kind.REMOVE, "out of service already"),
        ("UNACK", Kind.UNSHELVE, "not shelved"),
        ("SHLVD", Kind.UNSUPPRESS, "not suppressed by design"),
        ("DSUPR", Kind.RETURN, "not out of service"),
    ],
)
def test_a_refusal_says_why(start: str, kind: Kind, words: str) -> None:
    with pytest.raises(RefusedError) as refused:
        step(STARTS[start], event(kind), NOW)
    assert words in str(refused.value)


def test_the_strongest_suppression_is_shown_and_each_ends_on_its_own() -> None:
    alarm = after(STARTS["UNACK"], Kind.SHELVE, Kind.SUPPRESS, Kind.REMOVE)
    shown = [alarm.shown]
    for end in (Kind.RETURN, Kind.UNSUPPRESS, Kind.UNSHELVE):
        alarm = after(alarm, end)
        shown.append(alarm.shown)
    assert shown == [State.OOSRV, State.DSUPR, State.SHLVD, State.UNACK]


def test_a_flag_beneath_a_stronger_one_can_be_lifted() -> None:
    alarm = after(STARTS["UNACK"], Kind.SHELVE, Kind.REMOVE, Kind.UNSHELVE)
    assert alarm.shown is State.OOSRV
    assert after(alarm, Kind.RETURN).shown is State.UNACK


def test_only_the_last_flag_that_falls_calls_the_operator() -> None:
    both = after(STARTS["UNACK"], Kind.SHELVE, Kind.REMOVE)
    assert effects(both, Kind.RETURN) == ()
    assert effects(after(both, Kind.RETURN), Kind.UNSHELVE) == (Effect.ANNUNCIATE,)


def test_a_condition_that_comes_while_suppressed_stands_when_that_ends() -> None:
    alarm = after(STARTS["SHLVD"], Event(Kind.RAISE, Priority.HIGH))
    freed = after(alarm, Kind.UNSHELVE, now=at(30))
    assert (freed.shown, freed.priority, freed.raised_at) == (State.UNACK, Priority.HIGH, at(30))


def test_a_condition_that_goes_while_suppressed_is_normal_when_that_ends() -> None:
    alarm = after(STARTS["ACKED"], Kind.SHELVE, Kind.CLEAR)
    assert after(alarm, Kind.UNSHELVE).shown is State.NORM
    assert effects(alarm, Kind.UNSHELVE) == ()


def test_an_acknowledged_alarm_is_unacknowledged_after_suppression() -> None:
    freed = after(STARTS["ACKED"], Kind.SHELVE, Kind.UNSHELVE)
    assert (freed.shown, freed.acked_at) == (State.UNACK, None)


def test_an_alarm_that_resets_by_itself_is_normal_without_an_acknowledgement() -> None:
    alarm = replace(STARTS["UNACK"], auto_reset=True)
    assert after(alarm, Kind.CLEAR).shown is State.NORM
    assert effects(alarm, Kind.CLEAR) == (Effect.WITHDRAW,)


@pytest.mark.parametrize(("start", "end"), [("UNACK", State.LUNACK), ("ACKED", State.LACK)])
def test_a_latching_alarm_latches_without_a_word(start: str, end: State) -> None:
    assert after(latching(start), Kind.CLEAR).shown is end
    assert effects(latching(start), Kind.CLEAR) == ()


def test_latching_wins_over_resetting_by_itself() -> None:
    alarm = after(Alarm(latching=True, auto_reset=True), Kind.RAISE, Kind.CLEAR)
    assert alarm.shown is State.LUNACK


@pytest.mark.parametrize("start", ["UNACK", "ACKED"])
def test_a_latched_alarm_is_still_latched_after_suppression(start: str) -> None:
    hidden = after(latching(start), Kind.SHELVE, Kind.CLEAR)
    assert after(hidden, Kind.UNSHELVE).shown is State.LUNACK
    assert effects(hidden, Kind.UNSHELVE) == (Effect.ANNUNCIATE,)


def test_a_latching_condition_that_came_and_went_while_shelved_is_latched() -> None:
    alarm = after(Alarm(latching=True), Kind.SHELVE, Kind.RAISE, Kind.CLEAR, Kind.UNSHELVE)
    assert alarm.shown is State.LUNACK


def test_a_reset_alarm_no_longer_latches() -> None:
    alarm = after(STARTS["LACK"], Kind.RESET)
    assert after(alarm, Kind.SHELVE, Kind.UNSHELVE).shown is State.NORM


def test_what_a_rule_explained_away_does_not_latch() -> None:
    alarm = after(Alarm(latching=True), rule(holds=True), Kind.RAISE, Kind.CLEAR, rule(holds=False))
    assert alarm.shown is State.NORM


def test_a_latching_alarm_that_stood_after_a_rule_let_go_latches() -> None:
    alarm = after(Alarm(latching=True), rule(holds=True), Kind.RAISE, rule(holds=False))
    assert alarm.shown is State.UNACK
    assert after(alarm, Kind.CLEAR).shown is State.LUNACK


def test_the_suppressions_of_a_rule_and_of_a_person_end_apart() -> None:
    both = after(STARTS["UNACK"], Kind.SUPPRESS, rule(holds=True))
    assert after(both, rule(holds=False)).shown is State.DSUPR
    assert after(both, Kind.UNSUPPRESS).shown is State.DSUPR
    assert after(both, Kind.UNSUPPRESS, rule(holds=False)).shown is State.UNACK


def test_a_person_does_not_lift_what_a_rule_suppresses_and_is_told_the_truth() -> None:
    hidden = after(STARTS["UNACK"], rule(holds=True))
    with pytest.raises(RefusedError) as refused:
        step(hidden, event("unsuppress"), NOW)
    assert str(refused.value) != "it is not suppressed by design", hidden.shown


def test_shelving_again_takes_the_later_time() -> None:
    assert after(STARTS["SHLVD"], Event(Kind.SHELVE, until=at(300))).shelved_until == at(300)


def test_a_rise_is_a_new_call_of_the_higher_priority() -> None:
    escalated = replace(STARTS["ACKED"], escalated=True)
    alarm = after(escalated, Event(Kind.RISE, Priority.HIGH))
    assert (alarm.priority, alarm.raised_at, alarm.acked_at, alarm.escalated) == (Priority.HIGH, NOW, None, False)


def test_a_rise_never_lowers_the_priority() -> None:
    high = replace(STARTS["UNACK"], priority=Priority.HIGH)
    assert after(high, Event(Kind.RISE, Priority.LOW)).priority is Priority.HIGH


def test_a_rise_while_suppressed_shows_in_the_priority_afterwards() -> None:
    alarm = after(STARTS["SHLVD+"], Event(Kind.RISE, Priority.HIGH), Kind.UNSHELVE)
    assert (alarm.shown, alarm.priority) == (State.UNACK, Priority.HIGH)


def test_an_alarm_that_returns_has_the_priority_of_its_return() -> None:
    alarm = after(replace(STARTS["RTNUN"], priority=Priority.HIGH), Event(Kind.RAISE, Priority.LOW))
    assert (alarm.shown, alarm.priority, alarm.raised_at) == (State.UNACK, Priority.LOW, NOW)


def test_a_condition_told_twice_is_no_second_call() -> None:
    alarm, found = step(STARTS["UNACK"], event("raise"), NOW)
    assert (alarm.raised_at, found) == (BEFORE, ())


def test_the_time_of_an_acknowledgement_is_kept() -> None:
    assert after(STARTS["UNACK"], Kind.ACKNOWLEDGE).acked_at == NOW


def test_the_next_one_is_called_once() -> None:
    called = after(STARTS["UNACK"], Kind.ESCALATE)
    assert called.escalated
    assert effects(called, Kind.ESCALATE) == ()


def test_the_next_one_is_called_again_after_a_new_call() -> None:
    again = after(STARTS["UNACK"], Kind.ESCALATE, Kind.ACKNOWLEDGE, Kind.REALARM)
    assert effects(again, Kind.ESCALATE) == (Effect.ESCALATE,)
