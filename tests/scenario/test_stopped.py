"""Stopped and started again, whatever it was: the tables end as if nothing had happened."""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaAdminClient

from connectors.database import connect
from connectors.registry import import_registry
from infra.demo.feed import Sending
from infra.demo.replay import send
from infra.stack import stack as local
from infra.stack.stack import Addresses
from schemas.settings import Settings
from tests.scenario.comparison import SHOWN, VIEWS, differences
from tests.scenario.morning import BEGIN, morning, write_master_data
from tests.scenario.oracle import consult
from tests.scenario.pipeline import START_S, Worker, made, settings_of

pytestmark = [pytest.mark.stack, pytest.mark.slow]

PARTITIONS = 4
# Everything but the numbers that the database gives, and the moment by the wall clock.
VIEWS_AND_COLUMNS = {
    **dict.fromkeys(VIEWS, "*"),
    "quarantine": "received_at, rule, detail, dctu, channel, start, wh, status, sent_at, seq",
    "schedule": "*",
    "node_now": "*",
}


@pytest.fixture(scope="module")
def feed() -> list[Sending]:
    return morning()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the undisturbed run was sent."""
    return tmp_path_factory.mktemp("morning")


@pytest.fixture(scope="module")
def undisturbed(home: Path, stack: Addresses, kept: Path, feed: list[Sending]) -> Iterator[psycopg.Connection]:
    """The archive of a run of which nothing was stopped."""
    settings = settings_of(home, stack, f"t{secrets.token_hex(6)}", PARTITIONS)
    with made(settings) as url, closing(connect(url)) as connection:
        with Worker(settings, kept / "worker.log") as worker:
            _register(connection, settings, kept)
            send(settings, connection, feed, keep=kept)
            worker.drain()
        yield connection


@pytest.fixture
def settings(home: Path, stack: Addresses, space: str) -> Settings:
    return settings_of(home, stack, space, PARTITIONS)


@pytest.mark.parametrize("view", VIEWS)
def test_undisturbed_it_ends_in_what_the_oracle_says(
    undisturbed: psycopg.Connection, kept: Path, tmp_path: Path, view: str
) -> None:
    oracle = consult(kept, BEGIN)
    assert oracle.execute(f"select count(*) > 0 from {view}").fetchone() == (True,)
    assert differences(oracle, undisturbed, view, tmp_path) == []


@pytest.mark.e2e
def test_a_worker_that_was_away_finds_no_gap_in_what_waited(
    settings: Settings, undisturbed: psycopg.Connection, feed: list[Sending], tmp_path: Path
) -> None:
    worker = Worker(settings, tmp_path / "worker.log")
    before, meanwhile, after = _cut(feed, 3)
    with made(settings) as url, closing(connect(url)) as connection:
        _register(connection, settings, tmp_path)
        with worker:
            send(settings, connection, before)
            worker.drain()
        send(settings, connection, meanwhile)
        with worker:
            send(settings, connection, after)
            worker.drain()
        assert _differences(connection, undisturbed) == []


@pytest.mark.e2e
def test_everything_stopped_in_mid_day_and_started_again(
    own_home: Path, space: str, undisturbed: psycopg.Connection, feed: list[Sending], tmp_path: Path, say: local.Say
) -> None:
    first, rest = _cut(feed, 2)
    settings = settings_of(own_home, local.up(own_home, Addresses(), say), space, PARTITIONS)
    with made(settings) as url, Worker(settings, tmp_path / "worker.log") as worker:
        with closing(connect(url)) as connection:
            _register(connection, settings, tmp_path)
            send(settings, connection, first)
            # In the middle of the work, not after it.
            _wait(lambda: _count(connection, "reading") > 0, "the first readings")
        worker.stop()
        local.down(own_home, say)
        assert settings_of(own_home, local.up(own_home, Addresses(), say), space, PARTITIONS) == settings
        worker.start()
        with closing(connect(url)) as connection:
            send(settings, connection, rest)
            worker.drain()
            assert _differences(connection, undisturbed) == []


@pytest.mark.e2e
def test_two_workers_share_the_partitions(
    settings: Settings, undisturbed: psycopg.Connection, feed: list[Sending], tmp_path: Path
) -> None:
    first, rest = _cut(feed, 2)
    one, other = Worker(settings, tmp_path / "one.log"), Worker(settings, tmp_path / "other.log")
    with made(settings) as url, closing(connect(url)) as connection, one:
        _register(connection, settings, tmp_path)
        with other:
            _wait(lambda: _shares(settings) == [2, 2], "both workers to have half of the partitions")
            send(settings, connection, first)
            one.drain()
        send(settings, connection, rest)
        one.drain()
        assert _shares(settings) == [4]
        assert _differences(connection, undisturbed) == []


def _register(connection: psycopg.Connection, settings: Settings, folder: Path) -> None:
    write_master_data(folder / "registry")
    import_registry(connection, folder / "registry", BEGIN, settings.space)


def _cut(feed: list[Sending], parts: int) -> list[list[Sending]]:
    size = -(-len(feed) // parts)
    return [feed[first : first + size] for first in range(0, len(feed), size)]


def _differences(disturbed: psycopg.Connection, undisturbed: psycopg.Connection) -> list[str]:
    """The first rows of each view that only one of two archives has."""
    found = []
    for view, columns in VIEWS_AND_COLUMNS.items():
        one, other = _lines(disturbed, view, columns), _lines(undisturbed, view, columns)
        only, missing = sorted((one - other).elements()), sorted((other - one).elements())
        found += [f"{view}: too much ({len(only)}): {line}" for line in only[:SHOWN]]
        found += [f"{view}: missing ({len(missing)}): {line}" for line in missing[:SHOWN]]
    return found


def _lines(connection: psycopg.Connection, view: str, columns: str) -> Counter[str]:
    connection.rollback()
    with connection.cursor() as cursor, cursor.copy(f"copy (select {columns} from v_{view}) to stdout") as copy:
        return Counter(b"".join(copy).decode().splitlines())


def _count(connection: psycopg.Connection, table: str) -> int:
    connection.rollback()
    row = connection.execute(f"select count(*) from {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def _shares(settings: Settings) -> list[int]:
    """How many partitions of the frames each worker has."""
    group = f"{settings.space}.collect"
    with KafkaAdminClient(bootstrap_servers=settings.kafka) as admin:
        members = admin.describe_groups([group])[group]["members"]
    assigned = [member["member_assignment"]["assigned_partitions"] for member in members if member["member_assignment"]]
    return sorted(sum(len(topic["partitions"]) for topic in topics) for topics in assigned)


def _wait(until: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + START_S
    while not until():
        assert time.monotonic() < deadline, f"waited {START_S:g} s in vain for {what}"
        time.sleep(0.3)
