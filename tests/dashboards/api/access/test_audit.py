"""Tests of the audit: who did what, what was refused to whom, and that nobody takes it back."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from connectors.database import connect, space_url
from schemas.settings import Settings
from tests.dashboards.api.access.issuing import Issuer
from tests.dashboards.api.access.test_roles import desk as desk
from tests.room import Room

pytestmark = pytest.mark.stack
API = "/api/v1"


@pytest.fixture
def archive(served: Settings) -> Iterator[psycopg.Connection]:
    with closing(connect(space_url(served.database, served.space))) as connection:
        yield connection


def entries(client: httpx.Client, header: dict[str, str], **chosen: str) -> list[tuple[Any, ...]]:
    query = "".join(f"&{name}={value}" for name, value in chosen.items())
    today = datetime.now(UTC).date()
    period = f"{today - timedelta(days=1)}/{today + timedelta(days=2)}"
    rows = client.get(f"{API}/audit?period={period}{query}", headers=header).json()["data"]
    return [tuple(row[name] for name in ("actor", "action", "target", "outcome")) for row in rows]


def written(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    connection.rollback()
    return connection.execute(
        "select actor, subject, address, action, target, outcome, detail from audit order by audit_id"
    ).fetchall()


def test_an_order_is_written_down_and_that_it_was_refused(desk: httpx.Client, room: Room, issuer: Issuer) -> None:
    trip, *_ = room.numbers
    with room.answering():
        for order in ("acknowledge", "unshelve"):
            body = {"order": order, "alarms": [trip], "reason": "seen"}
            assert desk.post(f"{API}/orders", json=body, headers=issuer.of("operator")).status_code == 200
    rows = room.rows(
        "select actor, subject, address, action, target, outcome, detail->>'reason' from audit order by 1, audit_id"
    )
    who = ("operator", "1", "127.0.0.1")
    assert [row for row in rows if row[4] == f"alarm {trip}"] == [
        (*who, "acknowledge", f"alarm {trip}", "given", "seen"),
        (*who, "unshelve", f"alarm {trip}", "given", "seen"),
        (*who, "unshelve", f"alarm {trip}", "refused", None),
    ]
    commands = "select detail->>'command_id' from audit where outcome = 'given'"
    assert room.rows(f"select count(*) > 0 from alarm_command where command_id::text in ({commands})") == [(True,)]


def test_what_is_refused_to_somebody_is_written_down(
    asked: httpx.Client, issuer: Issuer, archive: psycopg.Connection
) -> None:
    order = {"order": "acknowledge", "alarms": [1]}
    assert asked.post(f"{API}/orders", json=order, headers=issuer.of("viewer")).status_code == 403
    assert asked.get(f"{API}/ready", headers=issuer.of("viewer", "K")).status_code == 403
    assert asked.get(f"{API}/nodes", headers=issuer.of("viewer", exp=1)).status_code == 401
    assert asked.get(f"{API}/nodes", headers=issuer.of("nobody")).status_code == 403
    assert [(*row[:2], *row[3:6], row[6]["why"]) for row in written(archive)[-4:]] == [
        ("viewer", "1", "access", "POST /api/v1/orders", "refused", "acknowledge takes the role operator; viewer is viewer"),
        ("viewer", "1", "access", "GET /api/v1/ready", "refused", "this is not for users of one entity, and viewer is one of K"),
        ("viewer", "1", "token", "GET /api/v1/nodes", "refused", "the token has expired"),
        ("nobody", "1", "token", "GET /api/v1/nodes", "refused",
         "the token has none of the roles viewer, operator, engineer, admin in realm_access.roles"),
    ]  # fmt: skip


def test_what_is_about_everybody_is_refused_to_an_entity_and_that_is_written_down(
    asked: httpx.Client, issuer: Issuer, archive: psycopg.Connection
) -> None:
    for form in ("json", "csv"):
        before = len(written(archive))
        answer = asked.get(f"{API}/audit?period=2026-03-02&format={form}", headers=issuer.of("admin", "K"))
        assert (answer.status_code, "insufficient_scope" in answer.headers["www-authenticate"]) == (403, True)
        (row,) = written(archive)[before:]
        assert row[:6] == ("admin", "1", "127.0.0.1", "access", "GET /api/v1/audit", "refused")
        assert row[6]["why"] == answer.json()["detail"]


def test_what_is_refused_to_a_name_with_a_nul_is_written_down_without_it(
    asked: httpx.Client, issuer: Issuer, archive: psycopg.Connection
) -> None:
    before, token = len(written(archive)), issuer.token(preferred_username="a\0b")
    assert asked.get(f"{API}/audit?period=P1D", headers={"Authorization": f"Bearer {token}"}).status_code == 403
    (row,) = written(archive)[before:]
    assert (row[0], row[6]["why"]) == ("ab", "the audit takes the role admin; ab is viewer")


def test_what_nobody_has_signed_is_not(asked: httpx.Client, issuer: Issuer, archive: psycopg.Connection) -> None:
    before = written(archive)
    for token in ("x", issuer.token()[:-6] + "AAAAAA"):
        assert asked.get(f"{API}/nodes", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert asked.get(f"{API}/nodes").status_code == 401
    assert written(archive) == before


def test_who_goes_on_with_a_bad_token_is_written_down_once_in_a_while(
    asked: httpx.Client, issuer: Issuer, archive: psycopg.Connection
) -> None:
    before, header = len(written(archive)), issuer.of("viewer", sub="stubborn", exp=1)
    assert {asked.get(f"{API}/nodes", headers=header).status_code for _ in range(5)} == {401}
    assert len(written(archive)) == before + 1


def test_a_file_that_was_taken_is_written_down(asked: httpx.Client, issuer: Issuer) -> None:
    asked.get(f"{API}/gaps?period=2026-03-02&format=csv", headers=issuer.of("viewer")).raise_for_status()
    assert ("viewer", "export", "gap-2026-03-02.csv", "done") in entries(asked, issuer.of("admin"), action="export")


@pytest.mark.parametrize("role", ["viewer", "operator", "engineer"])
def test_only_administrators_read_it(asked: httpx.Client, issuer: Issuer, role: str) -> None:
    answer = asked.get(f"{API}/audit?period=P1D", headers=issuer.of(role))
    assert (answer.status_code, answer.json()["detail"]) == (403, f"the audit takes the role admin; {role} is {role}")
    assert asked.get(f"{API}/audit?period=P1D", headers=issuer.of("admin")).status_code == 200
    assert asked.get(f"{API}/audit?period=P1D", headers=issuer.of("admin", "K")).status_code == 403


@pytest.mark.parametrize("statement", ["update audit set actor = 'other'", "delete from audit", "truncate audit"])
def test_nobody_takes_it_back(archive: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="the table audit is only added to"):
        archive.execute(statement)
    archive.rollback()
