"""Tests of connectors.grafana, against a stand-in that answers as Grafana's API is documented."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.grafana import Change, Grafana, GrafanaError, Wanted, connected, differences
from tests.connectors.grafana_stand_in import TOKEN, Kept, stand_in

WANTED = Wanted(
    {"uid": "f", "title": "Folder"},
    [
        {"uid": "s1", "name": "Archive", "type": "x", "url": "here:1", "jsonData": {"database": "d"},
         "secureJsonData": {"password": "p"}},
        {"uid": "s2", "name": "Metrics", "type": "y", "url": "http://here:2", "basicAuth": False, "jsonData": {}},
    ],
    [
        {"uid": "d1", "title": "One", "panels": [{"id": 1, "title": "a"}, {"id": 2, "title": "b"}], "tags": []},
        {"uid": "d2", "title": "Two", "panels": [], "refresh": ""},
    ],
)  # fmt: skip


@pytest.fixture
def kept() -> Iterator[Kept]:
    with stand_in() as found:
        yield found


@pytest.fixture
def grafana(kept: Kept) -> Iterator[Grafana]:
    with connected(kept.address, TOKEN) as found:
        yield found


def test_everything_is_new_to_an_empty_one_and_sent_in_the_order_in_which_it_is_needed(
    grafana: Grafana, kept: Kept
) -> None:
    assert [(change.kind, change.uid, change.is_new) for change in grafana.push(WANTED)] == [
        ("folder", "f", True), ("data source", "s1", True), ("data source", "s2", True), ("dashboard", "d1", True),
        ("dashboard", "d2", True),
    ]  # fmt: skip
    assert kept.folders["f"]["title"] == "Folder"
    assert kept.sources["s1"]["secureJsonData"] == {"password": "p"}
    assert kept.dashboards["d1"]["meta"]["folderUid"] == "f"


def test_a_second_push_sends_nothing(grafana: Grafana, kept: Kept) -> None:
    list(grafana.push(WANTED))
    kept.changes.clear()
    assert list(grafana.push(WANTED)) == []
    assert kept.changes == []


def test_only_what_differs_is_sent(grafana: Grafana, kept: Kept) -> None:
    list(grafana.push(WANTED))
    kept.changes.clear()
    changed = copy.deepcopy(WANTED)
    changed.dashboards[0]["panels"][1]["title"] = "c"
    assert list(grafana.push(changed)) == [Change("dashboard", "One", "d1", False, ("dashboard.panels.1.title",))]
    assert kept.changes == [("POST", "dashboards/db")]
    assert kept.dashboards["d1"]["dashboard"]["version"] == 2
    assert kept.dashboards["d2"]["dashboard"]["version"] == 1


def test_comparing_changes_nothing(grafana: Grafana, kept: Kept) -> None:
    assert len(grafana.compare(WANTED)) == 5
    assert kept.changes == []
    assert not kept.folders


def test_what_somebody_changed_in_grafana_is_seen_and_put_right(grafana: Grafana, kept: Kept) -> None:
    list(grafana.push(WANTED))
    kept.dashboards["d1"]["dashboard"]["panels"].append({"id": 3})
    kept.dashboards["d2"]["meta"]["folderUid"] = "elsewhere"
    kept.sources["s1"]["url"] = "there:1"
    kept.folders["f"]["title"] = "Mine"
    found = {change.uid: change.places for change in grafana.compare(WANTED)}
    assert found == {"d1": ("dashboard.panels",), "d2": ("meta.folderUid",), "s1": ("url",), "f": ("title",)}
    list(grafana.push(WANTED))
    assert grafana.compare(WANTED) == []


def test_what_grafana_fills_in_by_itself_is_no_difference(grafana: Grafana, kept: Kept) -> None:
    list(grafana.push(WANTED))
    kept.dashboards["d1"]["dashboard"]["panels"][0]["pluginVersion"] = "12.0.2"
    del kept.dashboards["d2"]["dashboard"]["refresh"]
    del kept.dashboards["d1"]["dashboard"]["tags"]
    assert grafana.compare(WANTED) == []


def test_a_password_that_is_not_there_yet_is_sent_and_all_is_sent_when_asked_for(grafana: Grafana, kept: Kept) -> None:
    list(grafana.push(WANTED))
    kept.sources["s1"]["secureJsonData"] = {}
    assert [change.places for change in grafana.compare(WANTED)] == [("secureJsonData.password",)]
    kept.sources["s1"]["secureJsonData"] = {"password": "old"}
    assert grafana.compare(WANTED) == []
    assert len(list(grafana.push(WANTED, everything=True))) == 5
    assert kept.sources["s1"]["secureJsonData"] == {"password": "p"}


def test_name_and_password_may_stand_in_the_address(kept: Kept) -> None:
    with connected(kept.address.replace("://", "://admin:pa%20ss@")) as grafana:
        assert len(grafana.compare(WANTED)) == 5


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (403, {"message": "You'll need additional permissions"}, "does not let us make the folder 'Folder' (You'll need"),
        (409, {"message": "a folder with the same name already exists"}, "since another stands in its place (a folder"),
        (412, {"message": "version mismatch"}, "since another stands in its place (version mismatch)"),
        (422, [{"message": "title is required"}], "did not accept what we sent to make the folder 'Folder' (422: "),
        (500, {"message": "database is locked"}, "could not make the folder 'Folder': Server Error 500: database is"),
    ],
)  # fmt: skip
def test_a_refusal_is_a_sentence(grafana: Grafana, kept: Kept, status: int, body: Any, says: str) -> None:
    kept.refuses = (status, body)
    with pytest.raises(GrafanaError) as refused:
        list(grafana.push(WANTED))
    assert says in str(refused.value)
    assert kept.address in str(refused.value)


def test_who_is_not_known_is_told_what_to_set(kept: Kept) -> None:
    with connected(kept.address, "wrong") as grafana, pytest.raises(GrafanaError) as refused:
        grafana.compare(WANTED)
    assert "does not know us (Unauthorized): set TENGERIM_GRAFANA_TOKEN" in str(refused.value)


def test_dashboards_from_files_are_not_pushed(grafana: Grafana, kept: Kept) -> None:
    kept.provisioned = True
    with pytest.raises(
        GrafanaError, match=r"has its own from files, .* save the dashboard 'One' .*tengerim grafana write"
    ):
        list(grafana.push(WANTED))


def test_nor_are_data_sources_from_files(grafana: Grafana, kept: Kept) -> None:
    kept.refuses = (403, {"message": "Cannot update read-only data source"})
    with pytest.raises(GrafanaError, match="has its own from files"):
        list(grafana.push(WANTED))


def test_a_name_that_is_taken_is_told(grafana: Grafana, kept: Kept) -> None:
    kept.sources["other"] = {"uid": "other", "name": "Archive"}
    with pytest.raises(GrafanaError, match="could not save the data source 'Archive', since another stands"):
        list(grafana.push(WANTED))


def test_a_server_that_is_no_grafana_is_told(kept: Kept) -> None:
    with (
        connected(f"{kept.address}/other", TOKEN) as grafana,
        pytest.raises(GrafanaError, match="not as a Grafana does"),
    ):
        grafana.compare(WANTED)


def test_a_password_in_the_address_is_not_repeated_in_a_message() -> None:
    with connected("http://admin:secret@127.0.0.1:1") as grafana, pytest.raises(GrafanaError) as refused:
        grafana.compare(WANTED)
    assert str(refused.value).startswith("no Grafana at http://127.0.0.1:1 (Connection refused)")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("ours", "theirs", "places"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": 48}, {"a": 48.0}, []),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, ["a.b.1.c"]),
        ({"a": [1, 2]}, {"a": [1]}, ["a"]),
        ({"a": ""}, {}, []),
        ({"a": 0}, {}, ["a"]),
        ({"a": True}, {"a": False}, ["a"]),
    ],
)
def test_differences_are_named_by_their_place(ours: Any, theirs: Any, places: list[str]) -> None:
    assert list(differences(ours, theirs)) == places
