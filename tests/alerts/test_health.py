"""Tests of alerts.health: what ails the monitoring itself."""

from alerts.book import Book, Key
from alerts.health import Ailment, follow_health
from schemas.alarm import AlarmType, Priority, State, Unit
from tests.alerts.making import NOON, at, master

CLOCK = Key(AlarmType.PIPELINE, "system", "clock")
LEVELS = [{"priority": "medium", "seconds": 60}, {"priority": "high", "seconds": 300}]


def ail(book: Book, minute: int, seconds: int, part: str = "clock") -> None:
    follow_health(book, {part: Ailment(seconds, "no tick")}, at(minute))


def called(book: Book) -> list[str]:
    return [call.instance.key.code for call in book.take_calls() if not call.ended]


def test_what_ails_as_long_as_the_limit_is_an_alarm_that_says_what() -> None:
    book = Book(master())
    ail(book, 1, 119)
    assert called(book) == []
    ail(book, 2, 120)
    assert called(book) == ["clock"]
    basis = book.instances[CLOCK].basis
    assert (basis.unit, basis.value, basis.limit, basis.slot) == (Unit.SECONDS, 120, 120, NOON)
    assert basis.detail == {"says": "no tick"}


def test_what_still_ails_is_not_called_again() -> None:
    book = Book(master())
    ail(book, 2, 120)
    called(book)
    ail(book, 17, 1020)
    assert called(book) == []
    assert book.instances[CLOCK].timing.since == NOON


def test_it_is_over_when_the_part_is_well() -> None:
    book = Book(master(PIPELINE={"auto_reset": True}))
    ail(book, 2, 120)
    ail(book, 3, 1)
    assert book.instances[CLOCK].alarm.shown is State.UNACK
    ail(book, 4, 0)
    assert book.instances[CLOCK].alarm.shown is State.NORM
    ail(book, 9, 120)
    assert book.instances[CLOCK].alarm.shown is State.UNACK


def test_parts_are_alarms_apart() -> None:
    book = Book(master())
    follow_health(book, {"clock": Ailment(120), "alertmanager": Ailment(500), "rules": Ailment(0)}, at(2))
    assert called(book) == ["alertmanager", "clock"]
    ail(book, 3, 0, "alertmanager")
    assert book.instances[CLOCK].alarm.shown is State.UNACK


def test_a_part_can_be_taken_out_or_have_its_own_limit() -> None:
    overrides = {
        "system/rules": {"enabled": False},
        "system/clock": {"levels": [{"priority": "low", "seconds": 10}]},
    }
    book = Book(master(PIPELINE={"overrides": overrides}))
    follow_health(book, {"clock": Ailment(10), "rules": Ailment(900), "alertmanager": Ailment(10)}, at(2))
    assert called(book) == ["clock"]
    assert book.instances[CLOCK].alarm.priority is Priority.LOW


def test_the_highest_limit_that_is_reached_counts() -> None:
    book = Book(master(PIPELINE={"levels": LEVELS}))
    ail(book, 5, 300)
    assert book.instances[CLOCK].alarm.priority is Priority.HIGH


def test_what_ails_past_a_higher_limit_is_called_again() -> None:
    book = Book(master(PIPELINE={"levels": LEVELS}))
    ail(book, 1, 60)
    assert book.instances[CLOCK].alarm.priority is Priority.MEDIUM
    called(book)
    ail(book, 5, 300)
    assert book.instances[CLOCK].alarm.priority is Priority.HIGH
    assert called(book) == ["clock"]
