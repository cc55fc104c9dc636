"""The server, Redis and the database's connections go away and come back: nobody who listens misses anything."""

import json
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from redis import Redis

from connectors.database import connect, space_url
from connectors.live import changes_stream, state_key
from schemas.settings import Settings
from tests.dashboards.serving import Server

pytestmark = [pytest.mark.stack, pytest.mark.slow]
API = "/api/v1"
PATIENCE_S = 60.0


class Listener:
    """A client as browsers are: it comes back, says what it had last, and reads all anew where it is told to."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.known: set[str] = set()
        self.connected = threading.Event()
        self.connections = self.resets = 0

    def __enter__(self) -> "Listener":
        self._thread.start()
        assert self.connected.wait(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S)

    def wait_for(self, unit: str) -> None:
        until = time.monotonic() + PATIENCE_S
        while unit not in self.known:
            assert time.monotonic() < until, (unit, self.known)
            time.sleep(0.05)

    def _run(self) -> None:
        last: str | None = None
        while not self._stop.is_set():
            with suppress(httpx.HTTPError):
                headers = {} if last is None else {"Last-Event-ID": last}
                with httpx.stream("GET", f"{self._address}{API}/changes", headers=headers, timeout=8) as answer:
                    answer.raise_for_status()
                    self.connections += 1
                    if last is None:
                        self._read_anew()
                    event = ""
                    for line in answer.iter_lines():
                        name, _, value = line.partition(": ")
                        event = value if name == "event" else event
                        last = value if name == "id" else last
                        if name == "data" and event == "changes":
                            self.known.update(json.loads(value)["changed"].get("unit", []))
                        if name == "data" and event == "reset":
                            self.resets += 1
                            self._read_anew()
                        self.connected.set()
                        if self._stop.is_set():
                            return
            time.sleep(0.2)

    def _read_anew(self) -> None:
        nodes = httpx.get(f"{self._address}{API}/now?kind=unit", timeout=10).raise_for_status().json()["nodes"]
        self.known.update(nodes["unit"])


class Publisher:
    """Tells of one unit after another, as a worker does."""

    def __init__(self, settings: Settings) -> None:
        self._redis = Redis.from_url(settings.redis, decode_responses=True)
        self._space = settings.space
        self._told = 0

    def tell(self) -> str:
        """One more; its code."""
        self._told += 1
        unit, now = f"U{self._told}", "2026-03-02T12:05:00+00:00"
        change = {"now": now, "changed": {"unit": [unit]}, "whole": False}
        with self._redis.pipeline() as pipe:
            pipe.hset(state_key(self._space, "unit"), unit, json.dumps({"now": now, "n": self._told}))
            pipe.xadd(changes_stream(self._space), {"change": json.dumps(change)})
            pipe.execute()
        return unit

    def cut(self, server: Server) -> None:
        """Let Redis end every connection of a server, as a restart does; it keeps what it holds."""
        ours = {f"127.0.0.1:{port}" for port in ports_of(server.pid)}
        cut = [self._redis.client_kill(one["addr"]) for one in self._redis.client_list() if one["addr"] in ours]
        assert cut

    def lose_everything(self) -> None:
        """As a Redis that keeps nothing on disk."""
        self._redis.delete(changes_stream(self._space), state_key(self._space, "unit"))


def ports_of(process: int) -> set[int]:
    """The local ports of a process's TCP connections."""
    sockets = set()
    for link in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            sockets.add(str(link.readlink()))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if f"socket:[{row[9]}]" in sockets}


@pytest.fixture(scope="module")
def server(served: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(served, tmp_path_factory.mktemp("serve") / f"{secrets.token_hex(3)}.log") as made:
        yield made


@pytest.fixture(scope="module")
def publisher(served: Settings) -> Publisher:
    return Publisher(served)


def test_who_listens_misses_nothing_when_the_server_is_killed(server: Server, publisher: Publisher) -> None:
    with Listener(server.address) as listener:
        listener.wait_for(publisher.tell())
        server.stop(signal.SIGKILL)
        meanwhile = publisher.tell()
        server.start()
        listener.wait_for(meanwhile)
        listener.wait_for(publisher.tell())
    assert listener.connections >= 2


def test_who_listens_misses_nothing_when_redis_cuts_everybody(server: Server, publisher: Publisher) -> None:
    with Listener(server.address) as listener:
        for _ in range(2):
            listener.wait_for(publisher.tell())
            publisher.cut(server)
        listener.wait_for(publisher.tell())


def test_who_was_away_while_redis_lost_all_and_the_server_was_killed_reads_all_anew(
    server: Server, publisher: Publisher
) -> None:
    with Listener(server.address) as listener:
        listener.wait_for(publisher.tell())
        server.stop(signal.SIGKILL)
        publisher.lose_everything()
        lost = publisher.tell()
        server.start()
        listener.wait_for(lost)
    assert listener.resets >= 1


def test_answers_go_on_after_the_database_has_cut_every_connection(served: Settings, server: Server) -> None:
    day = f"{server.address}{API}/nodes/facility/F/balances?period=2026-03-02"
    whole = httpx.get(day, timeout=20).json()
    assert whole["data"]
    with connect(space_url(served.database, served.space)) as connection:
        cut = connection.execute(
            "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
        ).fetchone()
    assert cut is not None
    assert cut[0] >= 2
    assert httpx.get(day, timeout=20).json() == whole
    assert httpx.get(f"{server.address}{API}/readings?period=2026-03-02", timeout=20).status_code == 200
    until = time.monotonic() + PATIENCE_S
    while httpx.get(f"{server.address}{API}/ready", timeout=20).status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.2)
