"""Spaces with a small fleet, made by commands as a user makes them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connectors.database import drop_database, space_url
from connectors.kafka import delete_topics
from connectors.live import delete_states
from infra.stack.stack import Addresses
from tests.connectors.fleet import FLEET, write_files
from tests.running import Done, tengerim


@dataclass(frozen=True)
class Space:
    """A space that works: its addresses, and the settings of its commands."""

    name: str
    kafka: str
    url: str
    environment: dict[str, str]
    first: datetime  # the fleet is expected from then on
    folder: Path

    def run(self, command: str) -> Done:
        """Run a command that is right."""
        done = tengerim(command, self.environment, self.folder)
        assert done.status == 0, done.err
        return done


@contextmanager
def space_with_fleet(stack: Addresses, home: Path, folder: Path) -> Iterator[Space]:
    """A space of its own, with master data, a planned hour and a reading that waits."""
    name = f"t{secrets.token_hex(6)}"
    environment = {"TENGERIM_SPACE": name, "TENGERIM_HOME": str(home), "TENGERIM_TICK_S": "1"}
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=20)
    here = Space(name, stack.kafka, space_url(stack.database, name), environment, first, folder)
    write_files(folder / "fleet", FLEET)
    (folder / "plan.csv").write_text("unit,hour,mwh,version\nUG,2026-01-01T00:00Z,1,1\n")
    (folder / "readings.csv").write_text(f"emc,code,start,kwh,status\nM2,01,{first.isoformat()},1,0\n")
    try:
        here.run(f"registry import {{there}}/fleet --received-at {first.isoformat()}")
        here.run("schedule import {there}/plan.csv")
        here.run("ingest {there}/readings.csv")
        yield here
    finally:
        drop_database(here.url)
        delete_topics(stack.kafka, name)
        delete_states(stack.redis, name)
