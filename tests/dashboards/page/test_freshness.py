"""Tests of the bar that says how fresh the page is: nothing is called live that is not, by the server's own clock."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from playwright.sync_api import Page, Route, expect

from connectors.database import connect, space_url
from schemas.settings import Settings

pytestmark = pytest.mark.stack
LONG_MS = 15_000


@pytest.fixture(scope="module")
def archive(served: Settings) -> Iterator[psycopg.Connection]:
    with closing(connect(space_url(served.database, served.space))) as connection:
        connection.autocommit = True
        yield connection


@pytest.fixture
def live(archive: psycopg.Connection) -> None:
    """The data's time is the wall's."""
    set_time(archive, timedelta())


def set_time(archive: psycopg.Connection, ahead: timedelta) -> None:
    archive.execute("update node_now set now = now() + %s, ts = '2026-03-03T00:45Z'", [ahead])


def refuse(status: int, route: Route) -> None:
    route.fulfill(status=status, content_type="application/problem+json", body='{"detail": "not now"}')


@pytest.mark.usefixtures("live")
def test_it_is_not_live_while_some_questions_are_not_answered(tab: Page, address: str) -> None:
    tab.route("**/api/v1/alarms", lambda route: refuse(503, route))
    tab.route("**/api/v1/silent", lambda route: refuse(429, route))
    tab.goto(address)
    state = tab.locator("#state")
    expect(state).to_contain_text("NOT UP TO DATE", timeout=LONG_MS)
    expect(state).to_contain_text("Alarms, Silent devices", timeout=LONG_MS)
    expect(tab.locator("#alarms .rows")).to_have_text("Waiting for data")
    expect(tab.locator("#silent .rows")).to_have_text("Waiting for data")
    tab.unroute_all()
    expect(state).to_have_text("Live", timeout=LONG_MS)
    expect(tab.locator("#alarms article")).to_have_count(1)
    expect(tab.locator("#silent .rows")).to_have_text("All devices report")


@pytest.mark.usefixtures("live")
def test_alarms_that_nobody_has_told_yet_are_not_said_to_be_none(tab: Page, address: str) -> None:
    held: list[Route] = []
    tab.route("**/api/v1/alarms", lambda route: held.append(route))
    tab.goto(address)
    expect(tab.locator("#system .tile")).to_have_count(4, timeout=LONG_MS)
    expect(tab.locator("#alarms .rows")).to_have_text("Waiting for data")
    expect(tab.locator("#state")).to_have_text("Waiting for data")
    for route in held:
        route.continue_()
    expect(tab.locator("#alarms article")).to_have_count(1, timeout=LONG_MS)
    expect(tab.locator("#state")).to_have_text("Live", timeout=LONG_MS)


@pytest.mark.usefixtures("live")
def test_alarms_that_can_no_longer_be_asked_for_stand_marked(
    tab: Page, address: str, archive: psycopg.Connection
) -> None:
    tab.goto(address)
    expect(tab.locator("#alarms article")).to_have_count(1, timeout=LONG_MS)
    tab.route("**/api/v1/alarms", lambda route: refuse(429, route))
    archive.execute("update alarm_version set version = version + 1")
    expect(tab.locator("#state")).to_contain_text("NOT UP TO DATE", timeout=LONG_MS)
    expect(tab.locator("#alarms.old article")).to_have_count(1)
    expect(tab.locator("#silent.old")).to_have_count(0)


@pytest.mark.usefixtures("live")
def test_a_day_that_cannot_be_read_is_said_and_read_when_it_can_be(tab: Page, address: str) -> None:
    tab.route("**/balances?period=2*", lambda route: refuse(503, route))
    tab.goto(address)
    expect(tab.locator("#state")).to_contain_text("Chart of the day", timeout=LONG_MS)
    tab.unroute_all()
    expect(tab.locator("#day canvas")).to_be_visible(timeout=LONG_MS)
    expect(tab.locator("#state")).to_have_text("Live")


@pytest.mark.parametrize(
    ("ahead", "browser_h", "says"),
    [
        (timedelta(hours=-3), -3, "Data of 3 h ago"),
        (timedelta(), 3, "Live"),
        (timedelta(hours=30), 0, "Data of 30 h ahead of time"),
    ],
)
def test_what_time_it_is_the_server_says_not_the_browser(
    tab: Page, address: str, archive: psycopg.Connection, ahead: timedelta, browser_h: int, says: str
) -> None:
    set_time(archive, ahead)
    tab.add_init_script(f"const now = Date.now; Date.now = () => now() + {browser_h} * 3600e3;")
    tab.goto(address)
    expect(tab.locator("#state")).to_have_text(says, timeout=LONG_MS)
