"""Tests of access against a real Keycloak: whom it knows is let in, by token and by its login form, nobody else."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.dashboards.api.access.issuing import resigned
from tests.dashboards.api.access.keycloak import LONG_MS, Keycloak, log_in
from tests.dashboards.api.access.realms import STRANGE

pytestmark = [pytest.mark.stack, pytest.mark.slow]
NOW = "/api/v1/now?kind=system"


@pytest.fixture(scope="module")
def client(place: str) -> Iterator[httpx.Client]:
    """Asks a server that asks Keycloak."""
    with httpx.Client(base_url=place, timeout=20) as made:
        yield made


def test_a_token_of_keycloak_lets_in(client: httpx.Client, keycloak: Keycloak) -> None:
    header = {"Authorization": f"Bearer {keycloak.token('vera')}"}
    answer = client.get(NOW, headers=header)
    assert (answer.status_code, set(answer.json()["nodes"])) == (200, {"system"})
    me = client.get("/api/v1/me", headers=header).json()
    assert (me["name"], me["role"], me["entity"]) == ("vera", "viewer", None)


def bad(keycloak: Keycloak, how: str) -> str:
    token = keycloak.token("aigerim")
    key = keycloak.signing_key()
    match how:
        case "another issuer":
            return keycloak.token("vera", realm="another")
        case "another audience":
            return keycloak.token("vera", client=STRANGE)
        case "an ID token":
            return keycloak.id_token("vera")
        case "a refresh token":
            return keycloak.refresh_token("vera")
        case "tampered":
            return token[:-8] + "AAAAAAAA"
        case "HS256 by the public key":
            return resigned(token, {"alg": "HS256", "kid": key.kid, "typ": "JWT"}, key.as_pem(private=False))
        case "no algorithm":
            return resigned(token, {"alg": "none", "kid": key.kid, "typ": "JWT"}, None)
        case "nobody":
            return keycloak.token("nobody")
    return keycloak.machine_token()


@pytest.mark.parametrize(
    ("how", "status", "says"),
    [
        ("another issuer", 401, "no such key"),
        ("another audience", 401, "not for tengerim (aud)"),
        ("an ID token", 401, "(aud)"),
        ("a refresh token", 401, "not signed by one of"),
        ("tampered", 401, "signature"),
        ("HS256 by the public key", 401, "not signed by one of"),
        ("no algorithm", 401, "not signed by one of"),
        ("nobody", 403, "none of the roles viewer, operator, engineer, admin"),
        ("a machine", 403, "none of the roles"),
    ],
)
def test_any_other_is_refused(client: httpx.Client, keycloak: Keycloak, how: str, status: int, says: str) -> None:
    answer = client.get(NOW, headers={"Authorization": f"Bearer {bad(keycloak, how)}"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert says in answer.json()["detail"]
    assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_an_entity_sees_its_own(client: httpx.Client, keycloak: Keycloak) -> None:
    header = {"Authorization": f"Bearer {keycloak.token('kaisar')}"}
    nodes = client.get("/api/v1/nodes", headers=header).json()["data"]
    assert {(node["node_kind"], node["node"]) for node in nodes} == {("entity", "K"), ("facility", "F"), ("unit", "UG")}
    assert client.get("/api/v1/nodes/facility/G/plan?period=2026-03-02", headers=header).status_code == 404


def test_people_log_in_by_its_form_look_and_log_out(tab: Page, place: str) -> None:
    log_in(tab, place, "oleg")
    expect(tab.locator("#me")).to_contain_text("oleg · operator", timeout=LONG_MS)
    expect(tab.locator("#system .tile")).to_have_count(4, timeout=LONG_MS)
    cookie = next(one for one in tab.context.cookies() if one["name"].startswith("tengerim_t"))
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    tab.get_by_role("link", name="Log out").click()
    expect(tab).to_have_url(re.compile(f"^{place}/public"), timeout=LONG_MS)
    expect(tab.get_by_role("link", name="Log in")).to_be_visible(timeout=LONG_MS)
    assert httpx.get(f"{place}/api/v1/me", cookies={cookie["name"]: cookie["value"]}).status_code == 401
