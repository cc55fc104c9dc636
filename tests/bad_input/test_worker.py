"""The worker's own manners: a line when it is ready, no noise, and an end in time."""

import re
import signal
from pathlib import Path

import pytest

from infra.stack.stack import Addresses
from tests.running import running_worker
from tests.spaces import space_with_fleet

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_says_when_it_is_ready_and_stops_in_time(
    how: signal.Signals, stack: Addresses, home: Path, tmp_path: Path
) -> None:
    with (
        space_with_fleet(stack, home, tmp_path) as space,
        running_worker(space.environment, tmp_path / "log") as running,
    ):
        targets = list((home / "targets").glob(f"{space.name}-*.json"))
        status, seconds = running.stop(how)
        said = running.said()
    assert status == 0
    assert seconds < 10
    assert said.count("ready; Ctrl-C stops it") == 1
    assert said.splitlines()[-1].endswith("stopped agent=worker")
    # Nothing that Faust, mode or a Kafka client says of its own doings.
    assert not re.search(r"\[\^|Starting\.\.\.|Stopping\.\.\.|kafka\.|aiokafka|Traceback", said), said
    assert len(targets) == 1
    assert not targets[0].exists()


def test_a_worker_without_redis_works(stack: Addresses, home: Path, tmp_path: Path) -> None:
    with space_with_fleet(stack, home, tmp_path) as space:
        environment = space.environment | {"TENGERIM_REDIS": "redis://127.0.0.1:1"}
        with running_worker(environment, tmp_path / "log") as running:
            space.run("drain --timeout 170")
            running.wait_for("the live state cannot be written; it is tried again until it can")
            assert running.stop()[0] == 0
            assert running.said().count("the live state cannot be written") == 1
