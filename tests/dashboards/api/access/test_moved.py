"""Tests of what an entity's users are told of a facility that has become another's."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psycopg
import pytest

from connectors.database import connect, space_url
from dashboards.api import live
from schemas.settings import Settings
from tests.connectors.filled import register
from tests.dashboards.api.access.issuing import Issuer

pytestmark = pytest.mark.stack
F_OF_K, F_OF_L = (f"F,Fort,{entity},NS,R1,B1,H1,51.2,71.4" for entity in "KL")


def next_change(connection: psycopg.Connection, lines: Iterator[str]) -> dict[str, list[str]]:
    connection.execute("update node_now set completeness = 0.5 + random() / 2")
    connection.commit()
    said = next(line for line in lines if line.startswith('data: {"changed"'))
    changed: dict[str, list[str]] = json.loads(said.removeprefix("data: "))["changed"]
    return changed


def test_who_listens_hears_of_what_is_theirs_now(
    asked: httpx.Client, issuer: Issuer, served: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "OWN_S", 0.0)
    header = issuer.of("viewer", "L")
    with (
        closing(connect(space_url(served.database, served.space))) as connection,
        asked.stream("GET", "/api/v1/changes", headers=header, timeout=20) as answer,
    ):
        lines = answer.iter_lines()
        next(line for line in lines if line == "event: alarms")
        assert "UG" not in next_change(connection, lines)["unit"]
        register(connection, tmp_path, facilities=[F_OF_L])
        assert "UG" in next_change(connection, lines)["unit"]


def test_whose_it_was_is_told_that_it_is_theirs_no_more_though_no_state_changes(
    asked: httpx.Client, issuer: Issuer, served: Settings, tmp_path: Path
) -> None:
    address, header = "/api/v1/now?kind=facility", issuer.of("viewer", "L")
    with closing(connect(space_url(served.database, served.space))) as connection:
        register(connection, tmp_path, facilities=[F_OF_L])
        before = asked.get(address, headers=header)
        known = {**header, "If-None-Match": before.headers["etag"]}
        assert ("F" in before.json()["nodes"]["facility"], asked.get(address, headers=known).status_code) == (True, 304)
        register(connection, tmp_path, facilities=[F_OF_K])
    after = asked.get(address, headers=known)
    assert after.status_code == 200
    assert "F" not in after.json()["nodes"]["facility"]
