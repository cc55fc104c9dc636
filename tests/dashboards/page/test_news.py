"""Tests of what the page shows while it stays open: what comes later is on it without loading it again."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page, Route, expect

from connectors.database import connect, space_url
from schemas.settings import Settings
from tests.connectors.filled import register

pytestmark = pytest.mark.stack
LONG_MS = 15_000
DAY = re.compile("/nodes/system/system/balances")


@pytest.fixture(scope="module")
def archive(served: Settings) -> Iterator[psycopg.Connection]:
    with closing(connect(space_url(served.database, served.space))) as connection:
        write(connection, "update node_now set now = '2026-03-03T02:00Z', ts = '2026-03-03T01:00Z'")
        yield connection


def write(connection: psycopg.Connection, statement: str) -> None:
    connection.execute(statement.encode())
    connection.commit()


def test_who_falls_silent_without_an_alarm_is_shown_with_the_next_interval(
    tab: Page, address: str, archive: psycopg.Connection
) -> None:
    tab.goto(address)
    expect(tab.locator("#silent .rows")).to_have_text("All devices report", timeout=LONG_MS)
    write(
        archive,
        "insert into gap select '2026-03-03T01:00Z', '2026-03-03T01:15Z', dctu_id, 4, false, '2026-03-03T01:20Z', null"
        " from dctu_key",
    )
    write(archive, "update node_now set ts = ts + interval '15 min'")
    expect(tab.locator("#silent article")).to_have_count(2, timeout=LONG_MS)
    expect(tab.locator("#silent h2")).to_have_text("Silent devices · 2")


def test_a_correction_of_the_newest_interval_is_read(tab: Page, address: str, archive: psycopg.Connection) -> None:
    tab.goto(address)
    expect(tab.locator("#day canvas")).to_be_visible(timeout=LONG_MS)
    with tab.expect_response(DAY, timeout=LONG_MS):
        write(archive, "update node_now set completeness = 0.5, gen_fact_wh = 1000000")


def test_a_correction_of_an_earlier_interval_is_read_within_a_minute(
    tab: Page, address: str, archive: psycopg.Connection
) -> None:
    tab.clock.install()
    tab.goto(address)
    expect(tab.locator("#day canvas")).to_be_visible(timeout=LONG_MS)
    with tab.expect_response(DAY, timeout=LONG_MS):
        tab.clock.fast_forward(61_000)


def test_a_unit_that_is_registered_meanwhile_has_its_name_and_figures(
    tab: Page, address: str, archive: psycopg.Connection, tmp_path: Path
) -> None:
    tab.goto(address)
    expect(tab.locator("#units .unit").first).to_be_visible(timeout=LONG_MS)
    register(archive, tmp_path, units=["NEW,New unit,F,generation,coal,100"])
    write(
        archive,
        "insert into node_now (node_id, now, ts, hour, closed_intervals, gen_plan_wh, gen_fact_wh, completeness,"
        " hour_imbalance_naive_wh, hour_imbalance_persist_wh) select node_id, '2026-03-03T02:00Z', '2026-03-03T01:15Z',"
        " '2026-03-03T01:00Z', 1, 5000000, 9000000, 1, 0, 0 from node where (kind, node) = ('unit', 'NEW')",
    )
    unit = tab.locator('#units .unit[data-key="NEW"]')
    expect(unit.locator(".kind")).to_have_text("Generation", timeout=LONG_MS)
    expect(unit.locator(".name")).to_have_text("Fort")
    expect(unit.locator(".deviation")).to_have_text("+16.0 MW")


def test_the_last_hours_of_a_unit_are_drawn_however_late_its_name_comes(
    tab: Page, address: str, archive: psycopg.Connection
) -> None:
    write(
        archive,
        "update balance set closed = true, gen_plan_wh = 1000000, gen_fact_wh = 2000000 from node"
        " where node.node_id = balance.node_id and (kind, node) = ('unit', 'UG')",
    )
    held: list[Route] = []
    tab.route("**/api/v1/nodes?*", lambda route: held.append(route))
    tab.goto(address)
    unit = tab.locator('#units .unit[data-key="UG"]')
    expect(unit).to_be_visible(timeout=LONG_MS)
    tab.wait_for_timeout(1000)
    for route in held:
        route.continue_()
    expect(unit.locator("polyline")).to_have_attribute("points", re.compile(r"\d"), timeout=LONG_MS)


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ("condition = true, value = -320000000, limit_value = 200000000", ""),
        ("condition = true, value = -120000000, limit_value = 200000000", "back within its limit, waiting"),
        ("condition = false", "no further loss"),
    ],
)
def test_an_alarm_says_what_has_become_of_its_condition(
    tab: Page, address: str, archive: psycopg.Connection, now: str, says: str
) -> None:
    write(archive, f"update alarm set escalated = false, {now} where type = 'TRIP'")
    write(archive, "update alarm_version set version = version + 1")
    tab.goto(address)
    expect(tab.locator("#alarms article .remark").first).to_have_text(says, timeout=LONG_MS)


def test_a_node_has_its_own_alarms_not_those_of_another_kind_with_its_code(
    tab: Page, address: str, archive: psycopg.Connection
) -> None:
    write(
        archive,
        "insert into alarm (type, object_kind, object, state, life, condition, latched, priority, acked_by, escalated,"
        " rule_reason, order_reason, out_of_service, level, doubtful, unit, detail, changed_at) values ('GAP_ENTITY',"
        " 'entity', 'F', 'UNACK', 'UNACK', true, true, 'high', '', false, '', '', '', 1, false, 'W', '{}', now())",
    )
    write(archive, "update alarm_version set version = version + 1")
    tab.goto(address)
    expect(tab.locator("#alarms article")).to_have_count(2, timeout=LONG_MS)
    tab.locator('#units .unit[data-key="UG"]').click(timeout=LONG_MS)
    expect(tab.locator("#node li")).to_have_count(1)
    expect(tab.locator("#node li")).to_contain_text("Sudden loss of power")
