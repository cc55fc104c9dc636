"""Two kills, a failpoint and a cut connection, in the run of every test: what `make chaos` does, in small."""

import pytest

from tests.chaos.campaign import Campaign

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def test_a_short_chaos_loses_nothing(beside_others: Campaign) -> None:
    beside_others.load.start()
    worker = beside_others.worker(failpoint="after_commit:12")
    worker.await_events("an agent died")
    worker.kill()
    worker = beside_others.worker()
    beside_others.await_progress()
    worker.kill_agent("collect")
    beside_others.await_progress()
    assert beside_others.cut_connections()
    beside_others.await_progress()
    beside_others.settle()
