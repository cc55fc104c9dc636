"""Tests of 002_plan.sql."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from schemas.energy import WH_LIMIT, quarters
from schemas.time import INTERVAL

pytestmark = pytest.mark.stack


def test_the_quarters_of_an_hour_are_those_of_the_models(archive: psycopg.Connection) -> None:
    hour = datetime(2026, 3, 2, 7, tzinfo=UTC)
    plans = [*range(-9, 10), 1_000_003, WH_LIMIT, -WH_LIMIT]
    rows = archive.execute(
        "select plan, array_agg(quarter_wh(plan, start) order by start)"
        " from unnest(%s::bigint[]) plan, unnest(%s::timestamptz[]) start group by plan",
        [plans, [hour + index * INTERVAL for index in range(4)]],
    ).fetchall()
    assert {plan: tuple(found) for plan, found in rows} == {plan: quarters(plan) for plan in plans}


def test_a_quarter_does_not_depend_on_the_offset_of_the_session(archive: psycopg.Connection) -> None:
    archive.execute("set timezone = 'Asia/Kolkata'")
    start = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=15)
    assert archive.execute("select quarter_wh(2, %s)", [start]).fetchone() == (1,)
