"""Tests of dashboards.api.orders and alarms: what an operator sees and does, answered by the agent's own work."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dashboards.api import orders
from infra.cli import main
from infra.stack.stack import Addresses
from schemas.settings import Settings
from tests.dashboards.serving import serving
from tests.room import Room

pytestmark = pytest.mark.stack
API = "/api/v1"


@pytest.fixture
def client(stack: Addresses, room: Room) -> Iterator[httpx.Client]:
    settings = Settings(database=stack.database, redis=stack.redis, kafka=stack.kafka, space=room.space)
    with serving(settings) as address, httpx.Client(base_url=address, timeout=20) as made:
        yield made


def order(client: httpx.Client, name: str, *alarms: int, **more: Any) -> Any:
    return client.post(f"{API}/orders", json={"order": name, "alarms": list(alarms), "actor": "Айгерім", **more})


def test_alarms_come_as_an_operator_wants_them(client: httpx.Client, room: Room) -> None:
    found = client.get(f"{API}/alarms").json()["data"]
    assert [alarm["alarm_id"] for alarm in found] == room.numbers[:9]
    assert (found[0]["type"], found[0]["object"], found[0]["value"], found[0]["unit"]) == (
        "TRIP",
        "F",
        -320_000_000,
        "W",
    )
    assert len(client.get(f"{API}/alarms?normal=true").json()["data"]) == 10
    assert {alarm["type"] for alarm in client.get(f"{API}/alarms?type=TRIP").json()["data"]} == {"TRIP"}


def test_one_alarm_comes_with_its_journal(client: httpx.Client, room: Room) -> None:
    found = client.get(f"{API}/alarms/{room.numbers[0]}").json()
    assert found["type"] == "TRIP"
    assert [entry["event"] for entry in found["journal"]] == ["raise", "escalate"]


def test_one_alarm_says_what_to_do(client: httpx.Client, room: Room) -> None:
    rule = client.get(f"{API}/alarms/{room.numbers[0]}").json()["rule"]
    assert rule["title"].keys() == rule["response"].keys() == {"kk", "ru", "en"}
    assert rule["respond_within_min"] == 5


def test_how_much_is_asked_of_people_is_what_the_command_prints(
    client: httpx.Client, room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    found = client.get(f"{API}/alarms/kpi?period=2026-03-01/2026-03-04")
    assert main(["alarms", "kpi", "--from", "2026-03-01", "--to", "2026-03-04", "--format", "json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert found.json()["figures"] == printed["figures"]
    assert found.json()["figures"]["annunciated"]["value"] > 0


def test_of_the_first_days_there_are_it_is_nothing(client: httpx.Client) -> None:
    figures = client.get(f"{API}/alarms/kpi?period=0001-01-03").json()["figures"]
    assert figures["annunciated"]["value"] == 0


def test_an_order_of_several_is_answered_for_each(client: httpx.Client, room: Room) -> None:
    trip, _, zone, *_ = room.numbers
    with room.answering():
        answer = order(client, "acknowledge", trip, zone)
    assert answer.json() == [
        {"alarm": trip, "done": True, "answer": f"alarm {trip} (TRIP facility/F) is ACKED"},
        {"alarm": zone, "done": True, "answer": f"alarm {zone} (ZONE_IMB zone/NS) is ACKED"},
    ]
    rows = room.rows(f"select acked_by from alarm where alarm_id in ({trip}, {zone})")
    assert rows == [("Айгерім",)] * 2
    events = room.rows("select event, actor, reason from alarm_event where event = 'acknowledge' and actor = 'Айгерім'")
    assert len(events) >= 2


def test_what_makes_no_sense_is_refused_by_the_agent_with_its_reason(client: httpx.Client, room: Room) -> None:
    with room.answering():
        (answer,) = order(client, "unshelve", room.numbers[0]).json()
    assert answer["done"] is False
    assert answer["answer"]


def test_without_a_worker_it_says_that_it_waits(
    client: httpx.Client, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "ANSWER_S", 0.3)
    (answer,) = order(client, "acknowledge", room.numbers[0]).json()
    assert (answer["done"], "obeyed when a worker runs" in answer["answer"]) == (None, True)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"order": "shelve", "minutes": 60}, "reason: shelve must say why"),
        ({"order": "comment", "reason": "  "}, "reason: comment must say why"),
        ({"order": "explode"}, "body.order"),
        ({"order": "acknowledge", "alarms": []}, "body.alarms"),
        ({"order": "acknowledge", "alarms": [0]}, "body.alarms.0"),
        ({"order": "acknowledge", "actor": ""}, "body.actor"),
        ({"order": "shelve", "reason": "x", "minutes": 0}, "body.minutes"),
        ({"order": "acknowledge", "colour": "red"}, "body.colour"),
        ({"order": "acknowledge", "actor": "a\0b"}, "body.actor: a text must not hold a NUL"),
        ({"order": "comment", "reason": "a\0b"}, "body.reason: a text must not hold a NUL"),
        ({"order": "remove", "reason": "x", "approver": "a\0b"}, "body.approver: a text must not hold a NUL"),
    ],
)
def test_a_wrong_order_is_a_problem_in_words(client: httpx.Client, body: dict[str, Any], says: str) -> None:
    answer = client.post(f"{API}/orders", json={"alarms": [1], "actor": "B", **body})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert says in answer.json()["detail"]


def test_an_alarm_that_there_is_not(client: httpx.Client) -> None:
    answer = client.get(f"{API}/alarms/999999")
    assert (answer.status_code, answer.json()["detail"]) == (404, "there is no alarm 999999")
