"""Tests of the page in a real browser: what it shows is what the database holds, and what one does on it arrives."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from connectors.database import connect, space_url
from infra.stack.stack import Addresses
from schemas.settings import Settings
from tests.dashboards.serving import free_port, serving
from tests.room import Room

pytestmark = pytest.mark.stack
LONG_MS = 15_000


@pytest.fixture(scope="module")
def archive(served: Settings) -> Iterator[psycopg.Connection]:
    """The system generates 12,567 MW of the planned 12,875 in the interval from 02:00 local time."""
    with closing(connect(space_url(served.database, served.space))) as connection:
        set_system(connection, 12_567)
        yield connection


def set_system(connection: psycopg.Connection, fact_mw: int) -> None:
    connection.execute(
        "update node_now set now = '2026-03-02T21:20Z', ts = '2026-03-02T21:00Z', hour = '2026-03-02T21:00Z',"
        " gen_plan_wh = 12875::bigint * 250000, gen_fact_wh = %s::bigint * 250000, imbalance_wh = 59250000 / 4,"
        " completeness = 0.98, hour_gen_plan_wh = 12800000000, hour_gen_persist_wh = 12500000000"
        " from node where node.node_id = node_now.node_id and kind = 'system'",
        [fact_mw],
    )
    connection.commit()


def test_the_figures_are_those_of_the_database(tab: Page, address: str, archive: psycopg.Connection) -> None:
    tab.goto(address)
    tile = tab.locator("#system .tile").first
    expect(tile.locator(".fact")).to_have_text("12,567 MW", timeout=LONG_MS)
    assert tile.locator("dd").all_inner_texts() == ["12,875 MW", "−308 MW", "−300 MWh"]
    expect(tile.locator(".aside")).to_have_text("−2.4 %")
    expect(tab.locator("#system h2")).to_have_text("System · interval 02:00–02:15")
    imbalance = tab.locator("#system .tile").last
    assert [text.strip() for text in imbalance.locator("dd").all_inner_texts()[:2]] == ["deficit", "98 %"]


def test_a_change_is_on_the_page_within_seconds(tab: Page, address: str, archive: psycopg.Connection) -> None:
    set_system(archive, 12_567)
    tab.goto(address)
    fact = tab.locator("#system .tile .fact").first
    expect(fact).to_have_text("12,567 MW", timeout=LONG_MS)
    set_system(archive, 12_001)
    expect(fact).to_have_text("12,001 MW", timeout=LONG_MS)


def test_every_text_is_in_the_language_that_was_chosen_and_stays_so(tab: Page, address: str) -> None:
    tab.goto(address)
    expect(tab.locator("#alarms h2")).to_contain_text("Alarms")
    tab.get_by_label("Language").select_option("ru")
    expect(tab.locator("#alarms h2")).to_contain_text("Сигналы")
    tab.reload()
    expect(tab.locator("#alarms h2")).to_contain_text("Сигналы")
    assert tab.locator("html").get_attribute("lang") == "ru"


def test_dark_and_light_are_chosen_and_kept(tab: Page, address: str) -> None:
    tab.goto(address)
    tab.get_by_role("button", name="Dark").click()
    tab.reload()
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.fixture
def control_room(stack: Addresses, room: Room) -> Iterator[str]:
    """The address of a space with alarms."""
    settings = Settings(database=stack.database, redis=stack.redis, kafka=stack.kafka, space=room.space)
    with serving(settings) as address:
        yield address


def test_alarms_stand_in_their_order_suppressed_apart(tab: Page, control_room: str, room: Room) -> None:
    tab.goto(control_room)
    alarms = tab.locator("#alarms article")
    expect(alarms).to_have_count(9, timeout=LONG_MS)
    expect(alarms.first.locator(".what")).to_have_text("Fort")
    expect(alarms.first.locator(".type")).to_have_text("Sudden loss of power")
    expect(alarms.first.locator(".value")).to_have_text("−320 MW, limit 200 MW")
    keys = tab.locator("#alarms .rows > *").evaluate_all("found => found.map(one => one.dataset.key)")
    assert keys == [*map(str, room.numbers[:6]), "apart", *map(str, room.numbers[6:9])]


def test_an_alarm_is_acknowledged_from_the_page_and_stands_in_the_journal(
    tab: Page, control_room: str, room: Room
) -> None:
    trip = room.numbers[0]
    tab.goto(control_room)
    row = tab.locator(f'#alarms article[data-key="{trip}"]')
    row.get_by_role("checkbox").check(timeout=LONG_MS)
    tab.get_by_role("button", name="Acknowledge", exact=True).click()
    with room.answering():
        tab.get_by_label("Who").fill("Айгерім")
        tab.get_by_role("button", name="Send").click()
        expect(row).to_have_class("alarm high ACKED", timeout=LONG_MS)
    expect(row).to_contain_text("acknowledged by Айгерім")
    found = room.rows(f"select actor from alarm_event where alarm_id = {trip} and event = 'acknowledge'")
    assert ("Айгерім",) in found


def test_a_flood_is_acknowledged_at_once(tab: Page, control_room: str, room: Room) -> None:
    room.write(
        "insert into alarm (type, object_kind, object, state, life, condition, latched, priority, acked_by, escalated,"
        " rule_reason, order_reason, out_of_service, level, doubtful, unit, detail, changed_at) select 'DEV_CONS',"
        " 'facility', 'G' || i, 'UNACK', 'UNACK', true, false, 'high', '', false, '', '', '', 1, false, 'W', '{}',"
        " '2026-03-02T01:00Z' from generate_series(1, 510) i"
    )
    tab.goto(control_room)
    expect(tab.locator("#alarms article.unanswered").nth(510)).to_be_attached(timeout=LONG_MS)
    tab.get_by_label("Select all").check()
    tab.get_by_role("button", name="Acknowledge", exact=True).click()
    with room.answering():
        tab.get_by_label("Who").fill("Айгерім")
        tab.get_by_role("button", name="Send").click()
        expect(tab.locator("#alarms article.unanswered")).to_have_count(0, timeout=4 * LONG_MS)
    expect(tab.locator("#alarms .tools")).not_to_contain_text("selected")


def test_what_is_refused_is_said(tab: Page, control_room: str, room: Room) -> None:
    tab.goto(control_room)
    row = tab.locator(f'#alarms article[data-key="{room.numbers[0]}"]')
    row.get_by_role("checkbox").check(timeout=LONG_MS)
    tab.get_by_role("button", name="Unshelve").click()
    with room.answering():
        tab.get_by_label("Who").fill("B")
        tab.get_by_role("button", name="Send").click()
        expect(tab.get_by_role("alert")).not_to_be_empty(timeout=LONG_MS)


def test_it_says_when_it_is_cut_off_and_goes_on_by_itself(tab: Page, served: Settings) -> None:
    port = free_port()
    with serving(served, port) as address:
        tab.goto(address)
        expect(tab.locator("#system .tile .fact").first).to_be_visible(timeout=LONG_MS)
    expect(tab.locator("#state")).to_contain_text("DISCONNECTED", timeout=LONG_MS)
    with serving(served, port):
        expect(tab.locator("#state")).not_to_contain_text("DISCONNECTED", timeout=LONG_MS)


def test_the_day_of_a_unit_opens_by_keyboard_and_is_exported(tab: Page, address: str) -> None:
    tab.goto(address)
    unit = tab.locator("#units .unit").first
    unit.focus(timeout=LONG_MS)
    tab.keyboard.press("Enter")
    dialog = tab.locator("#node")
    expect(dialog).to_be_visible()
    expect(dialog.locator("canvas")).to_be_visible(timeout=LONG_MS)
    with tab.expect_download() as download:
        dialog.get_by_role("link", name="Download CSV").click()
    assert download.value.suggested_filename.startswith("balance_15m-unit-")
    tab.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_the_day_is_of_the_node_that_was_chosen_last_however_late_another_comes(
    tab: Page, address: str, archive: psycopg.Connection
) -> None:
    set_system(archive, 12_567)
    late: list[Route] = []
    tab.route(re.compile("/nodes/system/system/balances"), lambda route: late.append(route))
    tab.goto(address)
    expect(tab.locator("#system .tile .fact").first).to_have_text("12,567 MW", timeout=LONG_MS)
    tab.locator("#day .choices").get_by_role("button", name="NS", exact=True).click()
    heading = tab.locator("#day h2")
    expect(heading).to_contain_text("NS", timeout=LONG_MS)
    assert late
    for route in late:
        with tab.expect_response(route.request.url):
            route.continue_()
    tab.wait_for_timeout(500)
    expect(heading).to_contain_text("NS")


def test_the_clock_is_the_streams_in_local_time(tab: Page, address: str, archive: psycopg.Connection) -> None:
    tab.goto(address)
    now = datetime.fromisoformat("2026-03-03T02:20:00")
    expect(tab.locator("#clock")).to_have_text(f"{now.day} March {now.year}  {now:%H:%M:%S}", timeout=LONG_MS)


def test_the_link_of_a_notification_opens_its_alarm_with_what_to_do(tab: Page, control_room: str, room: Room) -> None:
    tab.goto(f"{control_room}/alarms/{room.numbers[0]}")
    dialog = tab.locator("#alarm")
    expect(dialog.get_by_role("heading")).to_have_text("Fort · Sudden loss of power · high", timeout=LONG_MS)
    expect(dialog.locator(".response")).to_contain_text("What to do: Call the station")
    expect(dialog.locator(".journal tr")).to_have_count(2)
    dialog.get_by_role("button", name="Show the day").click()
    expect(tab.locator("#node canvas")).to_be_visible(timeout=LONG_MS)
    expect(dialog).to_be_hidden()


def test_the_arrow_keys_go_through_the_alarms_and_space_chooses(tab: Page, control_room: str, room: Room) -> None:
    tab.goto(control_room)
    names = tab.locator("#alarms .what")
    names.first.focus(timeout=LONG_MS)
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Space")
    expect(names.nth(1)).to_be_focused()
    expect(tab.locator("#alarms .tools")).to_contain_text("1 selected")
    tab.keyboard.press("End")
    expect(names.last).to_be_focused()


def test_data_of_another_time_are_never_called_live(tab: Page, address: str, archive: psycopg.Connection) -> None:
    tab.goto(address)
    expect(tab.locator("#state")).to_contain_text("Data of", timeout=LONG_MS)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_it(tab: Page, control_room: str, theme: str) -> None:
    tab.goto(f"{control_room}/?theme={theme}")
    expect(tab.locator("#alarms article")).to_have_count(9, timeout=LONG_MS)
    found = Axe().run(tab).response["violations"]
    tab.locator("#alarms .what").first.click()
    expect(tab.locator("#alarm .response")).to_be_visible(timeout=LONG_MS)
    found += Axe().run(tab).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
