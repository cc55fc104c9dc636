"""Tests of the page while what it stands on is away: it says so, shows what it has, and goes on by itself."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from schemas.settings import Settings
from tests.dashboards.line import Line
from tests.dashboards.serving import serving

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.e2e]
LONG_MS = 40_000


@pytest.fixture
def database(served: Settings) -> Iterator[Line]:
    with Line(served.database) as line:
        yield line


@pytest.fixture
def redis(served: Settings) -> Iterator[Line]:
    with Line(served.redis) as line:
        yield line


@pytest.fixture
def on_lines(served: Settings, database: Line, redis: Line) -> Iterator[str]:
    """The address of the page, its servers behind lines that can be cut."""
    with serving(served.model_copy(update={"database": database.url, "redis": redis.url})) as address:
        yield address


def test_it_says_that_the_database_is_away_and_goes_on_when_it_is_back(
    tab: Page, on_lines: str, database: Line
) -> None:
    tab.goto(on_lines)
    state, fact = tab.locator("#state"), tab.locator("#system .tile .fact").first
    expect(fact).to_be_visible(timeout=LONG_MS)
    shown = fact.inner_text()
    database.cut()
    expect(state).to_contain_text("THE DATABASE DOES NOT ANSWER", timeout=LONG_MS)
    expect(fact).to_have_text(shown)
    database.join()
    expect(state).not_to_contain_text("DATABASE", timeout=LONG_MS)
    tab.locator("#units .unit").first.click()
    expect(tab.locator("#node canvas")).to_be_visible(timeout=LONG_MS)


def test_without_redis_it_goes_on_from_the_database_and_says_so(tab: Page, on_lines: str, redis: Line) -> None:
    tab.goto(on_lines)
    state = tab.locator("#state")
    expect(tab.locator("#system .tile .fact").first).to_be_visible(timeout=LONG_MS)
    redis.cut()
    expect(state).to_contain_text("Redis is away", timeout=LONG_MS)
    tab.reload()
    expect(tab.locator("#system .tile .fact").first).to_be_visible(timeout=LONG_MS)
    redis.join()
    expect(state).not_to_contain_text("Redis is away", timeout=LONG_MS)
