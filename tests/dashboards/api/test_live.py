"""Tests of dashboards.api.live: the live state as a client gets it."""

import json

import httpx
import pytest

pytestmark = pytest.mark.stack
API = "/api/v1"


def test_nodes_now_come_by_kind(client: httpx.Client) -> None:
    found = client.get(f"{API}/now?kind=system&kind=zone").json()["nodes"]
    assert set(found) == {"system", "zone"}
    assert set(found["system"]) == {"system"}
    assert found["system"]["system"]["now"] == "2026-03-02T01:00:00+00:00"


def test_what_has_not_changed_is_not_sent_again(client: httpx.Client) -> None:
    first = client.get(f"{API}/now?kind=system")
    again = client.get(f"{API}/now?kind=system", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(f"{API}/now?kind=zone", headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


@pytest.mark.parametrize("path", ["now", "now?kind=city"])
def test_a_kind_must_be_named_that_there_is(client: httpx.Client, path: str) -> None:
    answer = client.get(f"{API}/{path}")
    assert (answer.status_code, "kind" in answer.json()["detail"]) == (422, True)


def test_who_is_silent_comes_with_what_came_late(client: httpx.Client) -> None:
    found = client.get(f"{API}/silent").json()
    assert isinstance(found["data"], list)


def test_whoever_listens_hears_first_how_things_stand(address: str) -> None:
    events: list[str] = []
    with httpx.stream("GET", f"{address}{API}/changes", timeout=10) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("event: "):
                events.append(line.removeprefix("event: "))
            if line.startswith("data: ") and events[-1] == "status":
                assert set(json.loads(line.removeprefix("data: "))) == {"now", "wall", "redis", "database"}
            if len(events) == 2:
                break
    assert events == ["status", "alarms"]
