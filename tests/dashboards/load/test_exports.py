"""A year of one channel as a file: streamed in flat memory, not much slower than COPY alone."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from connectors.database import connect, space_url
from infra.stack.stack import Addresses
from schemas.settings import Settings
from tests.bench import cpu
from tests.connectors.filled import register
from tests.dashboards.serving import Server
from tests.scenario.pipeline import made, settings_of

pytestmark = [pytest.mark.stack, pytest.mark.slow]
ROWS, RUNS = 35_040, 5
PERIOD = "2025-01-01T00:00Z/2026-01-01T00:00Z"
COPY = (
    "copy (select * from v_reading where emc = 'M1' and code = '01' and ts >= '2025-01-01Z' and ts < '2026-01-01Z'"
    " order by ts) to stdout (format csv)"
)
FILL = (
    "insert into reading select ts, 1000 + extract(epoch from ts)::bigint % 777, ts, 1, ts + interval '16 minutes',"
    " channel_id, 4, 0, 0 from channel_key, generate_series('2025-01-01Z'::timestamptz, '2025-12-31T23:45Z',"
    " '15 minutes') ts where emc = 'M1' and code = '01'"
)
MB = 30


@pytest.fixture(scope="module")
def year(stack: Addresses, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A space with a year of one channel."""
    settings = settings_of(home, stack, f"t{time.time_ns():x}", 1)
    with made(settings) as url, connect(url) as archive:
        register(archive, tmp_path_factory.mktemp("year"))
        archive.execute(FILL)
        archive.commit()
        archive.execute("analyze reading")
        archive.commit()
        yield settings


@pytest.fixture(scope="module")
def server(year: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(year, tmp_path_factory.mktemp("server") / "serve.log") as made_server:
        yield made_server


def exported(server: Server, form: str) -> tuple[float, int]:
    """The seconds that it took, and the bytes of it."""
    begun, size = time.perf_counter(), 0
    asked = {"emc": "M1", "code": "01", "period": PERIOD, "format": form}
    plain = {"Accept-Encoding": "identity"}
    with httpx.stream("GET", f"{server.address}/api/v1/readings", params=asked, headers=plain, timeout=120) as answer:
        assert answer.status_code == 200
        for piece in answer.iter_raw():
            size += len(piece)
    return time.perf_counter() - begun, size


def copied(connection: psycopg.Connection) -> float:
    begun, rows = time.perf_counter(), 0
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for _ in copy:
            rows += 1
    assert rows == ROWS
    return time.perf_counter() - begun


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_year_takes_at_most_three_times_what_copy_takes(year: Settings, server: Server, form: str) -> None:
    with connect(space_url(year.database, year.space)) as connection:
        # Each beside its like: what else the machine does, it does to both.
        ratios = [exported(server, form)[0] / copied(connection) for _ in range(RUNS)]
    assert statistics.median(ratios) <= 3


def test_it_is_whole(server: Server) -> None:
    asked = {"emc": "M1", "code": "01", "period": PERIOD, "format": "csv"}
    lines = httpx.get(f"{server.address}/api/v1/readings", params=asked, timeout=120).text.splitlines()
    assert (len(lines), lines[1][:26], lines[-1][:26]) == (
        ROWS + 1, "M1,01,2025-01-01T00:00:00Z", "M1,01,2025-12-31T23:45:00Z",
    )  # fmt: skip


def test_memory_stays_what_it_is(server: Server) -> None:
    for form in ("csv", "parquet"):
        exported(server, form)
    before = cpu.memory_mb(server.pid)
    for _ in range(10):
        for form in ("csv", "parquet"):
            exported(server, form)
    assert cpu.memory_mb(server.pid) <= before + MB
