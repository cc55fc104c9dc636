"""Tests of roles: who may order what, and under whose name."""

from collections.abc import Iterator

import httpx
import pytest

from dashboards.api.access.user import GIVEN_BY, Role
from infra.stack.stack import Addresses
from schemas.settings import Settings
from tests.dashboards.api.access.issuing import Issuer
from tests.dashboards.serving import serving
from tests.room import Room

pytestmark = pytest.mark.stack
API = "/api/v1"
EVERYDAY = {"acknowledge", "reset", "shelve", "unshelve", "comment"}
GRAVE = {"suppress", "unsuppress", "remove", "return"}
MAY: dict[str, set[str]] = {
    "viewer": set(), "operator": EVERYDAY, "engineer": EVERYDAY | GRAVE, "admin": EVERYDAY | GRAVE,
}  # fmt: skip


@pytest.fixture
def desk(stack: Addresses, room: Room, issuer: Issuer) -> Iterator[httpx.Client]:
    """Asks a control room that asks the issuer."""
    settings = Settings(
        database=stack.database, redis=stack.redis, kafka=stack.kafka, space=room.space, oidc_issuer=issuer.url
    )
    with serving(settings) as address, httpx.Client(base_url=address, timeout=20) as made:
        yield made


def test_every_order_there_is_has_its_role() -> None:
    assert set(GIVEN_BY) == EVERYDAY | GRAVE


@pytest.mark.parametrize("role", MAY)
def test_who_somebody_is_and_what_they_may_order_is_told(asked: httpx.Client, issuer: Issuer, role: str) -> None:
    me = asked.get(f"{API}/me", headers=issuer.of(role)).json()
    assert (me["asked"], me["name"], me["role"], me["entity"]) == (True, role, role, None)
    assert set(me["orders"]) == MAY[role]


def test_of_several_roles_the_highest_counts(asked: httpx.Client, issuer: Issuer) -> None:
    token = issuer.token(realm_access={"roles": ["viewer", "engineer", "operator"]})
    assert asked.get(f"{API}/me", headers={"Authorization": f"Bearer {token}"}).json()["role"] == "engineer"


def test_where_nobody_is_asked_everybody_may_everything(client: httpx.Client) -> None:
    me = client.get(f"{API}/me").json()
    assert (me["asked"], me["name"], me["role"], set(me["orders"])) == (False, "", "admin", EVERYDAY | GRAVE)


@pytest.mark.parametrize("role", [role for role in MAY if role != "admin"])
def test_an_order_takes_its_role(asked: httpx.Client, issuer: Issuer, role: str) -> None:
    for order in (EVERYDAY | GRAVE) - MAY[role]:
        answer = asked.post(f"{API}/orders", json={"order": order, "alarms": [1]}, headers=issuer.of(role))
        assert answer.status_code == 403
        least = next(one.word for one in Role if order in MAY[one.word])
        assert answer.json()["detail"] == f"{order} takes the role {least}; {role} is {role}"


def test_an_order_is_given_under_the_name_of_the_token(desk: httpx.Client, room: Room, issuer: Issuer) -> None:
    trip = room.numbers[0]
    with room.answering():
        order = {"order": "acknowledge", "alarms": [trip], "actor": "somebody else"}
        assert desk.post(f"{API}/orders", json=order, headers=issuer.of("operator")).json()[0]["done"] is True
    assert room.rows(f"select actor from alarm_event where alarm_id = {trip} and event = 'acknowledge'") == [
        ("operator",)
    ]


@pytest.mark.parametrize(("name", "says"), [("x" * 201, "at most 200"), ("a\0b", "must not hold a NUL")])
def test_a_name_that_no_order_can_have_is_refused(asked: httpx.Client, issuer: Issuer, name: str, says: str) -> None:
    token = issuer.token(preferred_username=name, realm_access={"roles": ["operator"]})
    order = {"order": "acknowledge", "alarms": [1]}
    answer = asked.post(f"{API}/orders", json=order, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["detail"].startswith("actor: ")
    assert says in answer.json()["detail"]


def test_an_order_of_nobody_is_none(client: httpx.Client) -> None:
    answer = client.post(f"{API}/orders", json={"order": "acknowledge", "alarms": [1]})
    assert (answer.status_code, answer.json()["detail"]) == (422, "body.actor: say who gives the order")
