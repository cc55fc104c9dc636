"""Tests of what everybody may see: the load profile, and the page that shows it to a stranger."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import httpx
import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from connectors.database import connect, space_url
from dashboards.api.page import PAGE, PUBLIC_FILES
from schemas.settings import Settings

pytestmark = pytest.mark.stack
PROFILE = "/api/v1/public/profile"


@pytest.fixture(scope="module")
def archive(served: Settings) -> Iterator[psycopg.Connection]:
    """The system has used 1,000 MW of the planned 900 from 08:00 to 08:15 local time."""
    with closing(connect(space_url(served.database, served.space))) as connection:
        connection.execute(
            "update balance set cons_plan_wh = 225000000, cons_fact_wh = 250000000, closed = true"
            " from node where node.node_id = balance.node_id and kind = 'system' and ts = '2026-03-02T03:00Z'"
        )
        connection.commit()
        yield connection


def test_the_profile_is_that_of_the_database_and_of_nothing_else(
    asked: httpx.Client, archive: psycopg.Connection
) -> None:
    found = asked.get(f"{PROFILE}?day=2026-03-02").json()
    assert set(found) == {"day", "begin", "end", "data", "plan", "login"}
    assert (found["begin"], found["end"]) == ("2026-03-01T19:00:00Z", "2026-03-02T19:00:00Z")
    rows = archive.execute(
        "select ts, cons_plan_wh, cons_fact_wh from v_balance_15m where node_kind = 'system' and closed"
        " and ts >= '2026-03-01T19:00Z' and ts < '2026-03-02T19:00Z' order by ts"
    ).fetchall()
    assert rows
    told = [
        (datetime.fromisoformat(row["ts"]).astimezone(UTC), row["cons_plan_wh"], row["cons_fact_wh"])
        for row in found["data"]
    ]
    assert told == rows
    assert {name for row in found["data"] for name in row} == {"ts", "cons_plan_wh", "cons_fact_wh", "closed"}
    assert {name for row in found["plan"] for name in row} <= {"ts", "cons_plan_wh"}


def test_it_may_be_kept_for_a_while(asked: httpx.Client) -> None:
    first = asked.get(PROFILE)
    assert first.headers["cache-control"] == "public, max-age=30"
    again = asked.get(PROFILE, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("day", "status"), [("2026-03-04", 404), ("9999-12-31", 404), ("0001-01-01", 404), ("soon", 422)]
)
def test_a_day_that_has_not_come_is_nobodys_business(asked: httpx.Client, day: str, status: int) -> None:
    answer = asked.get(f"{PROFILE}?day={day}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_stranger_gets_the_public_page_and_all_that_it_needs(asked: httpx.Client) -> None:
    page = (PAGE / "public.html").read_text(encoding="utf-8")
    for path in ("/", "/public"):
        assert asked.get(path).text == page
    named = set(re.findall(r'(?:href|src)="([\w./]+\.\w+)"', page))
    known: set[str] = set()
    while named - known:
        name = (named - known).pop()
        known.add(name)
        answer = asked.get(f"/{name}")
        assert answer.status_code == 200, name
        if name.endswith(".js"):
            named |= set(re.findall(r'from "\./([\w./]+)"', answer.text))
    assert known == set(PUBLIC_FILES)


def test_where_nobody_is_asked_the_root_is_the_control_room_and_the_public_page_is_there(client: httpx.Client) -> None:
    assert client.get("/").text == (PAGE / "index.html").read_text(encoding="utf-8")
    assert client.get("/public").text == (PAGE / "public.html").read_text(encoding="utf-8")
    assert client.get(PROFILE).json()["login"] is False


@pytest.mark.parametrize(("language", "says"), [("kk", "Кіру"), ("ru", "Войти"), ("en", "Log in")])
def test_the_page_shows_the_load_in_each_language_and_the_way_in(
    tab: Page, asked_at: str, archive: psycopg.Connection, language: str, says: str
) -> None:
    archive.execute(
        "update node_now set ts = '2026-03-02T03:00Z' from node where node.node_id = node_now.node_id and kind = 'system'"
    )
    archive.commit()
    tab.goto(f"{asked_at}/?lang={language}")
    expect(tab.get_by_role("link", name=says)).to_be_visible(timeout=15_000)
    expect(tab.locator("#day canvas")).to_be_visible()
    expect(tab.locator("#figures")).to_contain_text("900")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_is_kept_out_by_how_it_looks(tab: Page, asked_at: str, theme: str) -> None:
    tab.goto(f"{asked_at}/?theme={theme}")
    expect(tab.get_by_role("link", name="Log in")).to_be_visible(timeout=15_000)
    found = Axe().run(tab).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_the_way_in_is_there_while_the_profile_is_not(tab: Page, asked_at: str) -> None:
    tab.route(f"**{PROFILE}", lambda route: route.fulfill(status=503, body="{}"))
    tab.goto(asked_at)
    expect(tab.get_by_role("link", name="Log in")).to_be_visible(timeout=15_000)
    expect(tab.locator("#figures")).to_have_text("Waiting for data")


def test_the_way_in_is_at_the_pages_own_address_once_the_profile_has_come(tab: Page, asked_at: str) -> None:
    tab.clock.install()
    tab.route(f"**{PROFILE}", lambda route: route.fulfill(status=503, body="{}"), times=1)
    tab.goto(f"{asked_at}/public")
    expect(tab.locator("#said")).to_contain_text("has not answered", timeout=15_000)
    tab.clock.fast_forward(61_000)
    expect(tab.get_by_role("link", name="Log in")).to_be_visible(timeout=15_000)
    expect(tab.locator("#said")).to_be_empty()


def test_nobody_is_shown_a_way_in_where_there_is_none(tab: Page, address: str) -> None:
    tab.goto(f"{address}/public")
    expect(tab.locator("#day canvas")).to_be_visible(timeout=15_000)
    expect(tab.locator("#login")).to_be_hidden()


@pytest.mark.parametrize(
    ("language", "says"), [("kk", "жауап бермейді"), ("ru", "не отвечает"), ("en", "has not answered")]
)
def test_it_says_since_when_the_server_is_gone(tab: Page, asked_at: str, language: str, says: str) -> None:
    # Noon in Almaty.
    tab.clock.install(time=datetime(2026, 3, 3, 7, tzinfo=UTC))
    tab.goto(f"{asked_at}/?lang={language}")
    expect(tab.locator("#day canvas")).to_be_visible(timeout=15_000)
    tab.route(f"**{PROFILE}", lambda route: route.abort())
    tab.clock.fast_forward(3 * 3600_000)
    said = tab.locator("#said")
    expect(said).to_contain_text(says, timeout=15_000)
    expect(said).to_contain_text("12:0")
    found = Axe().run(tab).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
