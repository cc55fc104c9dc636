"""Tests of alerts.following: from values to alarms, and what rests on missing data alone."""

from typing import Any

import numpy as np

from alerts.book import Basis, Book, Instance, Key
from alerts.conditions import judge
from alerts.following import follow, follow_balances
from alerts.frame import GENERATION, Frame
from alerts.life import Event, Kind
from alerts.master import Master
from schemas.alarm import AlarmType, Priority, State, Unit
from tests.alerts.making import GRES1, NOON, NOON_AT, Node, at, frame, lead, master, raised

INCOMPLETE = "too little of the data is there"
CORRECTED = "the schedule has just been corrected"
TRIP = Key(AlarmType.TRIP, "facility", "GRES1")


def look(
    book: Book, number: int, beyond: int, within: int | None = None, reason: str = "", key: Key = GRES1
) -> Instance | None:
    """The so-and-so-manieth interval after noon."""
    level = beyond if within is None else within
    basis = Basis(Unit.W, beyond * 1000, 1000)
    return follow(book, key, NOON + number, beyond, level, basis, at(15 * number), reason=reason)


def states(rules: Master, *looks: tuple[int, str], key: Key = GRES1) -> list[State | None]:
    """What is shown after each interval, of its level and the reason why a rule suppresses it."""
    book, found = Book(rules), []
    for number, (level, reason) in enumerate(looks):
        instance = look(book, number, level, reason=reason, key=key)
        found.append(None if instance is None else instance.alarm.shown)
    return found


def walked(rules: Master, found: Frame, *fresh: tuple[int, ...]) -> Book:
    """A book after the intervals of a frame, of these rows each."""
    book = Book(rules)
    judged = judge(rules, found)
    for number, rows in enumerate(fresh):
        which = np.isin(np.arange(len(found.kinds)), rows)
        follow_balances(book, found, judged, NOON + number, which, at(15 * number), lambda *_: {"by": "explain"})
    return book


def test_what_is_within_its_limit_has_no_alarm() -> None:
    book = Book(master())
    assert look(book, 0, 0) is None
    assert not book.instances


def test_a_value_beyond_its_limit_is_an_alarm_of_the_priority_of_its_level() -> None:
    instance = look(Book(master()), 0, 2)
    assert instance is not None
    assert (instance.alarm.shown, instance.alarm.priority) == (State.UNACK, Priority.MEDIUM)


def test_the_delays_are_those_of_the_rule() -> None:
    rules = master(DEV_GEN={"on_delay": 1, "off_delay": 1, "auto_reset": True})
    found = states(rules, (1, ""), (1, ""), (0, ""), (0, ""))
    assert found == [State.NORM, State.UNACK, State.UNACK, State.NORM]


def test_the_delays_of_an_object_are_its_own() -> None:
    rules = master(DEV_GEN={"on_delay": 1, "overrides": {"facility/GRES1": {"on_delay": 0}}})
    assert states(rules, (1, "")) == [State.UNACK]
    assert states(rules, (1, ""), key=GRES1._replace(code="GRES2")) == [State.NORM]


def test_within_the_deadband_the_alarm_stays() -> None:
    book = Book(master(DEV_GEN={"off_delay": 0}))
    look(book, 0, 1)
    instance = look(book, 1, 0, within=1)
    assert instance is not None
    assert instance.alarm.shown is State.UNACK


def test_a_higher_level_calls_again_after_an_acknowledgement() -> None:
    book = Book(master())
    instance = look(book, 0, 1)
    assert instance is not None
    book.happen(instance, Event(Kind.ACKNOWLEDGE), NOON_AT)
    look(book, 1, 1)
    assert instance.alarm.shown is State.ACKED
    look(book, 2, 3)
    assert (instance.alarm.shown, instance.alarm.priority) == (State.UNACK, Priority.HIGH)


def test_what_a_rule_suppresses_calls_nobody_and_is_journalled() -> None:
    book = Book(master())
    look(book, 0, 1, reason=INCOMPLETE)
    assert not book.take_calls()
    entries = book.take_entries()
    assert [(entry.event, entry.state, entry.annunciated) for entry in entries] == [
        ("suppress", State.DSUPR, False),
        ("raise", State.DSUPR, False),
    ]
    assert entries[0].reason == INCOMPLETE


