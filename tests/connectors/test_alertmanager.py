"""Tests of connectors.alertmanager: a real one takes what we send, and one that does not is told apart."""

import json
import secrets
import socket
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import alertmanager
from connectors.alertmanager import Alert, AlertmanagerError, post
from infra.stack.stack import Addresses
from tests.connectors.hook import Hook, listening

NOW = datetime.now(UTC).replace(microsecond=0)
ALERT = Alert(
    {"alertname": "TRIP", "object": "ГРЭС-1", "zone": ""}, {"summary_ru": "Потеря", "link": "http://room/7", "x": ""},
    NOW, NOW + timedelta(minutes=4),
)  # fmt: skip


@pytest.fixture
def hook() -> Iterator[Hook]:
    with listening() as found:
        yield found


def test_an_alert_is_sent_as_the_api_has_it_without_empty_labels(hook: Hook) -> None:
    post(f"{hook.address}/", [ALERT, ALERT])
    assert hook.paths == ["/api/v2/alerts"]
    document = {
        "labels": {"alertname": "TRIP", "object": "ГРЭС-1"},
        "annotations": {"summary_ru": "Потеря", "link": "http://room/7"},
        "startsAt": NOW.isoformat(),
        "endsAt": (NOW + timedelta(minutes=4)).isoformat(),
        "generatorURL": "http://room/7",
    }
    assert hook.taken == [[document, document]]


def test_what_it_refuses_is_said_with_its_words(hook: Hook) -> None:
    hook.status, hook.words = 400, '"invalid label"\n'
    with pytest.raises(AlertmanagerError, match=f'^Alertmanager at {hook.address} answers 400: "invalid label"$'):
        post(hook.address, [ALERT])


def test_where_nobody_listens_is_said() -> None:
    with listening() as gone:
        address = gone.address
    with pytest.raises(AlertmanagerError, match=f"^no Alertmanager at {address} .*refused"):
        post(address, [ALERT])


def test_a_name_that_nobody_knows_is_an_absent_alertmanager() -> None:
    with pytest.raises(AlertmanagerError, match=r"^no Alertmanager at http://host\.invalid"):
        post("http://host.invalid:9093", [ALERT])


def test_what_speaks_no_http_is_no_alertmanager() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(65_536)
                peer.sendall(b"-ERR unknown command\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            with pytest.raises(AlertmanagerError, match="no Alertmanager at "):
                post(f"http://127.0.0.1:{server.getsockname()[1]}", [ALERT])
        finally:
            thread.join()


def test_one_that_does_not_answer_is_given_up(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alertmanager, "TIMEOUT_S", 0.2)
    hook.slow_s = 1.0
    with pytest.raises(AlertmanagerError, match="timed out"):
        post(hook.address, [ALERT])


def test_a_proxy_of_the_environment_is_not_asked(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    post(hook.address, [ALERT])
    assert len(hook.taken) == 1


def standing(address: str, name: str) -> list[dict[str, Any]]:
    """The active alerts of a name."""
    asked = urllib.parse.urlencode({"filter": f'alertname="{name}"', "active": "true"})
    with urllib.request.urlopen(f"{address}/api/v2/alerts?{asked}", timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found


@pytest.mark.stack
def test_a_real_one_shows_an_alert_until_it_ends(stack: Addresses) -> None:
    name = f"TEST_{secrets.token_hex(4)}"
    ends_at = datetime.now(UTC) + timedelta(minutes=4)
    alert = ALERT._replace(labels={**ALERT.labels, "alertname": name}, ends_at=ends_at)
    post(stack.alertmanager, [alert])
    (shown,) = standing(stack.alertmanager, name)
    assert shown["labels"] == {"alertname": name, "object": "ГРЭС-1"}
    assert shown["generatorURL"] == "http://room/7"
    post(stack.alertmanager, [alert._replace(ends_at=datetime.now(UTC))])
    assert standing(stack.alertmanager, name) == []


@pytest.mark.stack
def test_a_real_one_refuses_what_is_no_alert(stack: Addresses) -> None:
    with pytest.raises(AlertmanagerError, match=" answers 400: "):
        post(stack.alertmanager, [ALERT._replace(labels={"zone": ""})])
