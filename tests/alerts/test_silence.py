"""Tests of alerts.silence: who is silent, and who is the root of it."""

from collections.abc import Mapping

import pytest

from alerts.book import Book, Key
from alerts.life import Event, Kind
from alerts.silence import (
    FEED,
    HandedOver,
    Presence,
    Silence,
    follow_silence,
    heal,
    is_silent,
    silent_runs,
)
from schemas.alarm import AlarmType, Priority, State, Unit
from tests.alerts.making import NOON, at, master, raised

D1, D2 = (Key(AlarmType.GAP_DCTU, "dctu", code) for code in ("UKHPP-D1", "UKHPP-D2"))
EMC = Key(AlarmType.GAP_EMC, "emc", "UKHPP-E1")
ENTITY = Key(AlarmType.GAP_ENTITY, "entity", "UKHPP")
OWNERS = {"UKHPP-D1": "UKHPP", "UKHPP-D2": "UKHPP", "MAEK-D1": "MAEK"}


def pass_interval(
    book: Book, number: int, present: Mapping[str, int], silent_emcs: Mapping[str, str] | None = None
) -> None:
    """One interval: of each DCTU how many of its ten points were there, and silent EMCs by DCTU."""
    dctus = {code: Presence(10, there) for code, there in present.items()}
    emcs = {(dctu, emc): Presence(2, 0) for emc, dctu in (silent_emcs or {}).items()}
    follow_silence(book, Silence(NOON + number, dctus, OWNERS, emcs), at(15 * number + 20))


def shown(book: Book, *keys: Key) -> list[State]:
    return [book.instances[key].alarm.shown if key in book.instances else State.NORM for key in keys]


def called(book: Book) -> list[Key]:
    """Of which alarms somebody was called since it was last asked."""
    return [call.instance.key for call in book.take_calls() if not call.ended]


def both(there: int, other: int) -> dict[str, int]:
    """Two units of UKHPP, among others that are well."""
    return {"UKHPP-D1": there, "UKHPP-D2": other, "MAEK-D1": 10}


@pytest.mark.parametrize(("expected", "on_time", "percent"), [(10, 10, 0), (10, 2, 80), (8, 0, 100), (0, 0, 0)])
def test_the_silent_share_is_of_the_points_expected(expected: int, on_time: int, percent: float) -> None:
    assert Presence(expected, on_time).silent_percent == percent


def test_a_unit_is_silent_from_its_limit_on() -> None:
    book = Book(master())
    assert is_silent(book, "UKHPP-D1", Presence(10, 2))
    assert not is_silent(book, "UKHPP-D1", Presence(10, 3))
    assert not is_silent(book, "UKHPP-D1", Presence(0, 0))


def test_a_unit_has_its_own_limit_where_one_is_given() -> None:
    override = {"dctu/UKHPP-D1": {"levels": [{"priority": "medium", "percent": 50}]}}
    book = Book(master(GAP_DCTU={"overrides": override}))
    assert is_silent(book, "UKHPP-D1", Presence(10, 5))
    assert not is_silent(book, "UKHPP-D2", Presence(10, 5))


def test_a_silent_unit_is_an_alarm_of_its_points() -> None:
    book = Book(master())
    pass_interval(book, 0, both(1, 10))
    instance = book.instances[D1]
    assert (instance.alarm.shown, instance.alarm.priority) == (State.UNACK, Priority.MEDIUM)
    basis = instance.basis
    assert (basis.unit, basis.value, basis.limit, basis.detail) == (Unit.POINTS, 9, 8, {"of": 10})
    assert shown(book, D2, ENTITY) == [State.NORM, State.NORM]


def test_the_limit_that_is_told_is_the_units_own() -> None:
    override = {"dctu/UKHPP-D1": {"levels": [{"priority": "medium", "percent": 50}]}}
    book = Book(master(GAP_DCTU={"overrides": override}))
    pass_interval(book, 0, both(4, 10))
    assert book.instances[D1].basis.limit == 5


