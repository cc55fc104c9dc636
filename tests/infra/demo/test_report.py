"""Tests of infra.demo.report."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infra.demo.report import report
from infra.stack.stack import Addresses
from tests.connectors.filled import Version, at, new_archive, register, store

pytestmark = pytest.mark.stack


@pytest.fixture
def archive(stack: Addresses, tmp_path: Path) -> Iterator[psycopg.Connection]:
    with new_archive(stack.database) as connection:
        register(connection, tmp_path)
        yield connection


def test_an_empty_archive_counts_nothing(archive: psycopg.Connection) -> None:
    figures = report(archive, 2.0)
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
    assert report(archive, 0.5) == {
        "frames": 10,
        "readings": 3,
        "quarantined": {"GRID": 1, "UNKNOWN": 2},
        "duplicates": 4,
        "corrections": 1,
        "gaps_opened": 2,
        "gaps_healed": 1,
        "seconds": 0.5,
        "readings_per_s": 16,
    }
