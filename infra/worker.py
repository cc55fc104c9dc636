"""The worker: one process an agent, started again when it dies, stopped within ten seconds.

The clock runs here, too. A death is noted in the database: after two at one place the agent takes messages singly,
so that the one that ends it can be told from the others.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg
import structlog
from prometheus_client import Counter, start_http_server

from connectors import offsets
from connectors.clock import run_clock
from connectors.database import DatabaseError, connect, space_url
from connectors.kafka import KafkaError
from connectors.producer import Producer
from schemas.settings import Settings

log = structlog.get_logger()

AGENTS = ("collect", "balance", "alarm")
STOP_S = 8.0
LOOK_S = 0.5
# Seconds until an agent that died is started again: longer each time it dies at once.
RESTART_S = (0.2, 1.0, 3.0, 10.0)
LONG_ALIVE_S = 30.0

RESTARTS = Counter("tengerim_worker_restarts", "Agents that died and were started again.", ["agent"])


def environment(settings: Settings, metrics_port: int) -> dict[str, str]:
    """The environment of an agent: every setting by name, addresses filled."""
    values = settings.model_dump(mode="json") | {"metrics_port": metrics_port}
    ours = {f"TENGERIM_{name.upper()}": str(value) for name, value in values.items()}
    return {**os.environ, **ours, "TENGERIM_DIES_WITH": str(os.getpid())}


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Worker:
    """Runs agents of one space until it is told to stop."""

    def __init__(self, settings: Settings, agents: Sequence[str] = AGENTS) -> None:
        """`settings` has every address."""
        self._settings = settings
        self._agents = agents
        self._stop = asyncio.Event()
        for agent in agents:
            RESTARTS.labels(agent)
        self._targets = settings.home / "targets" / f"{settings.space}-{socket.gethostname()}-{os.getpid()}.json"

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        ports = {agent: free_port() for agent in ("worker", *self._agents)}
        start_http_server(ports["worker"], "127.0.0.1")
        _write_targets(self._targets, self._settings.space, ports)
        work = [self._keep(agent, ports[agent]) for agent in self._agents]
        if self._settings.clock == "wall":
            work.append(self._clock())
        try:
            await asyncio.gather(*work, self._tell_ready(ports))
        finally:
            self._targets.unlink(missing_ok=True)
        log.info("stopped")

    async def _tell_ready(self, ports: Mapping[str, int]) -> None:
        """Say once that every agent has its partitions."""
        owned: dict[str, int] = {}
        while not self._stop.is_set():
            for agent in self._agents:
                partitions = await asyncio.to_thread(_partitions, agent, ports[agent])
                if partitions is not None:
                    owned[agent] = partitions
            if len(owned) == len(self._agents):
                log.info("ready; Ctrl-C stops it", space=self._settings.space, partitions=owned)
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), LOOK_S)

    async def _keep(self, agent: str, metrics_port: int) -> None:
        """Run an agent, again and again."""
        deaths = 0
        while not self._stop.is_set():
            began = time.monotonic()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "streams.run", agent, env=environment(self._settings, metrics_port)
            )
            await self._until_gone(process)
            if self._stop.is_set():
                return
            deaths = 1 if time.monotonic() - began > LONG_ALIVE_S else deaths + 1
            pause = RESTART_S[min(deaths, len(RESTART_S)) - 1]
            log.warning("an agent died and is started again", agent=agent, status=process.returncode, in_s=pause)
            RESTARTS.labels(agent).inc()
            await asyncio.to_thread(self._note_death, agent)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    async def _until_gone(self, process: asyncio.subprocess.Process) -> None:
        """Wait for a process to end; end it when the worker is told to stop."""
        gone, stop = asyncio.ensure_future(process.wait()), asyncio.ensure_future(self._stop.wait())
        await asyncio.wait((gone, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if gone.done():
            return
        process.terminate()
        try:
            await asyncio.wait_for(gone, STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    def _note_death(self, agent: str) -> None:
        try:
            with connect(space_url(self._settings.database, self._settings.space)) as connection:
                offsets.note_death(connection, agent)
        except (DatabaseError, psycopg.Error) as error:
            log.warning("a death could not be noted", agent=agent, error=str(error).strip())

    async def _clock(self) -> None:
        """Write the wall clock's ticks; a broker that is away at the start is waited for."""
        while not self._stop.is_set():
            try:
                producer = await asyncio.to_thread(Producer, self._settings.kafka, self._settings.space)
            except KafkaError as error:
                log.warning("the clock waits for Kafka", error=str(error))
                await asyncio.sleep(2.0)
                continue
            try:
                await run_clock(producer, self._settings.tick_s, self._stop)
            finally:
                # Not by `with`, which would wait for a broker that is away: a tick that is lost is no loss.
                producer.close()


def _partitions(agent: str, metrics_port: int) -> int | None:
    """How many partitions an agent owns, by its metrics; None before it has been given any, be it none."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics", timeout=2.0) as answer:
            lines: list[str] = answer.read().decode().splitlines()
    except OSError:
        return None
    name = f'tengerim_partitions{{agent="{agent}"}} '
    return next((int(float(line.removeprefix(name))) for line in lines if line.startswith(name)), None)


def _write_targets(path: Path, space: str, ports: dict[str, int]) -> None:
    """Tell the stack's Prometheus where the metrics are, and no longer those of workers that were killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # In containers that share the folder every worker is process 1.
    for other in path.parent.glob(f"*-{socket.gethostname()}-*.json"):
        if not Path(f"/proc/{other.stem.rpartition('-')[2]}").exists():
            other.unlink(missing_ok=True)
    groups = [
        {"targets": [f"127.0.0.1:{port}"], "labels": {"job": "tengerim", "space": space, "process": name}}
        for name, port in ports.items()
    ]
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(groups), encoding="utf-8")
    fresh.replace(path)
