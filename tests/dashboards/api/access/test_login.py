"""Tests of logging in on the page, through the real login form of a real Keycloak in a real browser."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from schemas.settings import Settings
from tests.dashboards.api.access.keycloak import Keycloak
from tests.dashboards.api.access.realms import PASSWORD
from tests.dashboards.serving import serving

pytestmark = [pytest.mark.stack, pytest.mark.slow]
LONG_MS = 20_000


@pytest.fixture(scope="module")
def place(served: Settings, keycloak: Keycloak) -> Iterator[str]:
    """Where a server is that asks Keycloak."""
    with serving(served.model_copy(update={"oidc_issuer": keycloak.issuer})) as address:
        yield address


def log_in(tab: Page, place: str, user: str) -> None:
    tab.goto(place)
    tab.get_by_role("link", name="Log in").click(timeout=LONG_MS)
    tab.locator("#username").fill(user, timeout=LONG_MS)
    tab.locator("#password").fill(PASSWORD)
    tab.locator("#kc-login").click()


def test_people_log_in_look_and_log_out(tab: Page, place: str) -> None:
    log_in(tab, place, "oleg")
    expect(tab.locator("#me")).to_contain_text("oleg · operator", timeout=LONG_MS)
    expect(tab.locator("#state")).not_to_contain_text("DISCONNECTED")
    cookie = next(one for one in tab.context.cookies() if one["name"].startswith("tengerim_t"))
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    tab.get_by_role("link", name="Log out").click()
    expect(tab).to_have_url(re.compile(f"^{place}/public"), timeout=LONG_MS)
    expect(tab.get_by_role("link", name="Log in")).to_be_visible(timeout=LONG_MS)
    assert httpx.get(f"{place}/api/v1/me", cookies={cookie["name"]: cookie["value"]}).status_code == 401
