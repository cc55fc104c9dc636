"""What the dashboard of the pipeline asks Prometheus: questions that it understands, of metrics that there are."""

import re

import httpx
import prometheus_client
import pytest

import infra.worker
from dashboards.grafana.build import dashboards
from infra.stack.stack import Addresses
from streams import metrics

(PIPELINE,) = [one for one in dashboards("en") if one["uid"] == "tengerim-pipeline"]
ASKED = {
    f"{panel['title']}/{target['refId']}": target["expr"] for panel in PIPELINE["panels"] for target in panel["targets"]
}
# Modules register what they export when they are imported.
assert metrics.READINGS
assert infra.worker.RESTARTS
EXPORTED = {one.name for one in prometheus_client.REGISTRY.collect() if one.name.startswith("tengerim_")}


def names(expr: str) -> set[str]:
    """The metrics that a question names, without what Prometheus adds to their names."""
    return {re.sub(r"_(total|bucket)$", "", name) for name in re.findall(r"tengerim_\w+", expr)}


@pytest.mark.stack
@pytest.mark.parametrize("name", ASKED)
def test_prometheus_understands_the_question(stack: Addresses, name: str) -> None:
    expr = ASKED[name].replace("$__rate_interval", "1m")
    answer = httpx.get(f"{stack.prometheus}/api/v1/query", params={"query": expr})
    assert answer.json()["status"] == "success", answer.text


@pytest.mark.parametrize("name", ASKED)
def test_what_is_asked_for_is_exported(name: str) -> None:
    assert names(ASKED[name]) <= EXPORTED


def test_whatever_is_exported_is_looked_at() -> None:
    # Alarms have a dashboard of their own, by the journal.
    elsewhere = {"tengerim_partitions", "tengerim_alarm_calls", "tengerim_alarms", "tengerim_alarm_kpi"}
    assert EXPORTED - set().union(*map(names, ASKED.values())) == elsewhere
