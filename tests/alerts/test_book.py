"""Tests of alerts.book: instances, journal, calls, and what is written."""

from datetime import datetime
from uuid import UUID

import pytest

from alerts.book import Basis, Book, By, Key
from alerts.following import follow
from alerts.life import Event, Kind, RefusedError
from alerts.timing import Timing
from connectors.alarms import StoredAlarm
from schemas.alarm import AlarmType, Priority, State, Unit
from schemas.time import slot_start
from tests.alerts.making import GRES1, NOON, NOON_AT, at, master, raised

RULES = master()
GRES2 = GRES1._replace(code="GRES2")
TRIP = Key(AlarmType.TRIP, "facility", "GRES1")
OPERATOR = By("Aigerim", "seen", UUID(int=7))

STORED = StoredAlarm(
    5, "TRIP", "facility", "GRES1", "OOSRV", "ACKED", True, True, "high", at(-60), at(-30), "Aigerim", True, at(60),
    "rule", "order", "overhaul", 1, slot_start(NOON - 8), slot_start(NOON - 1), slot_start(NOON), True, -1760, 200,
    "W", slot_start(NOON - 2), 0.75, 3, {"of": 2}, at(-5),
)  # fmt: skip


def test_an_alarm_is_opened_once_by_type_kind_and_code() -> None:
    book = Book(RULES)
    first = book.open(GRES1, NOON_AT)
    assert book.open(Key(AlarmType.DEV_GEN, "facility", "GRES1"), at(15)) is first
    others = {id(book.open(key, NOON_AT)) for key in (GRES2, TRIP, GRES1._replace(kind="entity"))}
    assert len(others | {id(first)}) == 4


def test_a_new_alarm_is_as_its_rule_has_it() -> None:
    book = Book(master(TRIP={"auto_reset": True}))
    alarm = book.open(TRIP, NOON_AT).alarm
    assert (alarm.shown, alarm.latching, alarm.auto_reset, alarm.priority) == (State.NORM, True, True, Priority.HIGH)
    assert not book.open(GRES1, NOON_AT).alarm.latching


def test_there_is_none_until_it_is_opened() -> None:
    book = Book(RULES)
    assert book.get(GRES1) is None
    opened = book.open(GRES1, NOON_AT)
    assert book.get(GRES1) is opened


def test_alarms_are_found_by_their_types() -> None:
    book = Book(RULES)
    of_type = [book.open(key, NOON_AT) for key in (GRES1, TRIP, GRES2)]
    assert book.of_type(AlarmType.DEV_GEN) == [of_type[0], of_type[2]]
    assert book.of_type(AlarmType.DEV_GEN, AlarmType.TRIP) == [of_type[0], of_type[2], of_type[1]]


def test_what_happens_is_journalled_with_what_it_rests_on() -> None:
    book = Book(RULES)
    instance = book.open(GRES1, NOON_AT)
    instance.basis = Basis(Unit.W, -40, 20, NOON, 0.9, 4, {"by": "GRES1"})
    book.happen(instance, Event(Kind.RAISE, Priority.HIGH), at(15), detail={"late": True})
    (entry,) = book.take_entries()
    assert entry[:6] == (at(15), None, AlarmType.DEV_GEN, "facility", "GRES1", "raise")
    assert (entry.state_before, entry.state, entry.annunciated, entry.priority) == ("NORM", "UNACK", True, "high")
    assert (entry.value, entry.limit_value, entry.unit, entry.interval_start) == (-40, 20, Unit.W, NOON_AT)
    assert (entry.completeness, entry.schedule_version, entry.rules) == (0.9, 4, RULES.digest)
    assert entry.detail == {"by": "GRES1", "late": True}


def test_the_journal_names_who_and_why() -> None:
    book = Book(RULES)
    instance = raised(book)
    book.happen(instance, Event(Kind.ACKNOWLEDGE), at(5), OPERATOR)
    (entry,) = book.take_entries()
    assert (entry.actor, entry.reason, entry.command_id, entry.alarm_id) == ("Aigerim", "seen", UUID(int=7), 1)


def test_without_a_person_the_reason_is_that_of_the_event() -> None:
    book = Book(RULES)
    book.happen(raised(book), Event(Kind.SUPPRESS, reason="incomplete", by_rule=True), NOON_AT)
    assert [(entry.actor, entry.reason) for entry in book.take_entries()] == [("", "incomplete")]


def test_what_changes_nothing_leaves_no_trace() -> None:
    book = Book(RULES)
    instance = raised(book)
    assert book.happen(instance, Event(Kind.RAISE), at(5)) == ()
    assert not book.changed
    assert instance.changed_at == NOON_AT


def test_a_comment_changes_nothing_and_is_written_down() -> None:
    book = Book(RULES)
    instance = raised(book)
    before = instance.alarm
    book.happen(instance, Event(Kind.COMMENT, reason="seen"), at(5), OPERATOR)
    assert instance.alarm == before
    assert [(entry.event, entry.reason) for entry in book.take_entries()] == [("comment", "seen")]


def test_what_is_refused_leaves_the_alarm_and_no_trace() -> None:
    book = Book(RULES)
    instance = raised(book)
    before, changed = instance.alarm, instance.changed_at
    with pytest.raises(RefusedError):
        book.happen(instance, Event(Kind.RESET), at(5), OPERATOR)
    assert (instance.alarm, instance.changed_at, instance.acked_by, book.changed) == (before, changed, "", False)


