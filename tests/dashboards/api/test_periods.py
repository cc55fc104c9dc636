"""Tests of what is answered before anything has been heard: the stream has no time yet."""

from contextlib import closing

import httpx
import pytest

from connectors.database import connect, space_url
from schemas.settings import Settings

pytestmark = pytest.mark.stack
API = "/api/v1"


@pytest.fixture(scope="module", autouse=True)
def unheard(served: Settings) -> None:
    with closing(connect(space_url(served.database, served.space))) as connection:
        connection.execute("update ingest_offset set watched_until = null")
        connection.commit()


@pytest.mark.parametrize("form", ["json", "csv"])
def test_nothing_that_was_known_then_lasts(client: httpx.Client, form: str) -> None:
    answer = client.get(f"{API}/readings?period=2026-03-02&as_of=2026-03-03&format={form}")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-cache")