def test_an_alarm_that_stands_is_suppressed_and_called_again_when_that_ends() -> None:
    assert states(master(), (1, ""), (1, INCOMPLETE), (1, "")) == [State.UNACK, State.DSUPR, State.UNACK]


def test_what_rested_on_missing_data_begins_anew_with_the_data() -> None:
    rules = master(DEV_GEN={"on_delay": 1})
    found = states(rules, (1, INCOMPLETE), (1, INCOMPLETE), (1, ""), (1, ""))
    assert found == [State.NORM, State.DSUPR, State.NORM, State.UNACK]


def test_what_rested_on_missing_data_and_is_none_with_the_data_never_was() -> None:
    book = Book(master(DEV_GEN={"off_delay": 4}))
    look(book, 0, 1, reason=INCOMPLETE)
    instance = look(book, 1, 0)
    assert instance is not None
    assert instance.alarm.shown is State.NORM
    assert not book.take_calls()


def test_intervals_of_missing_data_do_not_count_for_the_on_delay() -> None:
    rules = master(DEV_GEN={"on_delay": 2})
    found = states(rules, (1, INCOMPLETE), (1, INCOMPLETE), (1, ""), (1, ""), (1, ""))
    assert found == [State.NORM] * 4 + [State.UNACK]


def test_what_a_correction_of_the_schedule_excused_is_called_when_that_is_over() -> None:
    # It is measured all the while: no on-delay begins anew.
    rules = master(DEV_GEN={"on_delay": 1})
    found = states(rules, (1, CORRECTED), (1, CORRECTED), (1, ""))
    assert found == [State.NORM, State.DSUPR, State.UNACK]


def test_what_a_rule_suppressed_ends_at_once_when_it_is_seen_below_its_limit() -> None:
    rules = master(DEV_GEN={"off_delay": 4})
    assert states(rules, (1, CORRECTED), (0, "")) == [State.DSUPR, State.NORM]


def test_what_a_rule_suppresses_ends_after_its_off_delay_without_a_call() -> None:
    book = Book(master(DEV_GEN={"off_delay": 1}))
    shown = []
    for number, level in enumerate((1, 0, 0)):
        instance = look(book, number, level, reason=INCOMPLETE)
        assert instance is not None
        shown.append(instance.alarm.shown)
    assert shown == [State.DSUPR, State.DSUPR, State.NORM]
    assert not book.take_calls()


def test_a_rule_does_not_lift_what_a_person_suppressed() -> None:
    book = Book(master())
    instance = look(book, 0, 1)
    assert instance is not None
    book.happen(instance, Event(Kind.SUPPRESS, reason="start-up"), NOON_AT)
    look(book, 1, 1, reason=INCOMPLETE)
    look(book, 2, 1)
    look(book, 3, 1)
    assert (instance.alarm.shown, instance.alarm.rule_reason) == (State.DSUPR, "")


def test_a_measured_condition_that_is_shelved_outlives_missing_data() -> None:
    book = Book(master(DEV_GEN={"on_delay": 1}))
    instance = look(book, 0, 1)
    assert instance is not None
    book.happen(instance, Event(Kind.SHELVE, until=at(600)), NOON_AT)
    look(book, 1, 1)
    assert instance.alarm.condition
    look(book, 2, 1, reason=INCOMPLETE)
    look(book, 3, 1)
    book.happen(instance, Event(Kind.UNSHELVE), at(46))
    assert instance.alarm.shown is State.UNACK


def test_a_latching_alarm_that_was_called_stays_though_data_are_missing_then() -> None:
    assert states(master(), (1, ""), (0, INCOMPLETE), (0, ""), key=TRIP)[-1] is State.LUNACK


def test_the_basis_is_of_the_last_interval_while_it_stands_and_of_its_end() -> None:
    book = Book(master(DEV_GEN={"off_delay": 0}))
    found = []
    for number, level in enumerate((1, 3, 0, 0)):
        instance = look(book, number, level)
        assert instance is not None
        found.append((instance.basis.slot, instance.basis.value))
    assert found == [(NOON, 1000), (NOON + 1, 3000), (NOON + 2, 0), (NOON + 2, 0)]


