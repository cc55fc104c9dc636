"""Tests of what an entity's users hear of a facility that has become another's while they listened."""

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
F_OF_L = "F,Fort,L,NS,R1,B1,H1,51.2,71.4"


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
