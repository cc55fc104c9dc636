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


def fill_every_view(archive: psycopg.Connection, folder: Path) -> None:
    """Something in every view, readings of three days."""
    register(archive, folder)
    plan(archive, "UG", "00:00", 1000, came="00:00")
    starts = ["-24:00", "00:00", "00:15", "23:45", "24:00"]
    store(archive, [Version("M1/01", start, 100 + place, "25:00") for place, start in enumerate(starts)])
    store(archive, [Version("M2/01", "00:00", 7, "25:00"), Version("M2/01", "00:00", 8, "26:00:01", seq=2)])
    watch(archive, at("26:00"))
    for statement in (
        "insert into balance (ts, node_id, present, expected, closed, imbalance_wh, computed_at)"
        " select ts, node_id, present, expected, closed, imbalance_wh, now()"
        " from balance_as_of('infinity', '2026-03-01Z', '2026-03-04Z', '5 minutes', watermark())",
        "insert into gap select '2026-03-02T01:00Z', '2026-03-02T02:00Z', dctu_id, 4, false, '2026-03-02T01:20Z',"
        " '2026-03-02T03:00:01.5Z' from dctu_key",
        "insert into quarantine (received_at, rule, detail, digest, frame_digest, dctu)"
        " values ('2026-03-02T01:00Z', 'UNKNOWN', E'two\\nlines, \"so\"', '', '', '')",
        "insert into partial select '2026-03-02T01:00Z', 0, dctu_id, 0, 1, 1, 1 from dctu_key",
        "insert into node_now (node_id, now, hour, closed_intervals, hour_imbalance_naive_wh,"
        " hour_imbalance_persist_wh) select node_id, '2026-03-02T01:00Z', '2026-03-02T01:00Z', 0, 0, 0 from node",
        "insert into alarm_event (at, alarm_id, type, object_kind, object, event, state_before, state, annunciated,"
        " priority, unit, rules, actor, reason, command_id, detail) values ('2026-03-02T01:00Z', 1, 'TRIP', 'facility',"
        " 'F', 'raise', 'NORM', 'UNACK', true, 'high', 'W', 'abc', '', 'why', gen_random_uuid(), '{\"of\": 3}')",
        "insert into audit (at, actor, subject, address, action, target, outcome, detail) values ('2026-03-02T01:00Z',"
        " 'vera', '1', '127.0.0.1', 'login', '', 'done', '{}')",
        "insert into alarm (type, object_kind, object, state, life, condition, latched, priority, acked_by, escalated,"
        " rule_reason, order_reason, out_of_service, level, doubtful, unit, detail, changed_at) values ('TRIP', 'facility', 'F',"
        " 'UNACK', 'UNACK', true, true, 'high', '', false, '', '', '', 1, false, 'W', '{}', '2026-03-02T01:00Z')",
    ):
        archive.execute(statement)
    archive.commit()
