"""Tests of streams.commanding: what an order does, or why it does not."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from alerts.book import Book, Instance
from alerts.life import Event, Kind
from connectors.alarms import Answer
from schemas.alarm import State
from schemas.command import Command
from streams.commanding import obey
from tests.alerts.making import NOON_AT, at, master, raised

NUMBER = UUID(int=9)


def order(word: str, alarm_id: int = 1, **given: Any) -> Command:
    return Command.model_validate(
        {"command_id": NUMBER, "sent_at": at(-1), "order": word, "alarm_id": alarm_id, "actor": "Aigerim", **given}
    )


def standing(shelve_max_h: int = 8) -> tuple[Book, Instance]:
    book = Book(master(DEV_GEN={"shelve_max_h": shelve_max_h}))
    return book, raised(book)


def obeyed(book: Book, word: str, now: datetime = NOON_AT, **given: Any) -> bool:
    return obey(book, order(word, **given), now).done


def test_what_was_done_is_answered() -> None:
    book, instance = standing()
    assert obey(book, order("acknowledge"), at(3)) == Answer(
        NUMBER, at(3), at(-1), "Aigerim", "acknowledge", 1, True, "alarm 1 (DEV_GEN facility/GRES1) is ACKED"
    )
    assert (instance.alarm.shown, instance.alarm.acked_at, instance.acked_by) == (State.ACKED, at(3), "Aigerim")


def test_an_order_is_journalled_with_its_giver_reason_and_number() -> None:
    book, _ = standing()
    obeyed(book, "remove", reason="overhaul", approver="Daulet")
    (entry,) = book.take_entries()
    assert (entry.event, entry.actor, entry.reason, entry.command_id) == ("remove", "Aigerim", "overhaul", NUMBER)
    assert entry.detail["approver"] == "Daulet"


def test_an_order_for_no_alarm_is_answered_so() -> None:
    book, _ = standing()
    answer = obey(book, order("acknowledge", 99), NOON_AT)
    assert (answer.done, answer.alarm_id) == (False, 99)
    assert "there is no alarm 99" in answer.answer
    assert not book.changed


def test_an_illegal_order_changes_nothing_and_says_why() -> None:
    book, instance = standing()
    before = instance.alarm
    answer = obey(book, order("reset"), NOON_AT)
    assert (answer.done, instance.alarm) == (False, before)
    assert (
        answer.answer
        == "alarm 1 (DEV_GEN facility/GRES1): its condition still stands; it can be reset when it does not"
    )


def test_a_refusal_is_journalled_and_calls_nobody() -> None:
    book, _ = standing()
    obeyed(book, "reset")
    (entry,) = book.take_entries()
    assert (entry.event, entry.actor, entry.command_id) == ("refused", "Aigerim", NUMBER)
    assert entry.reason.startswith("reset: ")
    assert (entry.state_before, entry.state, entry.annunciated) == (State.UNACK, State.UNACK, False)
    assert book.take_calls() == []


@pytest.mark.parametrize("word", ["shelve", "suppress", "remove", "comment"])
def test_what_hides_an_alarm_or_comments_on_it_needs_a_reason(word: str) -> None:
    book, instance = standing()
    before = instance.alarm
    for reason in ("", "  "):
        answer = obey(book, order(word, minutes=60, approver="Daulet", reason=reason), NOON_AT)
        assert (answer.done, instance.alarm) == (False, before)
        assert f"{word} needs a reason" in answer.answer
    assert obeyed(book, word, minutes=60, approver="Daulet", reason="start-up")


@pytest.mark.parametrize("word", ["acknowledge", "unshelve", "unsuppress", "return"])
def test_what_brings_an_alarm_back_needs_no_reason(word: str) -> None:
    book, _ = standing()
    hide = {"unshelve": "shelve", "unsuppress": "suppress", "return": "remove"}.get(word)
    if hide is not None:
        assert obeyed(book, hide, minutes=60, approver="Daulet", reason="start-up")
    assert obeyed(book, word)


def test_taking_out_of_service_needs_somebody_who_approves() -> None:
    book, instance = standing()
    for approver in ("", " "):
        answer = obey(book, order("remove", reason="overhaul", approver=approver), NOON_AT)
        assert (answer.done, instance.alarm.shown) == (False, State.UNACK)
        assert "approves" in answer.answer
    assert obeyed(book, "remove", reason="overhaul", approver="Daulet")
    assert (instance.alarm.shown, instance.alarm.out_of_service) == (State.OOSRV, "overhaul")


def test_shelving_lasts_for_its_minutes_from_the_streams_time() -> None:
    book, instance = standing()
    assert obeyed(book, "shelve", at(10), minutes=90, reason="test")
    assert (instance.alarm.shown, instance.alarm.shelved_until) == (State.SHLVD, at(100))
    (entry,) = book.take_entries()
    assert entry.detail["minutes"] == 90


def test_shelving_needs_its_minutes() -> None:
    book, instance = standing()
    assert not obeyed(book, "shelve", reason="test")
    assert instance.alarm.shown is State.UNACK


def test_shelving_has_a_longest_time() -> None:
    book, instance = standing(shelve_max_h=2)
    answer = obey(book, order("shelve", minutes=121, reason="test"), NOON_AT)
    assert (answer.done, instance.alarm.shown) == (False, State.UNACK)
    assert "2 hours at most" in answer.answer
    assert obeyed(book, "shelve", minutes=120, reason="test")


def test_a_comment_changes_nothing_and_is_kept() -> None:
    book, instance = standing()
    before = instance.alarm
    assert obeyed(book, "comment", reason="the station was called")
    assert instance.alarm == before
    assert [(entry.event, entry.reason) for entry in book.take_entries()] == [("comment", "the station was called")]


def test_a_suppression_by_a_person_is_ended_by_unsuppress_and_by_return() -> None:
    for word in ("unsuppress", "return"):
        book, instance = standing()
        shown = []
        for given in ("suppress", word):
            assert obeyed(book, given, reason="start-up")
            shown.append(instance.alarm.shown)
        assert shown == [State.DSUPR, State.UNACK]


def test_return_ends_being_out_of_service_first() -> None:
    book, instance = standing()
    obeyed(book, "suppress", reason="start-up")
    obeyed(book, "remove", reason="overhaul", approver="Daulet")
    assert obeyed(book, "return")
    assert instance.alarm.shown is State.DSUPR


def test_what_a_rule_suppresses_is_no_persons_to_end() -> None:
    book, instance = standing()
    book.happen(instance, Event(Kind.SUPPRESS, reason="incomplete", by_rule=True), NOON_AT)
    for word in ("unsuppress", "return", "unshelve", "acknowledge"):
        assert not obeyed(book, word)
    assert instance.alarm.shown is State.DSUPR


def test_a_suppressed_alarm_that_is_brought_back_calls_again() -> None:
    book, instance = standing()
    obeyed(book, "shelve", minutes=60, reason="test")
    book.take_calls()
    assert obeyed(book, "unshelve", at(5))
    assert [(call.instance is instance, call.ended, call.at) for call in book.take_calls()] == [(True, False, at(5))]


def test_a_latched_alarm_is_acknowledged_before_it_is_reset() -> None:
    book = Book(master(DEV_GEN={"latching": True}))
    instance = raised(book)
    book.happen(instance, Event(Kind.CLEAR), at(1))
    assert not obeyed(book, "reset")
    assert obeyed(book, "acknowledge")
    assert obeyed(book, "reset")
    assert instance.alarm.shown is State.NORM
