import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from redis import Redis

from infra.stack import stack as local
from infra.stack import state
from infra.stack.error import StackError
from infra.stack.postgres import SETTINGS
from infra.stack.stack import Addresses
from infra.stack.state import NAMES, NEEDED

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def pids(home: Path) -> dict[str, int | None]:
    return {name: state.read(home).part(name).process.pid() for name in NAMES}


def make_topic(address: str, name: str) -> None:
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        admin.create_topics([NewTopic(name=name, num_partitions=1, replication_factor=1)])


def topics(address: str) -> set[str]:
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        return set(admin.list_topics())


def rows(address: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(address) as connection:
        return connection.execute(query).fetchall()


def test_every_server_runs(own_home: Path, own_stack: Addresses) -> None:
    parts = local.status(own_home, Addresses())
    assert [part.name for part in parts] == list(NAMES)
    needed = [part for part in parts if not part.optional]
    assert {part.state for part in needed} == {"runs"}
    assert all(part.version for part in needed)
    assert Addresses(**{part.name: part.address for part in parts}) == own_stack


def test_who_is_up_is_remembered(own_home: Path, own_stack: Addresses) -> None:
    assert local.running(own_home) == own_stack


def test_it_stands_beside_another_stack(stack: Addresses, own_stack: Addresses) -> None:
    assert not {stack.kafka, stack.database, stack.redis} & {own_stack.kafka, own_stack.database, own_stack.redis}


def test_a_second_up_leaves_the_servers_alone(own_home: Path, own_stack: Addresses, say: local.Say) -> None:
    before = pids(own_home)
    assert local.up(own_home, Addresses(), say) == own_stack
    assert pids(own_home) == before


def test_two_ups_at_once_end_in_one_stack(own_home: Path, own_stack: Addresses, say: local.Say) -> None:
    local.down(own_home, say)
    code = (
        "import sys; from pathlib import Path; from infra.stack import stack; "
        "print(stack.up(Path(sys.argv[1]), stack.Addresses(), lambda line: None))"
    )
    argv = [sys.executable, "-W", "ignore", "-c", code, str(own_home)]
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(subprocess.run, argv, capture_output=True, text=True) for _ in range(2)]
    ends = [run.result() for run in runs]
    assert [end.returncode for end in ends] == [0, 0], ends
    assert {end.stdout.strip() for end in ends} == {str(own_stack)}
    assert {part.state for part in local.status(own_home, Addresses()) if not part.optional} == {"runs"}


def test_the_database_has_the_settings_and_the_extension(own_stack: Addresses) -> None:
    for name, value in SETTINGS.items():
        assert rows(own_stack.database, f"show {name}") == [(value,)]
    assert rows(own_stack.database, "select count(*) from pg_extension where extname = 'timescaledb'") == [(1,)]


def test_the_database_survives_a_power_cut(own_home: Path, own_stack: Addresses, say: local.Say) -> None:
    with psycopg.connect(own_stack.database) as connection:
        connection.execute("create table if not exists kept (at timestamptz primary key)")
        connection.execute("select create_hypertable('kept', by_range('at'), if_not_exists => true)")
        connection.execute("insert into kept values (now())")
    before = rows(own_stack.database, "select count(*) from kept")
    local.kill(own_home, "database")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(own_stack.database)
    local.start(own_home, "database", say)
    assert rows(own_stack.database, "select count(*) from kept") == before


@pytest.mark.usefixtures("real_broker")
@pytest.mark.parametrize("outage", [local.stop, local.kill])
def test_the_broker_comes_back_with_its_topics(
    outage: Callable[[Path, str], None], own_home: Path, own_stack: Addresses, say: local.Say
) -> None:
    make_topic(own_stack.kafka, f"kept_{outage.__name__}")
    outage(own_home, "kafka")
    local.start(own_home, "kafka", say)
    assert f"kept_{outage.__name__}" in topics(own_stack.kafka)


def test_a_broker_that_lost_its_log_is_empty(own_home: Path, own_stack: Addresses, say: local.Say) -> None:
    make_topic(own_stack.kafka, "lost")
    local.lose_log(own_home, say)
    assert topics(own_stack.kafka) == set()


def test_the_stopped_server_is_named(own_home: Path, own_stack: Addresses, say: local.Say) -> None:
    local.stop(own_home, "redis")
    states = {part.name: part.state for part in local.status(own_home, Addresses()) if not part.optional}
    assert states == {name: "stopped" if name == "redis" else "runs" for name in NEEDED}
    local.restart(own_home, "redis", say)
    with Redis.from_url(own_stack.redis) as client:
        assert client.ping()


def test_down_leaves_nothing_behind_but_data(own_home: Path, own_stack: Addresses, say: local.Say) -> None:
    with psycopg.connect(own_stack.database, autocommit=True) as connection:
        connection.execute("create table if not exists still_there ()")
    local.down(own_home, say)
    assert local.running(own_home) is None
    assert set(pids(own_home).values()) == {None}
    assert str(own_home) not in Path("/proc/mounts").read_text()
    assert local.up(own_home, Addresses(), say) == own_stack
    assert rows(own_stack.database, "select * from still_there") == []


def test_a_wipe_leaves_the_programs_only(own_home: Path, own_stack: Addresses, say: local.Say) -> None:
    local.wipe(own_home, say)
    assert {"root", "kafka"} <= {entry.name for entry in own_home.iterdir()}
    assert not (own_home / "data").exists()
    assert local.running(own_home) is None


def test_nothing_can_be_stopped_in_a_stack_that_is_not_up(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="tengerim up"):
        local.stop(tmp_path, "kafka")
