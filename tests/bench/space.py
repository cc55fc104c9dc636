"""A space of its own for the bench: made anew, with its master data and plan, and removed."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from connectors import kafka
from connectors.database import connect, create_database, drop_database, space_url
from connectors.migrations import migrate
from connectors.registry import import_registry
from connectors.schedule import import_schedule
from schemas.settings import Settings
from schemas.time import hour_of_slot, slot_start
from tests.bench.grid import Grid

SPACE = "bench"


@contextmanager
def made(settings: Settings, grid: Grid, slots: range) -> Iterator[psycopg.Connection]:
    """The space with the grid's master data and the plan of these slots; gives an autocommit connection to it."""
    url = space_url(settings.database, settings.space)
    drop(settings)
    create_database(url)
    kafka.ensure_topics(settings.kafka, settings.space, settings.partitions)
    try:
        with closing(connect(url)) as connection:
            migrate(connection)
            _import(connection, settings, grid, slots)
            connection.autocommit = True
            yield connection
    finally:
        drop(settings)


def drop(settings: Settings) -> None:
    """Remove its topics and its database."""
    kafka.delete_topics(settings.kafka, settings.space)
    drop_database(space_url(settings.database, settings.space))


def _import(connection: psycopg.Connection, settings: Settings, grid: Grid, slots: range) -> None:
    first, end = hour_of_slot(slots.start), slots.stop
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        grid.write_registry(folder)
        import_registry(connection, folder, slot_start(first), settings.space)
        plan = folder / "plan.csv"
        grid.write_plan(plan, slot_start(first), -(-(end - first) // 4))
        import_schedule(connection, plan, slot_start(first), settings.space)
    # The imports' notices would be balance's first work: the database is new, nobody needs them.
    connection.execute("delete from outbox")
    connection.execute("delete from recompute")
    connection.commit()