def test_units_that_all_send_have_no_alarms() -> None:
    book = Book(master())
    pass_interval(book, 0, both(10, 10))
    assert not any(key.type is AlarmType.GAP_DCTU for key in book.instances)
    assert not book.changed


def test_a_silent_entity_is_one_alarm_that_suppresses_those_of_its_units() -> None:
    book = Book(master())
    pass_interval(book, 0, both(0, 0))
    assert shown(book, ENTITY, D1, D2) == [State.UNACK, State.DSUPR, State.DSUPR]
    assert called(book) == [ENTITY]
    assert book.instances[D1].alarm.rule_reason == "GAP_ENTITY UKHPP"
    assert book.instances[ENTITY].basis.unit is Unit.DCTUS


def test_an_entity_does_not_suppress_the_units_of_another() -> None:
    book = Book(master())
    pass_interval(book, 0, {**both(0, 0), "MAEK-D1": 0})
    assert shown(book, Key(AlarmType.GAP_DCTU, "dctu", "MAEK-D1")) == [State.UNACK]


def test_an_entity_of_one_unit_is_that_unit() -> None:
    book = Book(master())
    pass_interval(book, 0, {"MAEK-D1": 0, "UKHPP-D1": 10})
    assert called(book) == [Key(AlarmType.GAP_DCTU, "dctu", "MAEK-D1")]


def test_a_unit_of_no_entity_is_followed_alone() -> None:
    book = Book(master())
    pass_interval(book, 0, {"NOBODYS-D1": 0, "NOBODYS-D2": 0, **both(10, 10)})
    assert {key.type for key in called(book)} == {AlarmType.GAP_DCTU}


def test_a_units_alarm_that_stood_is_suppressed_when_all_of_its_entity_is_silent() -> None:
    book = Book(master())
    pass_interval(book, 0, both(0, 10))
    assert shown(book, D1) == [State.UNACK]
    pass_interval(book, 1, both(0, 0))
    assert shown(book, ENTITY, D1) == [State.UNACK, State.DSUPR]


def test_a_unit_that_stays_silent_is_called_when_its_entity_is_back() -> None:
    # At once: what is left is not the silence of all.
    book = Book(master(GAP_ENTITY={"off_delay": 4}))
    pass_interval(book, 0, both(0, 0))
    called(book)
    pass_interval(book, 1, both(0, 10))
    assert called(book) == [D1]
    assert shown(book, ENTITY, D1) == [State.RTNUN, State.UNACK]


def test_a_unit_that_is_off_is_not_followed_and_does_not_make_its_entity_silent() -> None:
    book = Book(master(GAP_DCTU={"overrides": {"dctu/UKHPP-D1": {"enabled": False}}}))
    pass_interval(book, 0, both(0, 0))
    assert shown(book, ENTITY, D1, D2) == [State.NORM, State.NORM, State.UNACK]


def test_a_silence_ends_when_it_has_transmitted_for_the_off_delay() -> None:
    book = Book(master(GAP_DCTU={"off_delay": 2}))
    found = []
    for number, there in enumerate((0, 10, 10, 10)):
        pass_interval(book, number, both(there, 10))
        found += shown(book, D1)
    assert found == [State.UNACK, State.UNACK, State.UNACK, State.RTNUN]


def test_a_silent_complex_is_an_alarm_after_its_on_delay() -> None:
    book = Book(master())
    pass_interval(book, 0, both(8, 10), {"UKHPP-E1": "UKHPP-D1"})
    assert called(book) == []
    pass_interval(book, 1, both(8, 10), {"UKHPP-E1": "UKHPP-D1"})
    assert called(book) == [EMC]
    assert book.instances[EMC].basis.detail == {"of": 2, "dctu": "UKHPP-D1"}


