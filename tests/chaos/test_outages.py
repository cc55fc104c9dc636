"""Servers go away and come back while everything is under load."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from redis import Redis

from connectors.database import connect
from connectors.live import state_key
from infra.stack import stack as local
from infra.worker import AGENTS
from tests.chaos.campaign import Campaign
from tests.chaos.proxy import ANY, COPY, Proxy
from tests.chaos.worker import WAIT_S

pytestmark = [pytest.mark.chaos, pytest.mark.stack]


@pytest.mark.usefixtures("real_broker")
def test_kafka_restarted(under_load: Campaign, own_home: Path, say: local.Say) -> None:
    under_load.load.start()
    under_load.worker()
    under_load.await_progress()
    local.restart(own_home, "kafka", say)
    under_load.await_progress()
    local.kill(own_home, "kafka")
    under_load.work_on(5, 10)
    local.start(own_home, "kafka", say)
    under_load.await_progress()
    under_load.settle()


def test_the_database_restarted(under_load: Campaign, own_home: Path, say: local.Say) -> None:
    under_load.load.start()
    under_load.worker()
    under_load.await_progress()
    local.restart(own_home, "database", say)
    under_load.await_progress()
    local.kill(own_home, "database")
    under_load.work_on(5, 10)
    local.start(own_home, "database", say)
    under_load.await_progress()
    under_load.settle()


def test_connections_to_the_database_cut(under_load: Campaign) -> None:
    under_load.load.start()
    under_load.worker()
    for _ in range(12):
        under_load.await_progress(100)
        under_load.work_on()
        assert under_load.cut_connections()
    under_load.await_progress()
    under_load.settle()


@pytest.mark.parametrize("agent", AGENTS)
def test_answers_to_commits_lost(under_load: Campaign, agent: str) -> None:
    with Proxy(under_load.settings.database, COPY if agent == "collect" else ANY) as proxy:
        under_load.worker(agent, database=proxy.url)
        under_load.worker(*(other for other in AGENTS if other != agent))
        under_load.load.start()
        for number in range(8):
            under_load.await_progress(100)
            proxy.lose_answer()
            proxy.await_lost(number + 1, WAIT_S)
        under_load.await_progress()
        under_load.settle()


def test_redis_stopped(under_load: Campaign, own_home: Path, say: local.Say) -> None:
    under_load.load.start()
    under_load.worker()
    under_load.await_progress()
    local.stop(own_home, "redis")
    under_load.await_progress(2000)
    local.start(own_home, "redis", say)
    under_load.await_progress(1000)
    under_load.settle()
    assert live_state(under_load) == known_state(under_load)


def live_state(of: Campaign) -> dict[tuple[str, str], object]:
    """What Redis has of every node: the instant of it, and the imbalance of the newest interval."""
    kinds = {"unit", *(kind for unit in of.fleet.units.values() for kind, _ in unit.above)}
    found = {}
    with Redis.from_url(of.settings.redis, decode_responses=True) as client:
        for kind in kinds:
            for node, state in client.hgetall(state_key(of.settings.space, kind)).items():
                found[kind, node] = json.loads(state)
    return {key: (state["now"], state["imbalance_wh"]) for key, state in found.items()}


def known_state(of: Campaign) -> dict[tuple[str, str], object]:
    """The same from the archive."""
    with closing(connect(of.url)) as connection:
        rows = connection.execute("select node_kind, node, now, imbalance_wh from v_node_now")
        return {(kind, node): (now.isoformat(), imbalance) for kind, node, now, imbalance in rows}
