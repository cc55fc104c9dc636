"""Tests of dashboards.api.problems: what is away is said in words, and that one may ask again."""

from collections.abc import Iterator

import httpx
import pytest

from connectors.database import create_database, drop_database, space_url
from infra.stack.stack import Addresses
from schemas.settings import Settings
from tests.dashboards.serving import serving

pytestmark = pytest.mark.stack
ASKED = (
    "nodes", "nodes/facility/F/balances?period=2026-03-02", "readings?period=2026-03-02", "readings?period=P1D",
    "gaps?period=2026-03-02&format=csv", "silent", "alarms", "alarms/kpi?period=2026-03", "openapi.json",
)  # fmt: skip


@pytest.fixture
def unmade(stack: Addresses, space: str) -> Iterator[Settings]:
    """A space whose database has no tables."""
    url = space_url(stack.database, space)
    create_database(url)
    yield Settings(database=stack.database, redis=stack.redis, kafka=stack.kafka, space=space)
    drop_database(url)


def test_a_space_without_an_archive_is_told_how_to_get_one(unmade: Settings) -> None:
    with serving(unmade) as address:
        for path in ASKED:
            answer = httpx.get(f"{address}/api/v1/{path}", timeout=30)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), path
            assert "the space has no archive yet" in answer.json()["detail"]


def test_a_database_that_is_away_is_said_to_be(stack: Addresses) -> None:
    away = Settings(
        database="postgresql://tengerim@127.0.0.1:1/tengerim", redis=stack.redis, kafka=stack.kafka, space="away"
    )
    with serving(away) as address:
        answer = httpx.get(f"{address}/api/v1/nodes/facility/F/balances?period=2026-03-02", timeout=30)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert "does not answer" in answer.json()["detail"]