def test_who_acknowledged_is_kept_until_it_is_called_again() -> None:
    book = Book(RULES)
    instance = raised(book)
    book.happen(instance, Event(Kind.ACKNOWLEDGE), at(5), OPERATOR)
    book.happen(instance, Event(Kind.COMMENT, reason="on it"), at(6), By("Daulet"))
    assert instance.acked_by == "Aigerim"
    book.happen(instance, Event(Kind.RISE, Priority.HIGH), at(15))
    assert instance.acked_by == ""


def test_calls_are_told_in_order_each_at_its_time() -> None:
    book = Book(RULES)
    instance = raised(book)
    for kind, minute in ((Kind.ESCALATE, 30), (Kind.ACKNOWLEDGE, 40), (Kind.REALARM, 50), (Kind.CLEAR, 60)):
        book.happen(instance, Event(kind), at(minute))
    found = [(call.instance is instance, call.escalation, call.ended, call.at) for call in book.take_calls()]
    assert found == [
        (True, True, False, at(30)),
        (True, True, True, at(40)),
        (True, False, False, at(50)),
        (True, False, True, at(60)),
    ]


def test_the_calls_to_be_written_are_told_by_type_and_priority() -> None:
    book = Book(RULES)
    book.happen(book.open(GRES1, NOON_AT), Event(Kind.RAISE, Priority.MEDIUM), NOON_AT)
    hidden = book.open(TRIP, NOON_AT)
    for event in (Event(Kind.SUPPRESS, reason="incomplete", by_rule=True), Event(Kind.RAISE, Priority.HIGH)):
        book.happen(hidden, event, NOON_AT)
    assert book.called() == [(AlarmType.DEV_GEN, Priority.MEDIUM)]
    book.take_entries()
    assert book.called() == []


def test_what_was_taken_is_not_taken_again() -> None:
    book = Book(RULES)
    instance = book.open(GRES1, NOON_AT)
    book.happen(instance, Event(Kind.RAISE), NOON_AT)
    assert book.changed
    assert (len(book.take_dirty()), len(book.take_entries()), len(book.take_calls())) == (1, 1, 1)
    assert (book.take_dirty(), book.take_entries(), book.take_calls(), book.changed) == ([], [], [], False)


def test_the_journal_has_the_numbers_under_which_alarms_were_written() -> None:
    book = Book(RULES)
    for key in (GRES1, GRES2):
        book.happen(book.open(key, NOON_AT), Event(Kind.RAISE), NOON_AT)
    dirty = book.take_dirty()
    book.number(dirty, [41, 42])
    assert [entry.alarm_id for entry in book.take_entries()] == [41, 42]
    assert book.by_id == {41: book.instances[GRES1], 42: book.instances[GRES2]}


def test_an_alarm_that_changes_twice_is_written_once() -> None:
    book = Book(RULES)
    instance = raised(book)
    book.happen(instance, Event(Kind.ACKNOWLEDGE), NOON_AT)
    book.note(instance)
    assert book.take_dirty() == [instance]


def near(book: Book, number: int, level: int) -> None:
    follow(book, GRES1, NOON + number, level, level, Basis(Unit.W), at(15 * number))


def test_what_was_never_more_than_near_its_limit_is_forgotten() -> None:
    book = Book(master(DEV_GEN={"on_delay": 1}))
    near(book, 0, 1)
    near(book, 1, 0)
    assert book.take_dirty() == []
    assert not book.instances


def test_what_is_near_its_limit_is_written_for_the_next_who_follows_it() -> None:
    book = Book(master(DEV_GEN={"on_delay": 1}))
    near(book, 0, 1)
    assert [instance.timing for instance in book.take_dirty()] == [Timing(0, NOON, None, NOON)]


def test_an_alarm_that_was_written_is_written_again_when_it_is_no_longer_near() -> None:
    book = Book(master(DEV_GEN={"on_delay": 1}))
    near(book, 0, 1)
    book.number(book.take_dirty(), [1])
    near(book, 1, 0)
    assert [instance.alarm_id for instance in book.take_dirty()] == [1]


def test_a_row_is_read_as_it_is_written() -> None:
    book = Book(RULES, [STORED])
    instance = book.by_id[5]
    assert instance is book.instances[TRIP]
    assert book.to_row(instance) == STORED


def test_a_row_of_little_is_read_as_it_is_written() -> None:
    row = STORED._replace(
        state="NORM", life="NORM", raised_at=None, acked_at=None, shelved_until=None, rule_reason="", order_reason="",
        out_of_service="", level=0, since_ts=None, below_ts=None, seen_ts=None, value=None, limit_value=None,
        interval_start=None, completeness=None, schedule_version=None, detail={},
    )  # fmt: skip
    assert Book(RULES, [row]).to_row(Book(RULES, [row]).by_id[5]) == row


def test_what_latches_is_read_from_the_rules_in_force() -> None:
    assert Book(RULES, [STORED]).by_id[5].alarm.latching
    assert not Book(master(TRIP={"latching": False}), [STORED]).by_id[5].alarm.latching


@pytest.mark.parametrize(("level", "since"), [(1, None), (0, slot_start(NOON))])
def test_what_is_near_its_limit_is_known_from_its_row(level: int, since: datetime | None) -> None:
    row = STORED._replace(level=level, since_ts=since)
    assert Book(RULES, [row]).near[AlarmType.TRIP] == {("facility", "GRES1")}


def test_what_is_in_order_is_not_near_by_its_row() -> None:
    book = Book(RULES, [STORED._replace(level=0, since_ts=None)])
    assert not book.near.get(AlarmType.TRIP)


def test_a_book_that_was_read_has_nothing_to_write() -> None:
    assert not Book(RULES, [STORED]).changed
