"""Tests of infra.demo.report."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infra.demo.report import report
from infra.stack.stack import Addresses
from schemas.time import operating_day
from tests.connectors.filled import Version, at, new_archive, register, store

pytestmark = pytest.mark.stack

DAY = operating_day(at("00:00"))


@pytest.fixture
def archive(stack: Addresses, tmp_path: Path) -> Iterator[psycopg.Connection]:
    with new_archive(stack.database) as connection:
        register(connection, tmp_path)
        yield connection


def test_an_empty_archive_counts_nothing(archive: psycopg.Connection) -> None:
    figures = report(archive, 2.0, DAY)
    assert figures.pop("alarms") == {"annunciated": 0, "by_type": {}, "by_priority": {}, "suppressed": 0}
    assert figures.pop("quarantined") == {}
    assert figures.pop("seconds") == 2.0
    assert set(figures.values()) == {0}


def test_everything_is_counted_from_the_database(archive: psycopg.Connection) -> None:
    store(archive, [Version("M1/01", "00:00", 1, "01:00"), Version("M1/01", "00:00", 2, "02:00", seq=2)])
    store(archive, [Version("M1/02", start, 5, "01:00") for start in ("00:00", "00:15")])
    for agent, outcome, n in (("collect", "frames", 7), ("collect", "duplicate", 4), ("balance", "changes", 99)):
        archive.execute("insert into tally values (%s, 'topic', 0, %s, %s)", [agent, outcome, n])
    archive.execute("insert into tally values ('collect', 'topic', 1, 'frames', 3)")
    for first, healed in (("00:00", at("01:00")), ("02:00", None)):
        archive.execute(
            "insert into gap select %s, %s, dctu_id, 1, false, %s, %s from dctu_key where dctu = 'DF'",
            [at(first), at("03:00"), at(first), healed],
        )
    for rule in ("GRID", "UNKNOWN", "UNKNOWN"):
        archive.execute(
            "insert into quarantine (received_at, rule, detail, digest, frame_digest) values (now(), %s, '', '', '')",
            [rule],
        )
    for hour, kind, priority, event, called in (
        ("05:00", "TRIP", "high", "raise", True), ("06:00", "DEV_GEN", "low", "raise", True),
        ("07:00", "DEV_GEN", "low", "raise", True), ("07:00", "GAP_DCTU", "medium", "suppress", False),
        ("07:00", "GAP_DCTU", "medium", "raise", False), ("23:00", "TRIP", "high", "raise", True),
    ):  # fmt: skip
        archive.execute(
            "insert into alarm_event (at, type, object_kind, object, event, state_before, state, annunciated, priority,"
            " unit, rules, actor, reason, detail) values (%s, %s, '', '', %s, '', '', %s, %s, 'W', '', '', '', '{}')",
            [at(hour), kind, event, called, priority],
        )
    assert report(archive, 0.5, DAY) == {
        "frames": 10,
        "readings": 3,
        "quarantined": {"GRID": 1, "UNKNOWN": 2},
        "duplicates": 4,
        "corrections": 1,
        "gaps_opened": 2,
        "gaps_healed": 1,
        # The operating day ends at 19:00 UTC.
        "alarms": {
            "annunciated": 3,
            "by_type": {"TRIP": 1, "DEV_GEN": 2},
            "by_priority": {"high": 1, "low": 2},
            "suppressed": 1,
        },
        "seconds": 0.5,
        "readings_per_s": 16,
    }
