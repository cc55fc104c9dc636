"""Whatever the OpenAPI document lets one ask, the server answers as the document says: asked by schemathesis."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from connectors.kafka import delete_topics, ensure_topics
from dashboards.api import orders
from schemas.settings import Settings

pytestmark = pytest.mark.stack
CHECKS = [
    checks.not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance,
]  # fmt: skip
# What nobody finds by chance: periods that hold something, instants, nodes, places, other forms.
PERIODS = ("2026-03-02", "2026-03-01/2026-03-05", "P1D", "2026-W10", "0001-01-01/P1D", "9999-12-31T23:00Z/PT1H", "2026")
AS_OF = ("2026-03-03T01:30Z", "2026-03-02", "0001-01-01", "9999-12-31T23:59:59Z", "2026-03-03T02:00:00.5+05:00")
KNOWN = {
    "period": PERIODS, "as_of": AS_OF, "emc": ("M1", "M2"), "dctu": ("DF", "DG"), "unit": ("UG",), "code": ("01",),
    "format": ("json", "csv", "parquet", "arrow"), "zone": ("NS",), "object": ("F",), "entity": ("E",),
}  # fmt: skip
NODES = (("facility", "F"), ("system", "system"), ("unit", "UG"), ("facility", "NONE"))


@pytest.fixture(scope="module")
def document(served: Settings, address: str) -> Iterator[Any]:
    """Of a server of which the broker takes orders that nobody answers."""
    ensure_topics(served.kafka, served.space, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(orders, "ANSWER_S", 0.0)
        found = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
        # It has no end; tests.dashboards.api.test_live listens to it.
        yield found.exclude(path="/api/v1/changes")
    delete_topics(served.kafka, served.space)


def send(case: Any, client: httpx.Client) -> httpx.Response:
    """Ask by httpx: schemathesis's own way looks into urllib3, in whose place Grafana's client brings another."""
    asked: Any = requests.Request(**case.as_transport_kwargs(base_url=str(client.base_url))).prepare()
    return client.request(asked.method, asked.url, headers=dict(asked.headers), content=asked.body)


def ask_everything(document: Any, client: httpx.Client, subtests: pytest.Subtests, examples: int) -> None:
    """Ask so many questions of every address, always the same ones."""
    for found in document.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @seed(1)
            @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
            def ask(case: Any, data: st.DataObject) -> None:
                for name in sorted(KNOWN.keys() & case.query.keys()):
                    if data.draw(st.booleans()):
                        case.query[name] = data.draw(st.sampled_from(KNOWN[name]))
                if "node" in case.path_parameters and data.draw(st.booleans()):
                    case.path_parameters["kind"], case.path_parameters["node"] = data.draw(st.sampled_from(NODES))
                case.validate_response(send(case, client), checks=CHECKS)

            with subtests.test(operation.label, mode=mode.value), suppress(Unsatisfiable):
                # Where nothing can be said, nothing wrong can be said.
                ask()


def test_every_answer_is_as_the_document_says(document: Any, client: httpx.Client, subtests: pytest.Subtests) -> None:
    ask_everything(document, client, subtests, 8)


@pytest.mark.e2e
def test_every_answer_of_many_is_as_the_document_says(
    document: Any, client: httpx.Client, subtests: pytest.Subtests
) -> None:
    ask_everything(document, client, subtests, 50)
