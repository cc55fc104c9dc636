"""Tests of alerts.planning: whether there is a schedule for tomorrow."""

from datetime import UTC, date, datetime

from alerts.book import Book, Key
from alerts.following import end
from alerts.planning import SYSTEM, Planned, checks, day_of, follow_plan, standing
from schemas.alarm import AlarmType, Priority, State, Unit
from schemas.time import slot_of
from tests.alerts.making import at, master, raised

DAY = date(2026, 3, 3)
# 18:00 in Almaty.
SIX = datetime(2026, 3, 2, 13, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 14, tzinfo=UTC)
ENTITIES = ("GRES1", "MAEK", "UKHPP", "KEGOC")


def absent(*codes: str) -> dict[str, Planned]:
    """Four entities of five units each; these lack two of theirs."""
    return {code: Planned(5, 2 if code in codes else 0) for code in ENTITIES}


def key(code: str) -> Key:
    return Key(AlarmType.PLAN_MISSING, "entity", code)


def shown(book: Book, *keys: Key) -> list[State]:
    return [book.instances[one].alarm.shown if one in book.instances else State.NORM for one in keys]


def called(book: Book) -> list[Key]:
    return [call.instance.key for call in book.take_calls() if not call.ended]


def test_one_looks_at_the_local_hour_for_the_day_after() -> None:
    assert checks(Book(master()), at(0), LATER) == [(SIX, DAY)]


def test_one_looks_once_at_the_end_of_the_time_that_passed() -> None:
    book = Book(master())
    assert checks(book, at(0), SIX) == [(SIX, DAY)]
    assert checks(book, SIX, LATER) == []


def test_the_hour_is_that_of_the_rule() -> None:
    found = checks(Book(master(PLAN_MISSING={"by": "17:30"})), at(0), LATER)
    assert found == [(datetime(2026, 3, 2, 12, 30, tzinfo=UTC), DAY)]


def test_days_that_were_slept_through_are_looked_at_in_order() -> None:
    found = checks(Book(master()), datetime(2026, 2, 28, 12, tzinfo=UTC), LATER)
    assert [day for _, day in found] == [date(2026, 3, 1), date(2026, 3, 2), DAY]
    assert found[0][0] == datetime(2026, 2, 28, 13, tzinfo=UTC)


def test_the_day_is_the_local_one() -> None:
    # 00:30 of March 3rd in Almaty, still March 2nd in UTC.
    assert checks(Book(master(PLAN_MISSING={"by": "00:30"})), datetime(2026, 3, 2, 19, tzinfo=UTC),
                  datetime(2026, 3, 2, 20, tzinfo=UTC)) == [(datetime(2026, 3, 2, 19, 30, tzinfo=UTC), date(2026, 3, 4))]  # fmt: skip


def test_before_any_time_has_passed_nothing_is_due() -> None:
    assert checks(Book(master()), None, LATER) == []


def test_an_entity_without_a_schedule_is_an_alarm() -> None:
    book = Book(master())
    follow_plan(book, DAY, absent("MAEK"), SIX, first=True)
    assert called(book) == [key("MAEK")]
    instance = book.instances[key("MAEK")]
    assert (instance.alarm.priority, day_of(instance)) == (Priority.HIGH, DAY)
    basis = instance.basis
    assert (basis.unit, basis.value, basis.slot) == (Unit.UNITS, 2, slot_of(SIX))
    assert basis.detail == {"day": "2026-03-03", "of": 5}


def test_when_everybody_is_planned_nothing_happens() -> None:
    book = Book(master())
    follow_plan(book, DAY, absent(), SIX, first=True)
    assert not book.instances


def test_when_most_lack_a_schedule_it_is_the_schedule_that_is_missing() -> None:
    book = Book(master())
    follow_plan(book, DAY, absent("GRES1", "MAEK", "UKHPP"), SIX, first=True)
    assert called(book) == [SYSTEM]
    assert (book.instances[SYSTEM].basis.value, book.instances[SYSTEM].basis.detail["of"]) == (6, 20)


def test_half_of_them_are_called_one_by_one() -> None:
    book = Book(master())
    follow_plan(book, DAY, absent("GRES1", "MAEK"), SIX, first=True)
    assert called(book) == [key("GRES1"), key("MAEK")]


def test_a_single_entity_is_called_by_its_name() -> None:
    book = Book(master())
    follow_plan(book, DAY, {"MAEK": Planned(5, 5)}, SIX, first=True)
    assert called(book) == [key("MAEK")]


def test_alarms_come_at_the_hour_of_the_rule_only() -> None:
    book = Book(master())
    follow_plan(book, DAY, absent("MAEK"), SIX, first=False)
    assert called(book) == []


def test_the_alarm_ends_when_the_schedule_comes() -> None:
    book = Book(master())
    follow_plan(book, DAY, absent("MAEK"), SIX, first=True)
    follow_plan(book, DAY, absent(), LATER, first=False)
    assert shown(book, key("MAEK")) == [State.RTNUN]
    assert standing(book) == []


def test_who_is_still_absent_when_the_schedule_came_is_called_then() -> None:
    book = Book(master())
    follow_plan(book, DAY, absent(*ENTITIES), SIX, first=True)
    called(book)
    follow_plan(book, DAY, absent("MAEK"), LATER, first=False)
    assert shown(book, SYSTEM, key("MAEK"), key("GRES1")) == [State.RTNUN, State.UNACK, State.NORM]
    assert called(book) == [key("MAEK")]


def test_the_missing_schedule_suppresses_who_was_absent_before_and_gives_them_back() -> None:
    book = Book(master())
    follow_plan(book, DAY, absent("MAEK"), SIX, first=True)
    follow_plan(book, DAY, absent(*ENTITIES), LATER, first=True)
    assert shown(book, SYSTEM, key("MAEK")) == [State.UNACK, State.DSUPR]
    follow_plan(book, DAY, absent("MAEK"), LATER, first=False)
    assert shown(book, SYSTEM, key("MAEK")) == [State.RTNUN, State.UNACK]


def test_an_entity_can_be_taken_out() -> None:
    book = Book(master(PLAN_MISSING={"overrides": {"entity/MAEK": {"enabled": False}}}))
    follow_plan(book, DAY, absent("MAEK", "GRES1"), SIX, first=True)
    assert called(book) == [key("GRES1")]


def test_a_share_that_is_tolerated_is_no_alarm() -> None:
    # Two units of five are 40 %.
    rules = master(PLAN_MISSING={"levels": [{"priority": "low", "percent": 41}]})
    book = Book(rules)
    follow_plan(book, DAY, absent("MAEK"), SIX, first=True)
    assert called(book) == []


def test_the_day_is_over_for_a_suppressed_alarm_without_a_call() -> None:
    book = Book(master())
    follow_plan(book, DAY, absent("MAEK"), SIX, first=True)
    follow_plan(book, DAY, absent(*ENTITIES), LATER, first=True)
    called(book)
    end(book, book.instances[key("MAEK")], LATER)
    assert shown(book, key("MAEK")) == [State.NORM]
    assert called(book) == []


def test_only_missing_plans_stand_here() -> None:
    book = Book(master())
    raised(book)
    follow_plan(book, DAY, absent("MAEK"), SIX, first=True)
    assert [instance.key for instance in standing(book)] == [key("MAEK")]