def test_a_complex_that_is_no_longer_named_sends_again() -> None:
    book = Book(master(GAP_EMC={"on_delay": 0, "off_delay": 0, "auto_reset": True}))
    pass_interval(book, 0, both(8, 10), {"UKHPP-E1": "UKHPP-D1"})
    pass_interval(book, 1, both(10, 10))
    assert shown(book, EMC) == [State.NORM]


def test_a_silent_unit_suppresses_the_alarms_of_its_complexes_only() -> None:
    book = Book(master(GAP_EMC={"on_delay": 0}))
    pass_interval(book, 0, both(8, 8), {"UKHPP-E1": "UKHPP-D1", "UKHPP-E2": "UKHPP-D2"})
    called(book)
    pass_interval(book, 1, both(0, 8), {"UKHPP-E1": "UKHPP-D1", "UKHPP-E2": "UKHPP-D2"})
    assert shown(book, EMC, EMC._replace(code="UKHPP-E2")) == [State.DSUPR, State.UNACK]
    assert called(book) == [D1]


def test_the_complexes_of_a_silent_unit_are_no_alarms() -> None:
    book = Book(master(GAP_EMC={"on_delay": 0}))
    pass_interval(book, 0, both(1, 10), {"UKHPP-E1": "UKHPP-D1"})
    assert called(book) == [D1]


def test_a_complex_that_sends_when_its_unit_is_back_is_normal_at_once() -> None:
    book = Book(master(GAP_DCTU={"off_delay": 0}, GAP_EMC={"on_delay": 0, "off_delay": 4, "auto_reset": True}))
    pass_interval(book, 0, both(8, 10), {"UKHPP-E1": "UKHPP-D1"})
    pass_interval(book, 1, both(0, 10))
    called(book)
    pass_interval(book, 2, both(10, 10))
    assert shown(book, EMC) == [State.NORM]
    assert called(book) == []


def test_a_complex_is_suppressed_while_the_alarm_of_its_unit_stands() -> None:
    # The unit is back, but its alarm only ends after its off-delay: the link alarm is active.
    book = Book(master(GAP_DCTU={"off_delay": 4}, GAP_EMC={"on_delay": 0}))
    pass_interval(book, 0, both(0, 10))
    called(book)
    pass_interval(book, 1, both(8, 10), {"UKHPP-E1": "UKHPP-D1"})
    assert shown(book, D1) == [State.UNACK]
    assert called(book) == []


def test_a_complex_is_suppressed_while_the_alarm_of_its_entity_stands() -> None:
    book = Book(master(GAP_ENTITY={"off_delay": 4}, GAP_DCTU={"off_delay": 0}, GAP_EMC={"on_delay": 0}))
    pass_interval(book, 0, both(0, 0))
    called(book)
    pass_interval(book, 1, both(8, 10), {"UKHPP-E1": "UKHPP-D1"})
    assert shown(book, ENTITY) == [State.UNACK]
    assert called(book) == []


def many(silent: int) -> dict[str, int]:
    """Twenty units of as many entities, so many of them silent."""
    return {f"D{number:02}": 0 if number < silent else 10 for number in range(20)}


def test_when_most_units_are_silent_at_once_it_is_the_feed() -> None:
    book = Book(master())
    pass_interval(book, 0, many(10))
    assert called(book) == [FEED]
    basis = book.instances[FEED].basis
    assert (basis.unit, basis.value, basis.limit, basis.detail) == (Unit.DCTUS, 10, 10, {"of": 20})
    assert shown(book, Key(AlarmType.GAP_DCTU, "dctu", "D00")) == [State.DSUPR]


def test_fewer_than_the_share_are_not_the_feed() -> None:
    book = Book(master(PIPELINE={"feed_silent_at_least": 1}))
    pass_interval(book, 0, many(9))
    assert FEED not in called(book)


def test_a_share_of_few_is_not_the_feed() -> None:
    book = Book(master())
    pass_interval(book, 0, both(0, 0))
    assert FEED not in called(book)


