"""A worker that is told to stop is gone within ten seconds, whatever else is wrong."""

from pathlib import Path

import pytest

from infra.stack import stack as local
from tests.chaos.campaign import Campaign

pytestmark = [pytest.mark.chaos, pytest.mark.stack]

STOP_S = 10.0


def test_while_idle(under_load: Campaign) -> None:
    worker = under_load.worker()
    worker.await_events("ready")
    took, status = worker.stop()
    assert (took < STOP_S, status) == (True, 0)


def test_while_draining(under_load: Campaign) -> None:
    under_load.load.start()
    under_load.work_on(10, 10)
    under_load.load.pause()
    worker = under_load.worker()
    under_load.await_progress(100)
    took, status = worker.stop()
    assert (took < STOP_S, status) == (True, 0)
    under_load.worker()
    under_load.settle()


@pytest.mark.parametrize("server", ["database", "kafka", "redis"])
def test_while_a_server_is_away(under_load: Campaign, own_home: Path, say: local.Say, server: str) -> None:
    under_load.load.start()
    worker = under_load.worker()
    under_load.await_progress()
    local.stop(own_home, server)
    under_load.work_on(4, 8)
    took, status = worker.stop()
    assert (took < STOP_S, status) == (True, 0)
    local.start(own_home, server, say)
    under_load.worker()
    under_load.settle()
