"""The configuration of Prometheus and Alertmanager, judged by their own tools."""

import json
import shutil
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.stack.prometheus import CONFIG
from infra.stack.root import Root
from infra.stack.stack import Addresses

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("stack")]

RULES = CONFIG.parent / "rules" / "pipeline.yml"


@pytest.fixture
def desk(home: Path) -> Iterator[Path]:
    """A folder that the tools of the root can read."""
    desk = home / "conf" / "test"
    shutil.copytree(CONFIG.parent, desk, dirs_exist_ok=True)
    yield desk
    shutil.rmtree(desk)


def promtool(home: Path, *arguments: str) -> str:
    return Root(home).run("usr/bin/promtool", *arguments)


def asked(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)["data"]


def test_the_configuration_is_valid_with_all_its_rules(home: Path, desk: Path) -> None:
    said = promtool(home, "check", "config", Root(home).path(desk / CONFIG.name))
    assert "FAILED" not in said
    assert f"{RULES.read_text().count('- alert:')} rules found" in said


def test_the_rules_fire_when_they_should_and_only_then(home: Path, desk: Path) -> None:
    table = Path(__file__).with_name("pipeline_rules_test.yml")
    shutil.copy(table, desk)
    shutil.copy(RULES, desk)
    assert "SUCCESS" in promtool(home, "test", "rules", Root(home).path(desk / table.name))


def test_every_rule_says_how_bad_it_is_and_what_to_do(stack: Addresses) -> None:
    (group,) = asked(f"{stack.prometheus}/api/v1/rules")["groups"]
    assert group["rules"]
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in ("warning", "critical"), rule["name"]
        assert rule["annotations"].keys() == {"summary", "description"}, rule["name"]


def test_alertmanagers_configuration_is_valid(home: Path) -> None:
    Root(home).run("usr/bin/amtool", "check-config", "/conf/alertmanager/alertmanager.yml")


def test_prometheus_knows_its_alertmanager(stack: Addresses) -> None:
    (alertmanager,) = asked(f"{stack.prometheus}/api/v1/alertmanagers")["activeAlertmanagers"]
    assert alertmanager["url"].startswith(stack.alertmanager)


def scraped(stack: Addresses) -> set[str]:
    active = asked(f"{stack.prometheus}/api/v1/targets?scrapePool=tengerim")["activeTargets"]
    return {target["labels"]["instance"] for target in active}


def test_whoever_writes_a_target_is_scraped(stack: Addresses, home: Path) -> None:
    own = stack.prometheus.removeprefix("http://")
    target = home / "targets" / "test.json"
    target.write_text(json.dumps([{"targets": [own], "labels": {"agent": "test"}}]))
    try:
        until = time.monotonic() + 30
        while own not in scraped(stack):
            assert time.monotonic() < until
            time.sleep(0.2)
    finally:
        target.unlink()