def test_the_feed_is_ill_until_nearly_all_are_back() -> None:
    # An eighth of twenty is less than three.
    book = Book(master(PIPELINE={"off_delay": 0, "auto_reset": True}))
    found = []
    for number, silent in enumerate((12, 3, 2)):
        pass_interval(book, number, many(silent))
        found += shown(book, FEED)
    assert found == [State.UNACK, State.UNACK, State.NORM]


def test_without_any_unit_the_feed_stays_as_it_is() -> None:
    book = Book(master(PIPELINE={"off_delay": 0}))
    pass_interval(book, 0, many(12))
    pass_interval(book, 1, {})
    assert shown(book, FEED) == [State.UNACK]


def test_a_feed_that_is_off_is_not_followed() -> None:
    book = Book(master(PIPELINE={"overrides": {"system/feed": {"enabled": False}}}))
    pass_interval(book, 0, many(12))
    assert FEED not in called(book)


def test_the_feed_may_have_fewer_levels_of_its_own() -> None:
    levels = [{"priority": "medium", "seconds": 60}, {"priority": "high", "seconds": 120}]
    rules = master(PIPELINE={"levels": levels, "overrides": {"system/feed": {"levels": levels[:1]}}})
    book = Book(rules)
    pass_interval(book, 0, many(12))
    assert book.instances[FEED].alarm.priority is Priority.MEDIUM


def test_silences_that_stand_are_told_with_their_intervals() -> None:
    book = Book(master(GAP_DCTU={"off_delay": 4}))
    for number, there in enumerate((10, 0, 0, 10, 10)):
        pass_interval(book, number, {"UKHPP-D1": there, "UKHPP-D2": 10 - there, "MAEK-D1": 0})
    found = {instance.key.code: (first, end) for instance, first, end in silent_runs(book)}
    # UKHPP-D2 was silent, sent for two, and is silent again: its alarm stood all the while.
    assert found == {"UKHPP-D1": (NOON + 1, NOON + 3), "UKHPP-D2": (NOON, NOON + 5), "MAEK-D1": (NOON, NOON + 5)}


def test_other_alarms_are_no_silences() -> None:
    book = Book(master())
    raised(book)
    pass_interval(book, 0, many(12))
    assert FEED in book.instances
    assert not {instance.key.type for instance, _, _ in silent_runs(book)} & {AlarmType.PIPELINE, AlarmType.DEV_GEN}


def test_a_silence_that_was_handed_over_is_over_and_says_by_how_much() -> None:
    book = Book(master())
    pass_interval(book, 0, both(0, 10))
    instance = book.instances[D1]
    book.take_entries()
    heal(book, instance, HandedOver(at(33), 780, 1, 9, 1))
    (entry,) = book.take_entries()
    assert (entry.event, entry.at, entry.state) == ("clear", at(33), "RTNUN")
    assert entry.detail == {
        "of": 10, "healed": True, "late_by_s": 780, "intervals": 1, "points": 9, "still_missing": 1,
    }  # fmt: skip
    assert silent_runs(book) == []


def test_a_suppressed_silence_that_was_handed_over_calls_nobody() -> None:
    book = Book(master())
    pass_interval(book, 0, both(0, 0))
    called(book)
    heal(book, book.instances[D1], HandedOver(at(33), 780, 1, 10, 0))
    assert shown(book, D1) == [State.NORM]
    assert called(book) == []


def test_a_shelved_silence_that_was_handed_over_is_normal_when_shelving_ends() -> None:
    book = Book(master())
    pass_interval(book, 0, both(0, 10))
    book.happen(book.instances[D1], Event(Kind.SHELVE, until=at(60)), at(21))
    heal(book, book.instances[D1], HandedOver(at(33), 780, 1, 10, 0))
    book.happen(book.instances[D1], Event(Kind.UNSHELVE), at(60))
    assert shown(book, D1) == [State.NORM]
