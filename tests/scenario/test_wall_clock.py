"""By the wall clock: what the clock cannot say while no worker, and so no clock, is there."""

import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.database import connect
from infra.stack.stack import Addresses
from tests.running import running_worker
from tests.spaces import space_with_fleet

pytestmark = [pytest.mark.stack, pytest.mark.slow]

AHEAD_S = 2


def test_what_was_sent_while_no_worker_was_there_is_not_from_the_future(
    stack: Addresses, home: Path, tmp_path: Path
) -> None:
    with space_with_fleet(stack, home, tmp_path) as space:
        environment = space.environment | {"TENGERIM_AHEAD_S": str(AHEAD_S)}
        with running_worker(environment, tmp_path / "before.log") as running:
            space.run("drain --timeout 170")
            running.stop()
        time.sleep(2 * AHEAD_S)
        start = space.first + timedelta(minutes=15)
        (tmp_path / "later.csv").write_text(f"emc,code,start,kwh,status\nM2,01,{start.isoformat()},1,0\n")
        space.run("ingest {there}/later.csv")
        with running_worker(environment, tmp_path / "after.log"):
            space.run("drain --timeout 170")
        with closing(connect(space.url)) as connection:
            assert connection.execute("select rule from quarantine").fetchall() == []
            assert connection.execute("select count(*) from reading").fetchone() == (2,)
