"""An archive filled by hand, version by version, with the master data of the small fleet."""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psycopg

from connectors.database import connect, create_database, drop_database, space_url
from connectors.migrations import migrate
from connectors.registry import import_registry
from connectors.schedule import PlannedHour, import_schedule
from tests.connectors.fleet import FLEET, write_files

DAY = datetime(2026, 3, 2, tzinfo=UTC)
KNOWN = DAY - timedelta(days=1)
GRACE = timedelta(minutes=5)


def at(text: str) -> datetime:
    """HH:MM[:SS] of the day, UTC."""
    hours, minutes, seconds = map(int, f"{text}:00".split(":")[:3])
    return DAY + timedelta(hours=hours, minutes=minutes, seconds=seconds)


class Version(NamedTuple):
    """A version of a reading: interval, value and when it came; what it is ordered by."""

    channel: str
    start: str
    wh: int
    came: str
    seq: int = 1
    rank: int = 0
    quality: int = 4
    sent: str = "00:00"

    @property
    def order(self) -> tuple[int, datetime, int, int, int]:
        """What decides which version is in force."""
        return (self.rank, at(self.sent), self.seq, self.quality, self.wh)


@contextmanager
def new_archive(database: str) -> Iterator[psycopg.Connection]:
    """A database beside `database` for many tests that only read, gone at the end."""
    url = space_url(database, f"t{secrets.token_hex(6)}")
    create_database(url)
    try:
        with closing(connect(url)) as connection:
            migrate(connection)
            yield connection
    finally:
        drop_database(url)


def register(connection: psycopg.Connection, folder: Path, came: datetime = KNOWN, **changed: list[str]) -> None:
    """Import the fleet, or only the files that are given."""
    import_registry(connection, write_files(folder / "registry", changed or FLEET), came, "test")


def plan(connection: psycopg.Connection, unit: str, hour: str, wh: int, version: int = 1, came: str = "00:00") -> None:
    """Plan an hour of a unit."""
    import_schedule(connection, [PlannedHour(unit, at(hour), version, wh)], at(came), "test")


def store(connection: psycopg.Connection, versions: Iterable[Version]) -> None:
    """Write versions where they belong: the greatest of a cell into reading, the others into reading_revision."""
    cells: dict[tuple[str, str], list[Version]] = {}
    for version in versions:
        cells.setdefault((version.channel, version.start), []).append(version)
    for (channel, start), found in cells.items():
        found.sort(key=lambda version: version.order)
        for version in found:
            table, revisions = ("reading", (len(found) - 1,)) if version is found[-1] else ("reading_revision", ())
            emc, _, code = channel.partition("/")
            values = [at(start), version.wh, at(version.sent), version.seq, at(version.came)]
            values += [emc, code, version.quality, version.rank, *revisions]
            connection.execute(
                f"insert into {table} values (%s, %s, %s, %s, %s,"
                f" (select channel_id from channel_key where (emc, code) = (%s, %s)), %s, %s{', %s' * len(revisions)})",
                values,
            )
    connection.commit()


def watch(connection: psycopg.Connection, *until: datetime | None) -> None:
    """Say how far each partition of the frames has been watched."""
    for partition, time in enumerate(until):
        connection.execute(
            "insert into ingest_offset (agent, topic, partition, topic_id, next_off, epoch, watched_until)"
            " values ('collect', 'frames', %s, '', 0, 1, %s)",
            [partition, time],
        )
    connection.commit()
