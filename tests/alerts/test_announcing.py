"""Tests of alerts.announcing: who is told what."""

import pytest

from alerts.announcing import next_route, notices_of
from alerts.book import Book, Call, Key
from alerts.life import Event, Kind
from connectors.notifications import Notice
from connectors.objects import Facts
from schemas.alarm import AlarmType, Priority
from tests.alerts.making import GRES1, at, master, raised

FACTS = {("facility", "GRES1"): Facts("Ekibastuz GRES-1", "NORTH", "GRES1-LLP"), ("entity", "GRES1"): Facts("wrong")}


def notice(book: Book, call: Call, link: str = "") -> Notice:
    (found,) = notices_of(book, [call], FACTS, link)
    return found


def standing(priority: Priority = Priority.LOW) -> tuple[Book, Call]:
    book = Book(master(DEV_GEN={"class": "balance"}))
    return book, Call(raised(book, priority=priority, number=17), escalation=False, ended=False, at=at(5))


def test_a_call_is_labelled_by_what_alarms_are_routed_by() -> None:
    book, call = standing(Priority.MEDIUM)
    assert notice(book, call).labels == {
        "alertname": "DEV_GEN",
        "alarm_id": "17",
        "object_kind": "facility",
        "object": "GRES1",
        "priority": "medium",
        "escalation": "no",
        "zone": "NORTH",
        "entity": "GRES1-LLP",
        "class": "balance",
    }


def test_a_call_is_of_its_alarm_and_stands() -> None:
    book, call = standing()
    found = notice(book, call)
    assert (found.alarm_id, found.escalation, found.ended) == (17, False, False)


def test_a_call_has_the_texts_of_its_object() -> None:
    book, call = standing()
    assert "Ekibastuz GRES-1" in notice(book, call).annotations["summary_en"]


def test_an_escalation_goes_one_route_higher() -> None:
    book, call = standing(Priority.MEDIUM)
    found = notice(book, call._replace(escalation=True))
    assert (found.labels["priority"], found.labels["escalation"], found.escalation) == ("high", "yes", True)


@pytest.mark.parametrize(("priority", "route"), [("low", "medium"), ("medium", "high"), ("high", "urgent")])
def test_beyond_the_highest_priority_there_is_one_more_route(priority: str, route: str) -> None:
    assert next_route(Priority(priority)) == route


def test_what_is_over_needs_no_words() -> None:
    book, call = standing()
    assert notice(book, call._replace(ended=True)) == Notice(17, False, ended=True, labels={}, annotations={})


def test_a_link_leads_to_the_alarm_where_there_is_a_place_to_look() -> None:
    book, call = standing()
    assert notice(book, call, "https://tengerim.kz").annotations["link"] == "https://tengerim.kz/alarms/17"
    assert "link" not in notice(book, call).annotations


def test_of_an_unknown_object_the_code_is_told() -> None:
    book = Book(master())
    call = Call(raised(book, GRES1._replace(code="GRES9")), escalation=False, ended=False, at=at(5))
    found = notice(book, call)
    assert (found.labels["zone"], found.labels["entity"]) == ("", "")
    assert "GRES9" in found.annotations["summary_en"]


def test_calls_are_told_in_their_order() -> None:
    book = Book(master())
    first = raised(book, number=1)
    other = raised(book, Key(AlarmType.TRIP, "facility", "GRES1"), number=2)
    for instance, kind in ((other, Kind.ESCALATE), (first, Kind.CLEAR), (other, Kind.SHELVE)):
        book.happen(instance, Event(kind, until=at(60)), at(1))
    found = notices_of(book, book.take_calls(), FACTS, "")
    assert [(one.alarm_id, one.escalation, one.ended) for one in found] == [
        (2, True, False),
        (1, False, True),
        (2, False, True),
    ]
