"""Several workers share the partitions; whoever has lost one must not write to it any more."""

import time

import pytest

from infra.worker import AGENTS
from tests.chaos.campaign import Campaign
from tests.chaos.conftest import SESSION_S
from tests.chaos.worker import WAIT_S, Worker, state_of

pytestmark = [pytest.mark.chaos, pytest.mark.stack]

FENCED = "partitions have another owner"


def test_a_second_worker_joins_and_leaves(under_load: Campaign) -> None:
    under_load.load.start()
    under_load.worker()
    under_load.await_progress()
    for leave in (Worker.stop, Worker.kill):
        second = under_load.worker()
        second.await_events("ready")
        under_load.await_progress()
        leave(second)
        under_load.await_progress()
    under_load.kills += 1
    under_load.settle()


@pytest.mark.parametrize("place", ["before_lock", "before_commit"])
def test_a_stale_owner_writes_nothing(under_load: Campaign, place: str) -> None:
    under_load.worker("balance", "alarm")
    stale = under_load.worker("collect", failpoint=f"{place}:15:stop")
    under_load.load.start()
    process = await_frozen(stale)
    under_load.worker("collect")
    # The heir must have gone beyond the batch that the stale owner has in its hands.
    under_load.await_progress(2000)
    stale.thaw(process)
    stale.await_events(FENCED)
    under_load.await_progress()
    under_load.settle()
    under_load.fenced += len(stale.events(FENCED))


@pytest.mark.parametrize("agent", AGENTS)
def test_frozen_at_random(under_load: Campaign, agent: str) -> None:
    workers = [under_load.worker(), under_load.worker()]
    under_load.load.start()
    for number in range(4):
        under_load.await_progress()
        under_load.work_on()
        frozen = workers[number % 2]
        process = frozen.freeze(agent)
        time.sleep(2 * SESSION_S)
        frozen.thaw(process)
    under_load.await_progress()
    under_load.settle()
    under_load.fenced += sum(len(worker.events(FENCED)) for worker in workers)


def await_frozen(worker: Worker) -> int:
    """The process of collect, once it has frozen itself."""
    until = time.monotonic() + WAIT_S
    while state_of(process := worker.agent("collect")) != "T":
        assert time.monotonic() < until, f"it does not come to its failpoint; see {worker.log}"
        time.sleep(0.1)
    return process
