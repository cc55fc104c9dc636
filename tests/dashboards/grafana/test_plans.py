"""What a query of a day reads of an archive of months: the chunks of that day, by an index, and nothing else."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from connectors.reader_role import ROLE, allow_reader
from dashboards.grafana.build import dashboards
from infra.stack.stack import Addresses
from tests.connectors.filled import new_archive
from tests.dashboards.grafana import month
from tests.dashboards.grafana.asking import Asked, Range, Value, expanded, targets

pytestmark = pytest.mark.stack

# What a panel asks of all time: gaps that are open, by an index of these alone.
_OPEN_GAPS = "gap_open"
ASKED = [asked for dashboard in dashboards("en") for asked in targets(dashboard)]


@dataclass(frozen=True)
class Archive:
    """An archive, asked as Grafana asks, with what stands in the variables."""

    reader: psycopg.Connection
    chunks: Mapping[str, tuple[str, datetime, datetime]]
    values: Mapping[str, Value]
    day: Range
    whole: Range

    def plan(self, asked: Asked, of: Range, options: str = "") -> dict[str, Any]:
        """What the database would do, or with `analyze` has done."""
        query = f"explain (format json{options}) {expanded(asked, of, self.values)}"
        row = self.reader.execute(query.encode()).fetchone()
        assert row is not None
        document = row[0] if isinstance(row[0], list) else json.loads(row[0])
        return dict(document[0]["Plan"])


def made(stack: Addresses, folder: Any, plants: int, channels: int, days: int) -> Iterator[Archive]:
    with new_archive(stack.database) as archive:
        end = month.fill(archive, folder, plants, channels, days)
        assert allow_reader(archive) is None
        chunks = {
            name: (table, begin, until)
            for name, table, begin, until in archive.execute(
                "select chunk_name, hypertable_name, range_start, range_end from timescaledb_information.chunks"
            )
        }
        archive.rollback()
        with closing(psycopg.connect(make_conninfo(stack.database, user=ROLE, dbname=archive.info.dbname))) as reader:
            reader.autocommit = True
            # An operating day: 00:00 to 24:00 of UTC+5.
            begin = month.BEGIN + timedelta(days=days // 2, hours=-5)
            day, whole = Range(begin, begin + timedelta(days=1)), Range(month.BEGIN, end)
            values: dict[str, Value] = {
                "kind": ("generation", "consumption", "interchange"), "node_kind": "zone", "node": "Z1", "unit": "U1",
                "step": "15 minutes", "channel": ("M1-0/01",),
            }  # fmt: skip
            for asked in ASKED:
                name = asked.panel.removeprefix("$")
                if asked.format == "variable" and name not in values:
                    values[name] = tuple(v for _, v in reader.execute(expanded(asked, day, values).encode()))
            yield Archive(reader, chunks, values, day, whole)


@pytest.fixture(scope="module")
def small(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """A small fleet over ten weeks, so that every hypertable has chunks of other times."""
    yield from made(stack, tmp_path_factory.mktemp("small"), plants=2, channels=2, days=70)


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A plan's nodes, the inner ones too."""
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def test_the_archive_has_chunks_of_other_times(small: Archive) -> None:
    outside = {table for table, begin, end in small.chunks.values() if end <= small.day.begin or begin >= small.day.end}
    assert outside == {"reading", "partial", "balance", "gap", "alarm_event", "quarantine"}


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_a_day_reads_its_own_chunks_alone_and_never_all_of_one(small: Archive, asked: Asked) -> None:
    small.reader.execute("set enable_seqscan = off")
    for node in nodes(small.plan(asked, small.day)):
        if (name := str(node.get("Relation Name"))) in small.chunks:
            table, begin, end = small.chunks[name]
            assert node["Node Type"] != "Seq Scan", f"all of {table}"
            if not node.get("Index Name", "").endswith(_OPEN_GAPS):
                assert begin < small.day.end, f"a later chunk of {table}"
                assert end > small.day.begin, f"an earlier chunk of {table}"


@pytest.fixture(scope="module")
def fleet(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """2,000 channels and a month."""
    yield from made(stack, tmp_path_factory.mktemp("fleet"), plants=200, channels=10, days=30)


@pytest.mark.e2e
@pytest.mark.slow
def test_a_day_of_2000_channels_reads_a_days_share_of_the_month(
    fleet: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, slow = [], []
    for asked in ASKED:
        seconds, pages = {}, {}
        for name, of in (("day", fleet.day), ("month", fleet.whole)):
            begun = time.perf_counter()
            fleet.reader.execute(expanded(asked, of, fleet.values).encode()).fetchall()
            seconds[name] = time.perf_counter() - begun
            plan = fleet.plan(asked, of, ", analyze, buffers, timing off")
            pages[name] = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        lines.append(
            f"{seconds['day'] * 1e3:7.1f} ms {pages['day']:7} pages a day,"
            f" {seconds['month'] * 1e3:8.1f} ms {pages['month']:7} pages a month: {asked}"
        )
        # A day is a thirtieth; what does not depend on time at all, and a first look at each index, are the rest.
        if pages["day"] > pages["month"] / 8 + 1500:
            slow.append(lines[-1])
    with capsys.disabled():
        print("", *lines, sep="\n")  # noqa: T201
    assert slow == []