def test_a_latched_alarm_says_what_happened_until_it_is_called_again() -> None:
    book = Book(master())
    for number, level in enumerate((1, 0)):
        look(book, number, level, key=TRIP)
    instance = book.instances[TRIP]
    assert instance.alarm.shown is State.LUNACK
    assert (instance.basis.slot, instance.basis.value) == (NOON, 1000)


def test_what_was_looked_at_is_not_looked_at_again_after_a_later_one() -> None:
    book = Book(master(DEV_GEN={"off_delay": 0}))
    look(book, 1, 1)
    book.take_dirty()
    instance = look(book, 0, 0)
    assert instance is book.instances[GRES1]
    assert (instance.alarm.shown, instance.timing.seen) == (State.UNACK, NOON + 1)


def test_an_alarm_is_explained_when_it_comes_and_rises() -> None:
    book, asked = Book(master(DEV_GEN={"off_delay": 0})), []
    for number, level in enumerate((1, 1, 2, 2, 0)):

        def explain(number: int = number) -> dict[str, Any]:
            asked.append(number)
            return {"by": number}

        basis = Basis(Unit.W, 1, 1)
        follow(book, GRES1, NOON + number, level, level, basis, at(15 * number), explain=explain)
    assert asked == [0, 2]
    assert book.instances[GRES1].basis.detail == {"by": 2}


def test_balances_beyond_their_limit_become_alarms_with_their_basis() -> None:
    found = frame(Node(gen=(400, 360), completeness=0.95, version=7))
    instance = walked(master(), found, (0,)).instances[GRES1]
    assert instance.alarm.shown is State.UNACK
    assert instance.basis == Basis(
        Unit.W, -40_000_000, 40_000_000, NOON, 0.95, 7, {"by": "explain"}
    )  # fmt: skip


def test_without_a_version_of_the_schedule_none_is_named() -> None:
    found = frame(Node(gen=(400, 360), version=0))
    assert walked(master(), found, (0,)).instances[GRES1].basis.version is None


def test_an_alarm_is_followed_to_its_end_though_its_value_is_in_order() -> None:
    found = frame(Node(gen=(400, lead(360, 400, 400, 400, before=400))))
    book = walked(master(DEV_GEN={"auto_reset": True}), found, (0,), (0,), (0,))
    assert book.instances[GRES1].alarm.shown is State.NORM
    assert not book.near[AlarmType.DEV_GEN]


def test_only_fresh_rows_are_looked_at() -> None:
    found = frame(Node(gen=(400, 360)), Node(gen=(400, 360), code="GRES2"))
    assert set(walked(master(), found, (1,)).instances) == {GRES1._replace(code="GRES2")}


def test_an_interval_that_is_not_looked_at_changes_nothing() -> None:
    found = frame(Node(gen=(400, 360), closed=lead(True, False, True, True, before=True)))
    instance = walked(master(), found, (0,), (0,)).instances[GRES1]
    assert (instance.timing.seen, instance.basis.slot) == (NOON, NOON)


def test_the_reason_of_a_suppression_is_the_frames() -> None:
    found = frame(Node(gen=(400, 360), completeness=0.5))
    assert walked(master(), found, (0,)).instances[GRES1].alarm.rule_reason == INCOMPLETE
    found = frame(Node(gen=(400, 360), known={GENERATION: 0}))
    assert walked(master(), found, (0,)).instances[GRES1].alarm.rule_reason == "it may come of missing data alone"
    found = frame(Node(gen=(400, 360), version=lead(2, 2, 2, 2, before=1)))
    rules = master(DEV_GEN={"after_correction": 1})
    assert walked(rules, found, (0,)).instances[GRES1].alarm.rule_reason == CORRECTED


def test_one_frame_can_call_for_several_types_of_one_object() -> None:
    found = frame(Node(gen=(2080, lead(320, 320, 320, 320, before=2080))))
    book = walked(master(), found, (0,))
    assert {key.type for key in book.instances} == {AlarmType.DEV_GEN, AlarmType.TRIP}


def test_an_alarm_told_before_is_the_same_alarm_again() -> None:
    book = Book(master(DEV_GEN={"auto_reset": True, "off_delay": 0}))
    first = raised(book)
    book.happen(first, Event(Kind.CLEAR), NOON_AT)
    assert look(book, 1, 1) is first
