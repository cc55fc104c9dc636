"""Tests of dashboards.api.pages: every row comes on one page, and what is no place of a row is no cursor."""

import base64
import csv
import io
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest

from connectors.database import connect, space_url
from dashboards.api import pages
from schemas.settings import Settings
from tests.connectors.filled import register
from tests.connectors.fleet import FLEET

pytestmark = pytest.mark.stack
API = "/api/v1"
DAYS = "2026-03-01T00:00Z/2026-03-04T00:00Z"
SECONDS = [f"2026-03-02T05:00:00{part}Z" for part in ("", ".250000", ".500000")]
CODES = ["ГРЭС-1", "A/B", "50%<>?", "plan"]


@pytest.fixture(scope="module", autouse=True)
def archive(served: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """Also with rows of one second, the last first, and with units of all kinds of codes."""
    with closing(connect(space_url(served.database, served.space))) as connection:
        for at in reversed(SECONDS):
            connection.execute(
                "insert into audit (at, actor, subject, address, action, target, outcome, detail)"
                " values (%s, 'vera', '1', '', 'login', '', 'done', '{}')",
                [at],
            )
            connection.execute(
                "insert into quarantine (received_at, rule, detail, digest, frame_digest)"
                " values (%s, 'UNKNOWN', '', %s, '')",
                [at, at.encode()],
            )
        units = [f"{code},Unit,F,generation,coal,100" for code in CODES]
        register(connection, tmp_path_factory.mktemp("codes"), units=[*FLEET["units"], *units])
        connection.execute(
            "insert into balance (ts, node_id, present, expected, closed, imbalance_wh, computed_at)"
            " select ts, node_id, 1, 1, true, 0, now() from node, generate_series('2026-03-02T05:00Z'::timestamptz,"
            " '2026-03-02T05:30Z', '15 minutes') ts where kind = 'unit' and node = any(%s)",
            [CODES],
        )
        connection.commit()
        yield connection


def by_one(client: httpx.Client, address: str) -> list[dict[str, Any]]:
    """Every row of an address, page by page."""
    found, answer = [], client.get(f"{address}&limit=1")
    while True:
        answer.raise_for_status()
        found += answer.json()["data"]
        if answer.json()["next"] is None:
            return found
        answer = client.get(answer.links["next"]["url"])


@pytest.mark.parametrize(("path", "column"), [("audit", "at"), ("quarantine", "received_at")])
def test_rows_of_one_second_come_in_their_order_in_every_form(client: httpx.Client, path: str, column: str) -> None:
    address = f"{API}/{path}?period=2026-03-02T05:00Z/PT1H"
    assert [row[column] for row in client.get(address).json()["data"]] == SECONDS
    assert [row[column] for row in by_one(client, address)] == SECONDS
    as_csv = csv.DictReader(io.StringIO(client.get(f"{address}&format=csv").text))
    assert [row[column] for row in as_csv] == SECONDS


def test_days_follow_each_other_page_by_page(client: httpx.Client) -> None:
    address = f"{API}/completeness?period={DAYS}"
    whole = client.get(address).json()["data"]
    assert len(whole) > 1
    assert by_one(client, address) == whole


@pytest.mark.parametrize("code", CODES)
def test_a_code_may_have_any_letters(client: httpx.Client, code: str) -> None:
    node = f"{API}/nodes/unit/{quote(code, safe='')}"
    rows = by_one(client, f"{node}/balances?period=2026-03-02")
    assert [(row["node"], row["ts"][11:16]) for row in rows] == [(code, "05:00"), (code, "05:15"), (code, "05:30")]
    assert client.get(f"{node}/balances?period=2026-03-02&format=csv").text.count(f"unit,{code},") == 3
    assert client.get(f"{node}/plan?period=2026-03-02").status_code == 200


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("readings", ("x", "M1", "01")),
        ("readings", ("infinity", "M1", "01")),
        ("readings", ("2026-03-02", "M1", "01")),
        ("readings", ("2026-03-02T00:00:00", "M1", "01")),
        ("readings", ("2026-W10-1T00:00:00Z", "M1", "01")),
        ("readings", ("0001-01-01T00:00:00+14:00", "M1", "01")),
        ("readings", ("2026-03-02T00:00:00Z", "\0", "01")),
        ("readings", ("2026-03-02T00:00:00Z", "\ud800", "01")),
        ("completeness", ("2026-W10-1", "DF")),
        ("completeness", ("infinity", "DF")),
        ("completeness", ("2026-02-30", "DF")),
        ("schedules", ("2026-03-02T00:00:00Z", "UG", "x")),
        ("schedules", ("2026-03-02T00:00:00Z", "UG", "99999999999999")),
        ("audit", ("2026-03-02T00:00:00Z", str(2**63))),
    ],
)
def test_what_is_no_place_of_a_row_is_no_cursor(client: httpx.Client, path: str, place: tuple[str, ...]) -> None:
    # As JSON has half a character, which no UTF-8 has.
    cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
    answer = client.get(f"{API}/{path}?period={DAYS}&cursor={cursor}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["detail"].startswith("cursor: no row of v_")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("readings", ("0001-01-01T00:00:00Z", "", "")),
        ("readings", ("9999-12-31T23:59:59.999999Z", "", "")),
        ("completeness", ("0001-01-01", "")),
        ("completeness", ("9999-12-31", "")),
    ],
)
def test_a_place_far_away_is_one(client: httpx.Client, path: str, place: tuple[str, ...]) -> None:
    assert client.get(f"{API}/{path}?period={DAYS}&cursor={pages.encode(place)}").status_code == 200
