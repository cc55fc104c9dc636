"""Tests of what an entity's own users see: of every address there is, their own and nothing else."""

import json
import time
from contextlib import closing
from typing import Any

import httpx
import pytest

from connectors.archive import VIEWS
from connectors.database import connect, space_url
from schemas.settings import Settings
from tests.dashboards.api.access.issuing import Issuer

pytestmark = pytest.mark.stack
API = "/api/v1"
# The small fleet: K has the facility F, L the facility G; K answers for L's imbalance.
OWN = {
    "K": {("entity", "K"), ("facility", "F"), ("unit", "UG"), ("dctu", "DF"), ("emc", "M1")},
    "L": {("entity", "L"), ("facility", "G"), ("unit", "UC"), ("unit", "UE"), ("dctu", "DG"), ("emc", "M2")},
}
# What must not be read by the other; L is told who answers for it.
FOREIGN = {
    "K": {"L", "G", "UC", "UE", "DG", "M2", "R2", "B2"},
    "L": {"F", "UG", "DF", "M1", "NS", "R1", "B1", "H1"},
}
PERIOD = "2026-02-28T00:00Z/2026-03-05T00:00Z"


def words(value: Any) -> set[str]:
    """Every text in an answer, and every name of a member."""
    match value:
        case str():
            return {value}
        case dict():
            return set(value).union(*map(words, value.values()))
        case list():
            return set().union(*map(words, value))
    return set()


def addresses(document: dict[str, Any], entity: str) -> list[str]:
    """Every address that is read, of own objects and of foreign ones, with every kind of node."""
    found = []
    for path, operations in document["paths"].items():
        if "get" not in operations or path.endswith("/changes"):
            continue
        named = {parameter["name"]: parameter for parameter in operations["get"].get("parameters", [])}
        paths = [path]
        if "{kind}" in path:
            objects = {*OWN["K"], *OWN["L"], ("system", "system"), ("zone", "NS"), ("zone", "W"), ("provider", "K")}
            paths = [path.format(kind=kind, node=node) for kind, node in objects]
        elif "{" in path:
            paths = [path.replace(path[path.index("{") : path.index("}") + 1], str(n)) for n in range(1, 30)]
        query = f"?period={PERIOD}" if "period" in named else "?"
        kinds = ["unit", "facility", "entity", "provider", "hub", "region", "branch", "zone", "system"]
        for one in paths:
            if named.get("kind", {}).get("in") == "query":
                query += "".join(f"&kind={kind}" for kind in kinds) if named["kind"].get("required") else ""
            found.append(one + query)
            found += [
                f"{one}{query}&{name}={code}" for name, parameter in named.items() if parameter["in"] == "query"
                for code in FOREIGN[entity] if name in ("node", "facility", "entity", "zone", "emc", "dctu", "unit", "object")
            ]  # fmt: skip
    return found


@pytest.mark.parametrize("entity", ["K", "L"])
def test_no_address_tells_an_entity_of_another(asked: httpx.Client, issuer: Issuer, entity: str) -> None:
    header = issuer.of("viewer", entity)
    document = asked.get(f"{API}/openapi.json", headers=header).json()
    told = {}
    for address in addresses(document, entity):
        answer = asked.get(address, headers=header)
        assert answer.status_code in (200, 403, 404, 422), (address, answer.text)
        if answer.status_code == 200:
            told[address] = answer
    for address, answer in told.items():
        assert not words(answer.json()) & FOREIGN[entity], address
    # Not for having seen nothing.
    seen = set().union(*(words(answer.json()) for answer in told.values()))
    assert {code for _, code in OWN[entity]} <= seen
    assert len(told) > 20


@pytest.mark.parametrize("entity", ["K", "L"])
def test_no_file_tells_an_entity_of_another(asked: httpx.Client, issuer: Issuer, entity: str) -> None:
    header = issuer.of("viewer", entity)
    document = asked.get(f"{API}/openapi.json", headers=header).json()
    files = 0
    for path, operations in document["paths"].items():
        names = {parameter["name"] for parameter in operations.get("get", {}).get("parameters", [])}
        if "format" not in names or "{" in path:
            continue
        answer = asked.get(f"{path}?format=csv&period={PERIOD}", headers=header)
        assert answer.status_code in (200, 403), path
        files += answer.status_code == 200
        cells = {cell.strip('"') for line in answer.text.splitlines()[1:] for cell in line.split(",")}
        assert not cells & FOREIGN[entity], path
    assert files > 5


def test_its_own_is_what_the_master_data_say(served: Settings) -> None:
    with closing(connect(space_url(served.database, served.space))) as connection:
        for entity, own in OWN.items():
            assert set(connection.execute("select * from objects_of(%s)", [entity]).fetchall()) == own
        assert connection.execute("select * from objects_of('NONE')").fetchall() == []


def test_every_view_says_whose_its_rows_are_or_is_nobodys() -> None:
    assert {name for name, view in VIEWS.items() if not view.of} == {"alarm_kpi", "audit"}


def test_what_is_no_part_of_an_entity_is_closed_to_it(asked: httpx.Client, issuer: Issuer) -> None:
    order = {"order": "acknowledge", "alarms": [1]}
    answer = asked.post(f"{API}/orders", json=order, headers=issuer.of("admin", "K"))
    assert (answer.status_code, "not for users of one entity" in answer.json()["detail"]) == (403, True)


def test_an_address_that_does_not_ask_whose_is_closed_to_it(asked: httpx.Client, issuer: Issuer) -> None:
    assert asked.get(f"{API}/ready", headers=issuer.of("viewer")).status_code == 200
    assert asked.get(f"{API}/ready", headers=issuer.of("viewer", "K")).status_code == 403


def test_a_foreign_node_is_as_one_that_there_is_not(asked: httpx.Client, issuer: Issuer) -> None:
    for path in (f"balances?period={PERIOD}", f"balances?period={PERIOD}&format=csv", f"plan?period={PERIOD}"):
        answers = [
            asked.get(f"{API}/nodes/facility/{node}/{path}", headers=issuer.of("viewer", "K")) for node in ("G", "NONE")
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].json()["detail"].replace("'G'", "'NONE'") == answers[1].json()["detail"]


def test_the_news_are_of_its_own_nodes_only(asked: httpx.Client, issuer: Issuer, served: Settings) -> None:
    with asked.stream("GET", f"{API}/changes", headers=issuer.of("viewer", "K"), timeout=20) as answer:
        lines = answer.iter_lines()
        while next(lines) != "event: alarms":
            pass
        with closing(connect(space_url(served.database, served.space))) as connection:
            connection.execute("update node_now set completeness = 0.5 + random() / 2")
            connection.commit()
        for line in lines:
            if line.startswith('data: {"changed"'):
                changed = json.loads(line.removeprefix("data: "))["changed"]
                break
    assert changed == {"entity": ["K"], "facility": ["F"], "unit": ["UG"]}


def test_who_is_known_no_longer_hears_no_longer(asked: httpx.Client, issuer: Issuer) -> None:
    header = issuer.of("viewer", exp=int(time.time()) + 2)
    with asked.stream("GET", f"{API}/changes", headers=header, timeout=20) as answer:
        assert answer.status_code == 200
        assert sum(len(piece) for piece in answer.iter_bytes()) > 0
