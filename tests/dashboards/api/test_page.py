"""Tests of dashboards.api.page: the page comes as it is, whole, and with what a browser may do."""

import re

import httpx
import pytest

from dashboards.api.page import PAGE

pytestmark = pytest.mark.stack


def test_the_page_is_at_the_root(client: httpx.Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.text == (PAGE / "index.html").read_text(encoding="utf-8")


def test_every_file_that_is_named_is_there(client: httpx.Client) -> None:
    named = {"main.js", "style.css", "icon.svg", "vendor/uPlot.css"}
    for path in PAGE.glob("*.js"):
        named |= set(re.findall(r'from "\./([\w./]+)"', path.read_text(encoding="utf-8")))
    assert {path: client.get(f"/{path}").status_code for path in named} == dict.fromkeys(named, 200)


def test_nothing_of_another_place_and_nothing_inline_may_run(client: httpx.Client) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", page)


def test_answers_of_the_api_are_guarded_too(client: httpx.Client) -> None:
    answer = client.get("/api/v1/nodes")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_is_long_is_sent_packed(client: httpx.Client) -> None:
    assert client.get("/style.css", headers={"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"


def test_the_link_of_a_notification_leads_to_its_alarm_on_the_page(client: httpx.Client) -> None:
    answer = client.get("/alarms/7")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?alarm=7")


def test_a_link_to_what_is_no_number_is_refused(client: httpx.Client) -> None:
    assert client.get("/alarms/x").status_code == 422
