"""Tests of alerts.passing: what time alone brings."""

from alerts.book import Book, Key
from alerts.life import Event, Kind
from alerts.passing import pass_time
from schemas.alarm import AlarmType, State
from tests.alerts.making import GRES1, NOON_AT, at, master, raised

TRIP = Key(AlarmType.TRIP, "facility", "GRES1")
GRES2 = GRES1._replace(code="GRES2")


def happened(book: Book) -> list[tuple[str, str, float]]:
    """What was journalled: event, object, minutes after noon."""
    return [(entry.event, entry.object, (entry.at - NOON_AT).total_seconds() / 60) for entry in book.take_entries()]


def test_shelving_ends_at_its_time() -> None:
    book = Book(master())
    instance = raised(book)
    book.happen(instance, Event(Kind.SHELVE, until=at(20)), at(1))
    book.take_entries()
    pass_time(book, at(19))
    assert happened(book) == []
    pass_time(book, at(20))
    assert instance.alarm.shown is State.UNACK
    (entry,) = book.take_entries()
    assert (entry.event, entry.at, entry.reason, entry.annunciated) == ("unshelve", at(20), "its time is over", True)


def test_shelving_ends_beneath_a_stronger_suppression() -> None:
    book = Book(master())
    instance = raised(book)
    book.happen(instance, Event(Kind.SHELVE, until=at(20)), at(1))
    book.happen(instance, Event(Kind.REMOVE, reason="overhaul"), at(2))
    pass_time(book, at(60))
    assert (instance.alarm.shown, instance.alarm.shelved_until) == (State.OOSRV, None)


def test_the_next_one_is_called_after_the_time_to_respond() -> None:
    book = Book(master(DEV_GEN={"respond_within_min": 30}))
    raised(book)
    pass_time(book, at(29))
    assert book.take_calls() == []
    pass_time(book, at(45))
    assert [(call.escalation, call.at) for call in book.take_calls()] == [(True, at(30))]


def test_the_next_one_is_called_once() -> None:
    book = Book(master())
    raised(book)
    pass_time(book, at(45))
    book.take_calls()
    pass_time(book, at(90))
    assert book.take_calls() == []


def test_nobody_is_called_of_what_was_acknowledged_or_is_suppressed_or_over() -> None:
    book = Book(master())
    for number, kind in enumerate((Kind.ACKNOWLEDGE, Kind.SUPPRESS, Kind.CLEAR), start=1):
        instance = raised(book, GRES1._replace(code=f"GRES{number}"), number=number)
        book.happen(instance, Event(kind, reason="why"), at(1))
    book.take_calls()
    pass_time(book, at(600))
    assert book.take_calls() == []


def test_a_latched_alarm_that_nobody_acknowledged_is_escalated() -> None:
    book = Book(master())
    instance = raised(book, TRIP)
    book.happen(instance, Event(Kind.CLEAR), at(15))
    assert instance.alarm.shown is State.LUNACK
    pass_time(book, at(30))
    assert [(call.escalation, call.at) for call in book.take_calls()] == [(True, at(30))]


def test_the_time_to_respond_begins_with_the_last_call() -> None:
    book = Book(master())
    instance = raised(book)
    book.happen(instance, Event(Kind.RISE), at(20))
    book.take_calls()
    pass_time(book, at(49))
    assert book.take_calls() == []
    pass_time(book, at(50))
    assert len(book.take_calls()) == 1


def test_what_was_acknowledged_and_still_stands_is_called_again() -> None:
    book = Book(master(DEV_GEN={"realarm_after_min": 60}))
    instance = raised(book)
    book.happen(instance, Event(Kind.ACKNOWLEDGE), at(10))
    pass_time(book, at(69))
    assert instance.alarm.shown is State.ACKED
    pass_time(book, at(75))
    assert (instance.alarm.shown, instance.alarm.raised_at) == (State.UNACK, at(70))


def test_without_a_time_for_it_nothing_is_called_again() -> None:
    book = Book(master())
    instance = raised(book)
    book.happen(instance, Event(Kind.ACKNOWLEDGE), at(10))
    pass_time(book, at(100_000))
    assert instance.alarm.shown is State.ACKED


def test_what_is_due_happens_in_the_order_of_its_time() -> None:
    book = Book(master())
    raised(book, GRES2, at(5))
    raised(book, GRES1, at(10))
    other = raised(book, TRIP, at(0))
    book.happen(other, Event(Kind.SHELVE, until=at(37)), at(1))
    book.take_entries()
    pass_time(book, at(60))
    assert happened(book) == [("escalate", "GRES2", 35), ("unshelve", "GRES1", 37), ("escalate", "GRES1", 40)]


def test_what_is_due_of_what_became_due_happens_too() -> None:
    book = Book(master(DEV_GEN={"respond_within_min": 30}))
    instance = raised(book)
    book.happen(instance, Event(Kind.SHELVE, until=at(20)), at(1))
    book.take_entries()
    # Shelving ends at 20, which calls the operator; half an hour later the next one is due.
    pass_time(book, at(60))
    assert happened(book) == [("unshelve", "GRES1", 20), ("escalate", "GRES1", 50)]
