"""Tests of the page for people who log in by a real Keycloak: what each may see and do, and how long."""

import time

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.dashboards.api.access.keycloak import LONG_MS, Keycloak, log_in
from tests.dashboards.api.access.realms import PAGE_TOKEN_S, SHORT

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.e2e]


def test_who_only_looks_finds_nothing_to_order(tab: Page, place: str) -> None:
    log_in(tab, place, "vera")
    expect(tab.locator("#me")).to_contain_text("vera · viewer", timeout=LONG_MS)
    expect(tab.locator("#alarms article")).to_have_count(1, timeout=LONG_MS)
    expect(tab.locator("#alarms .tools")).to_be_hidden()
    expect(tab.locator("#alarms input[type=checkbox]:visible")).to_have_count(0)


def test_who_orders_is_not_asked_for_a_name(tab: Page, place: str) -> None:
    log_in(tab, place, "oleg")
    tab.locator("#alarms article input").check(timeout=LONG_MS)
    tab.get_by_role("button", name="Comment").click()
    expect(tab.locator("#order").get_by_label("Comment")).to_be_visible()
    expect(tab.get_by_label("Who")).to_have_count(0)


def test_an_entity_finds_its_own_units_only(tab: Page, place: str) -> None:
    log_in(tab, place, "kaisar")
    expect(tab.locator("#me")).to_contain_text("kaisar · viewer · K", timeout=LONG_MS)
    expect(tab.locator("#units .unit")).to_have_count(1, timeout=LONG_MS)
    assert "Gora" not in tab.inner_text("body")


def test_who_has_no_role_is_told_so_on_the_public_page(tab: Page, place: str) -> None:
    log_in(tab, place, "nobody")
    expect(tab.locator("#said")).to_have_text("You could not be logged in: there is no access", timeout=LONG_MS)
    assert [one for one in tab.context.cookies() if one["name"].startswith("tengerim_t")] == []


def test_a_wrong_password_opens_nothing(tab: Page, place: str) -> None:
    log_in(tab, place, "vera", "wrong")
    expect(tab.locator("#kc-login")).to_be_visible(timeout=LONG_MS)
    assert [one for one in tab.context.cookies() if one["name"].startswith("tengerim_t")] == []


def test_a_session_is_renewed_while_it_lasts(tab: Page, place: str) -> None:
    log_in(tab, place, "vera")
    expect(tab.locator("#me")).to_contain_text("vera", timeout=LONG_MS)
    (cookie,) = (one for one in tab.context.cookies() if one["name"].startswith("tengerim_t"))
    time.sleep(PAGE_TOKEN_S + 32)
    with httpx.Client(base_url=place, cookies={cookie["name"]: cookie["value"]}) as client:
        assert client.get("/api/v1/me").json()["name"] == "vera"
    expect(tab.locator("#state")).not_to_contain_text("DISCONNECTED", timeout=LONG_MS)
    expect(tab.locator("#me")).to_contain_text("vera")


def test_a_state_that_is_not_the_browsers_own_is_refused(place: str) -> None:
    with httpx.Client(base_url=place, timeout=20) as client:
        assert client.get("/login").status_code == 302
        answer = client.get("/login/callback?state=guessed&code=guessed")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{place}/public?login=refused")
    assert "set-cookie" not in answer.headers or "tengerim_t" not in answer.headers["set-cookie"]


def test_an_expired_token_is_refused(place: str, keycloak: Keycloak) -> None:
    header = {"Authorization": f"Bearer {keycloak.token('vera', client=SHORT)}"}
    assert httpx.get(f"{place}/api/v1/me", headers=header).status_code == 200
    time.sleep(33)
    answer = httpx.get(f"{place}/api/v1/me", headers=header)
    assert (answer.status_code, answer.json()["detail"]) == (401, "the token has expired")


def test_the_link_of_a_notification_leads_to_its_alarm_by_way_of_the_login(tab: Page, place: str) -> None:
    log_in(tab, f"{place}/alarms/1", "vera")
    expect(tab.locator("#alarm .response")).to_be_visible(timeout=LONG_MS)
