"""Tests of limits: how much one user may ask, and that others go on."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import psycopg
import pytest

from connectors import archive as connectors_archive
from connectors.archive import Selection
from dashboards.api import archive, live
from dashboards.api.access.limits import Bound
from dashboards.api.access.user import ANYONE, Role, User
from dashboards.api.problems import ProblemError
from schemas.settings import Settings
from tests.dashboards.api.access.issuing import Issuer
from tests.dashboards.serving import serving

pytestmark = pytest.mark.stack
API = "/api/v1"


@contextmanager
def client_of(settings: Settings, **changed: object) -> Iterator[httpx.Client]:
    with (
        serving(settings.model_copy(update=changed)) as address,
        httpx.Client(base_url=address, timeout=20) as made,
    ):
        yield made


def test_too_many_requests_a_minute_are_refused_and_others_go_on(served: Settings, issuer: Issuer) -> None:
    with client_of(served, oidc_issuer=issuer.url, requests_per_minute=5) as client:
        vera, oleg = (issuer.of("viewer", sub=name) for name in ("vera", "oleg"))
        assert [client.get(f"{API}/me", headers=vera).status_code for _ in range(6)] == [200] * 5 + [429]
        answer = client.get(f"{API}/me", headers=vera)
        assert answer.headers["content-type"] == "application/problem+json"
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert answer.json()["detail"].startswith("more than 5 requests a minute; ask again in ")
        assert client.get(f"{API}/me", headers=oleg).status_code == 200
        # Strangers, and tokens that are none, are counted by their address.
        found = [client.get(f"{API}/me").status_code for _ in range(3)]
        found += [client.get(f"{API}/me", headers={"Authorization": "Bearer x"}).status_code for _ in range(2)]
        assert found == [401] * 5
        assert client.get(f"{API}/health").status_code == 429
        assert client.get(f"{API}/me", headers=oleg).status_code == 200


def test_where_nobody_is_asked_nobody_is_counted(served: Settings) -> None:
    with client_of(served, requests_per_minute=1) as client:
        assert {client.get(f"{API}/health").status_code for _ in range(5)} == {200}


def test_only_a_proxy_that_is_trusted_is_believed(served: Settings, issuer: Issuer) -> None:
    asked = {"oidc_issuer": issuer.url, "requests_per_minute": 1}
    for trusted, status in (("", 429), ("10.0.0.1", 429), ("127.0.0.1", 200), ("127.0.0.0/8", 200)):
        with client_of(served, trusted_proxies=trusted, **asked) as client:
            answers = [
                client.get(f"{API}/health", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in (1, 2)
            ]
        assert answers == [200, status], trusted


def test_a_bound_is_for_each_user_and_for_all() -> None:
    bound = Bound("files", 3, 2)
    vera, oleg = (User(name, name, Role.VIEWER) for name in ("vera", "oleg"))
    with ExitStack() as stack:
        for _ in range(2):
            bound.check(vera)
            stack.enter_context(bound.counted(vera))
        with pytest.raises(ProblemError, match="you have 2 files at a time") as refused:
            bound.check(vera)
        assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "10"})
        bound.check(oleg)
        stack.enter_context(bound.counted(oleg))
        with pytest.raises(ProblemError, match="there are 3 files at a time") as refused:
            bound.check(oleg)
        assert refused.value.status == 503
    bound.check(vera)


def test_where_nobody_is_known_only_the_whole_is_bounded() -> None:
    bound = Bound("files", 3, 1)
    with bound.counted(ANYONE), bound.counted(ANYONE):
        bound.check(ANYONE)


def test_listeners_are_bounded_and_gone_ones_make_room(
    served: Settings, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LISTENERS_OF_ONE", 1)
    with client_of(served, oidc_issuer=issuer.url) as client:
        header = issuer.of("viewer")
        with client.stream("GET", f"{API}/changes", headers=header) as answer:
            # Whose end would be the answer's.
            pieces = answer.iter_bytes()
            next(pieces)
            refused = client.get(f"{API}/changes", headers=header)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
        until = time.monotonic() + 15
        while time.monotonic() < until:
            with client.stream("GET", f"{API}/changes", headers=header) as answer:
                if answer.status_code == 200:
                    return
            time.sleep(0.1)
        pytest.fail("no room was made")


def test_files_are_bounded(served: Settings, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "FILES_OF_ONE", 1)
    inside, go = threading.Event(), threading.Event()
    before = connectors_archive.check

    def slow(connection: psycopg.Connection, selection: Selection) -> None:
        inside.set()
        go.wait(10)
        before(connection, selection)

    with client_of(served, oidc_issuer=issuer.url) as client:
        address, header = f"{API}/gaps?period=2026-03-02&format=csv", issuer.of("viewer")
        monkeypatch.setattr(connectors_archive, "check", slow)
        first = threading.Thread(target=client.get, args=(address,), kwargs={"headers": header})
        first.start()
        assert inside.wait(10)
        monkeypatch.setattr(connectors_archive, "check", before)
        assert client.get(address, headers=header).status_code == 429
        go.set()
        first.join()
        assert client.get(address, headers=header).status_code == 200
