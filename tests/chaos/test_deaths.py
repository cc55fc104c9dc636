"""Workers die at random and where it hurts most; a message that kills them ends in quarantine."""

import time
from contextlib import closing

import pytest

from connectors.database import connect
from tests.chaos.campaign import Campaign
from tests.chaos.sources import STEP_S
from tests.chaos.worker import WAIT_S

pytestmark = [pytest.mark.chaos, pytest.mark.stack]

VICTIMS = (
    "collect",
    "balance",
    "alarm",
    "worker",
    "collect",
    "alarm",
    "worker",
    "balance",
    "collect",
    "alarm",
    "worker",
)
DEATHS = 3


def test_killed_at_random(under_load: Campaign) -> None:
    under_load.load.start()
    worker = under_load.worker()
    for victim in VICTIMS:
        under_load.await_progress()
        under_load.work_on()
        if victim == "worker":
            worker.kill()
            worker = under_load.worker()
        else:
            worker.kill_agent(victim)
        under_load.kills += 1
    under_load.await_progress()
    under_load.settle()


@pytest.mark.parametrize(
    "place",
    [
        "before_commit",
        "after_commit",
        "before_sending",
        "balance_before_commit",
        "balance_after_commit",
        "alarm_before_commit",
        "alarm_after_commit",
    ],
)
def test_killed_at_a_failpoint(under_load: Campaign, place: str) -> None:
    under_load.load.start()
    worker = under_load.worker(failpoint=f"{place}:{under_load.random.randrange(3, 9)}")
    worker.await_events("an agent died", DEATHS)
    worker.kill()
    under_load.kills += DEATHS + 1
    under_load.failpoints += DEATHS
    under_load.worker()
    under_load.await_progress()
    under_load.settle()


def test_a_message_that_kills_is_kept_as_poison_and_everything_else_goes_on(under_load: Campaign) -> None:
    load, dctu = under_load.load, under_load.fleet.dctus[0]
    # It takes some deaths to find the culprit: less is sent meanwhile.
    load.pace_s = 1.5
    values = load.sources.values(under_load.fleet.channels[dctu])
    poison = load.sources.frame(dctu, [(load.slot * STEP_S, values)], (load.slot + 1) * STEP_S + 1, seq=987654321987)
    under_load.oracle.poison.add(poison.value)
    worker = under_load.worker(failpoint="on_message:987654321987")
    load.start()
    under_load.await_progress()
    load.send(poison)
    await_poison(under_load)
    under_load.await_progress()
    under_load.settle()
    deaths = len(worker.events("an agent died"))
    under_load.kills += deaths
    under_load.failpoints += deaths


def await_poison(of: Campaign) -> None:
    """Wait until a message is in quarantine as poison."""
    until = time.monotonic() + WAIT_S
    with closing(connect(of.url)) as connection:
        connection.autocommit = True
        while not connection.execute("select from quarantine where rule = 'POISON'").rowcount:
            assert time.monotonic() < until, f"the culprit is not found; see {of.folder}"
            time.sleep(0.5)
