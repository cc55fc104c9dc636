"""How long a worker needs for what waits, and what it costs."""

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg

from connectors.database import space_url
from connectors.drain import look
from schemas.settings import Settings
from tests.bench import cpu
from tests.bench.worker import Worker, WorkerError

LOOK_S = 0.05
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Drained:
    """Seconds from the assignment of the partitions until collect, and until the others too, have committed their last."""

    start_s: float
    collect_s: float
    all_s: float
    cpu_s: dict[str, float]
    busy_cores: float
    step_share: dict[str, float]
    memory_mb: dict[str, float]
    collect_mb_at: dict[str, float]  # when so many of the messages were processed
    matrix_bytes: float


def drain(settings: Settings, worker: Worker, connection: psycopg.Connection, messages: int) -> Drained:
    """Wait until all agents of a worker that was just started have processed `messages` to the end."""
    servers = _servers(settings)
    begun = time.monotonic()
    while _offsets(connection) is None:
        _pause(worker)
    assigned, busy, before = time.monotonic(), cpu.busy_seconds(), _cpu(servers, worker)
    collect_mb_at: dict[str, float] = {}
    while (done := _offsets(connection) or 0) < messages:
        collect_mb_at.setdefault(f"{10 * done // messages}0 %", worker.memory_mb()["collect"])
        _pause(worker)
    collected = time.monotonic()
    url = space_url(settings.database, settings.space)
    while left := look(settings.kafka, url, settings.space).left:
        _pause(worker)
        if time.monotonic() > collected + PATIENCE_S:
            raise WorkerError(f"{left} messages are left {PATIENCE_S:g} s after collect was done")
    ended = time.monotonic()
    after = _cpu(servers, worker)
    metrics = worker.metrics("collect")
    return Drained(
        assigned - begun,
        collected - assigned,
        ended - assigned,
        {name: after[name] - before[name] for name in after},
        (cpu.busy_seconds() - busy) / (ended - assigned),
        _steps(metrics, collected - assigned),
        worker.memory_mb(),
        collect_mb_at,
        metrics['tengerim_matrix_bytes{agent="collect"}'],
    )


def _steps(metrics: dict[str, float], seconds: float) -> dict[str, float]:
    """The share of its time that collect spends with each step of a batch."""
    begins, ends = 'tengerim_batch_seconds_sum{agent="collect",step="', '"}'
    steps = {
        name.removeprefix(begins).removesuffix(ends): value / seconds
        for name, value in metrics.items()
        if name.startswith(begins)
    }
    return steps | {"waiting for messages": max(1 - sum(steps.values()), 0)}


def _offsets(connection: psycopg.Connection) -> int | None:
    """How many messages of `frames` have been processed; None while no partition is assigned."""
    row = connection.execute("select sum(next_off)::bigint from ingest_offset where agent = 'collect'").fetchone()
    return row[0] if row else None


def _pause(worker: Worker) -> None:
    worker.check()
    time.sleep(LOOK_S)


def _servers(settings: Settings) -> dict[str, int]:
    ports = {
        "postgres": urlsplit(settings.database).port or 5432,
        "kafka": int(settings.kafka.split(",")[0].rpartition(":")[2]),
        "redis": urlsplit(settings.redis).port or 6379,
    }
    return {name: process for name, port in ports.items() if (process := cpu.listener(port)) is not None}


def _cpu(servers: dict[str, int], worker: Worker) -> dict[str, float]:
    return worker.cpu_seconds() | {name: cpu.seconds(process) for name, process in servers.items()}
