"""Tests of the OpenAPI document: whole, and true of errors."""

import re
from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.dashboards.api.access.issuing import Issuer

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_address_is_in_it(document: dict[str, Any]) -> None:
    names = {path.removeprefix("/api/v1") for path in document["paths"]}
    assert names == {
        "/nodes", "/nodes/{kind}/{node}/balances", "/nodes/{kind}/{node}/plan", "/balances", "/readings", "/revisions",
        "/gaps", "/completeness", "/schedules", "/quarantine", "/alarm-events", "/now", "/silent", "/changes", "/alarms", "/alarms/kpi",
        "/alarms/{alarm_id}", "/orders", "/health", "/ready", "/me", "/public/profile", "/audit",
    }  # fmt: skip


def test_the_beginning_of_all_addresses_leads_to_it(client: httpx.Client, document: dict[str, Any]) -> None:
    assert client.get("/api/v1", follow_redirects=True).json() == document


def test_whatever_it_refers_to_is_there(client: httpx.Client, document: dict[str, Any]) -> None:
    names = set(re.findall(r'"#/components/schemas/(\w+)"', client.get("/api/v1/openapi.json").text))
    assert names <= document["components"]["schemas"].keys()
    assert "HTTPValidationError" not in names


def test_every_operation_says_what_it_is_for_and_how_it_fails(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        for status in ("422", "500"):
            assert "application/problem+json" in operation["responses"][status]["content"], name


def test_only_orders_change_anything(document: dict[str, Any]) -> None:
    assert [name for name, _ in operations(document) if not name.startswith("get ")] == ["post /api/v1/orders"]


def test_who_lives_and_who_is_ready_says_so(client: httpx.Client) -> None:
    for path in ("health", "ready"):
        answer = client.get(f"/api/v1/{path}")
        assert (answer.status_code, answer.json()) == (200, {"database": True, "redis": True})


def test_every_parameter_has_a_meaning_and_an_example(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            schema = parameter["schema"]
            assert parameter.get("description"), (name, parameter["name"])
            assert schema.get("examples") or parameter.get("examples") or parameter.get("example"), (name, parameter)


def test_every_answer_has_a_form_and_an_example_that_is_of_it(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        for media, content in operation["responses"]["200"]["content"].items():
            if not media.startswith("application/json"):
                continue
            schema = {**content["schema"], "components": document["components"]}
            example = content.get("example") or example_of(content["schema"], document)
            assert example is not None, name
            jsonschema_rs.Draft202012Validator(schema).validate(example)


def example_of(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """The example of a component; of one whose parts are simple, none is needed."""
    if "items" in schema:
        return [example_of(schema["items"], document)]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], document)
    found = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found.get("example") or (found.get("examples") or [None])[0]


def test_where_people_are_asked_it_says_where_a_token_is_needed(
    document: dict[str, Any], asked: httpx.Client, issuer: Issuer
) -> None:
    found = asked.get("/api/v1/openapi.json", headers=issuer.of("viewer")).json()
    [needed] = found["security"]
    assert found["components"]["securitySchemes"].keys() == needed.keys()
    for path, of_path in found["paths"].items():
        if "get" in of_path and "{" not in path:
            refused = asked.get(path).status_code == 401
            assert of_path["get"].get("security", [needed]) == ([needed] if refused else []), path
    assert "security" not in document
    assert "securitySchemes" not in document["components"]
