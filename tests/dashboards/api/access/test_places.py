"""Tests of dashboards.api.access.guard: a page of another place in the same browser reads and orders nothing."""

import socket

import httpx
import pytest

from dashboards.api.page import PAGE
from schemas.settings import Settings
from tests.dashboards.api.access.issuing import Issuer, issuing
from tests.dashboards.serving import serving

pytestmark = pytest.mark.stack
API = "/api/v1"
ORDER = {"order": "acknowledge", "alarms": [1]}


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8300", "127.0.0.1.evil.example", "10.0.0.1", "a_b.evil.example", "[::1", ""]
)
def test_under_the_name_of_another_place_nothing_is_served(client: httpx.Client, host: str) -> None:
    for path in ("/", f"{API}/nodes", f"{API}/health"):
        answer = client.get(path, headers={"Host": host})
        assert (answer.status_code, answer.headers["content-type"]) == (421, "application/problem+json")


@pytest.mark.parametrize("host", ["localhost", "localhost:8300", "127.0.0.1:1", "[::1]:8300"])
def test_this_machine_goes_by_all_its_names(client: httpx.Client, host: str) -> None:
    assert client.get(f"{API}/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"},
    ],
)  # fmt: skip
def test_a_page_of_another_place_gives_no_orders(client: httpx.Client, headers: dict[str, str]) -> None:
    answer = client.post(f"{API}/orders", json=ORDER, headers=headers)
    assert (answer.status_code, "from the page of this server only" in answer.json()["detail"]) == (403, True)


def test_its_own_page_and_programs_do(client: httpx.Client) -> None:
    own = {"Origin": str(client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    for headers in ({}, own):
        # Nobody's order, which is looked at only where it is from the right place.
        assert client.post(f"{API}/orders", json=ORDER, headers=headers).status_code == 422


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_form_is_no_order(client: httpx.Client, kind: str) -> None:
    body = b'{"order": "acknowledge", "alarms": [1], "actor": "B"}'
    assert client.post(f"{API}/orders", content=body, headers={"Content-Type": kind}).status_code == 422


@pytest.mark.parametrize(
    "path", ["index.html", "main.js", "api/v1/nodes", "api/v1/openapi.json", "api/v1/ready", "api/v1/me", "nowhere"]
)
def test_with_an_issuer_a_stranger_is_told_nothing(asked: httpx.Client, issuer: Issuer, path: str) -> None:
    answer = asked.get(f"/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


@pytest.mark.parametrize("host", ["127.0.0.1/public?", "127.0.0.1/public#", "127.0.0.1/api/v1/health?x=", "a b"])
def test_no_name_of_a_host_makes_an_address_public(asked: httpx.Client, host: str) -> None:
    for path in ("ready", "openapi.json", "now?kind=system"):
        assert asked.get(f"{API}/{path}", headers={"Host": host}).status_code in (400, 401)


@pytest.mark.parametrize(
    "path",
    [
        "/public/../main.js",
        "//main.js",
        "/vendor/%2e%2e/main.js",
        "/./main.js",
        "/public/",
        "/api/v1/health/../ready",
        "/alarms/../main.js",
        "/alarms/%2e%2e/index.html",
        "/alarms/1/../../main.js",
        "/alarms/",
    ],
)
def test_no_way_of_writing_an_address_makes_it_public(asked: httpx.Client, path: str) -> None:
    with socket.create_connection((asked.base_url.host, asked.base_url.port or 80), timeout=10) as wire:
        wire.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        assert wire.recv(100).startswith(b"HTTP/1.1 401 ")


def test_but_whether_it_lives(asked: httpx.Client) -> None:
    assert asked.get(f"{API}/health").status_code == 200


def test_a_number_that_no_session_has_is_none(asked: httpx.Client, served: Settings) -> None:
    answer = asked.get(f"{API}/me", headers={"Cookie": f"tengerim_{served.space}=guessed"})
    assert answer.status_code == 401


def test_while_the_issuer_is_away_nothing_is_open(served: Settings) -> None:
    with issuing() as issuer:
        issuer.away = True
        with serving(served.model_copy(update={"oidc_issuer": issuer.url})) as address:
            answer = httpx.get(f"{address}{API}/me", headers=issuer.of("admin"), timeout=20)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
            assert "does not answer" in answer.json()["detail"]
            assert httpx.get(address).text == (PAGE / "public.html").read_text(encoding="utf-8")
            assert httpx.get(f"{address}/login").headers["location"] == f"{address}/public?login=away"


def test_an_issuer_without_a_login_of_its_own_logs_nobody_in(asked: httpx.Client) -> None:
    answer = asked.get("/login?alarm=%00")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{asked.base_url}/public?login=away")


def test_while_redis_is_away_a_token_is_still_good(served: Settings, issuer: Issuer) -> None:
    changed = {"oidc_issuer": issuer.url, "redis": "redis://127.0.0.1:1"}
    with serving(served.model_copy(update=changed)) as address:
        assert httpx.get(f"{address}{API}/me", headers=issuer.of("viewer"), timeout=20).status_code == 200
        cookie = {"Cookie": f"tengerim_{served.space}=some"}
        answer = httpx.get(f"{address}{API}/me", headers=cookie, timeout=20)
        assert (answer.status_code, "Redis is away" in answer.json()["detail"]) == (503, True)
