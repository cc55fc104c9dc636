"""A quarter-hour burst: every DCTU sends within a second. How long from a frame's arrival to its balance rows."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from kafka import KafkaProducer

from connectors.database import connect, space_url
from connectors.kafka import servers
from connectors.producer import Producer, encode_frame
from schemas.partitioning import partition_of
from schemas.settings import Settings
from schemas.time import INTERVAL, slot_start
from schemas.topics import topics_of
from tests.bench.grid import Grid, dctu_code
from tests.bench.worker import Worker, WorkerError

SPREAD_S = 1.0
STEPS = 20
LOOK_S = 0.02
PATIENCE_S = 120.0


@dataclass(slots=True)
class _Arrived:
    """When Kafka acknowledged the frame of each DCTU, and when all balance rows of its units were seen."""

    acknowledged: dict[str, float] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)


def measure(settings: Settings, grid: Grid, worker: Worker, slots: range) -> list[float]:
    """The delay of every frame of a burst at each of these slots, seconds. The worker has nothing else to do."""
    topic = topics_of(settings.space).frames
    producer = KafkaProducer(bootstrap_servers=servers(settings.kafka), acks="all", linger_ms=2, metrics_enabled=False)
    try:
        with connect(space_url(settings.database, settings.space)) as connection:
            connection.autocommit = True
            units = _units(connection)
            delays: list[float] = []
            for slot in slots:
                arrived = _Arrived()
                watcher = threading.Thread(target=_watch, args=(connection, slot_start(slot), units, arrived))
                with Producer(settings.kafka, settings.space) as ticks:
                    ticks.send_tick(slot_start(slot) + INTERVAL)
                time.sleep(SPREAD_S)
                watcher.start()
                _send(producer, topic, settings.partitions, grid, slot, arrived)
                watcher.join()
                worker.check()
                if missing := units.keys() - arrived.seen.keys():
                    raise WorkerError(f"{len(missing)} DCTUs of a burst had no balances within {PATIENCE_S:g} s")
                delays += [arrived.seen[dctu] - at for dctu, at in arrived.acknowledged.items()]
            return delays
    finally:
        producer.close()


def _send(producer: KafkaProducer, topic: str, partitions: int, grid: Grid, slot: int, arrived: _Arrived) -> None:
    frames = [(dctu_code(dctu), encode_frame(grid.frame(dctu, slot))) for dctu in range(grid.dctus)]
    begun = time.monotonic()
    for step in range(STEPS):
        for dctu, frame in frames[step::STEPS]:
            future = producer.send(topic, frame, key=dctu.encode(), partition=partition_of(dctu, partitions))
            future.add_callback(lambda _, dctu=dctu: arrived.acknowledged.setdefault(dctu, time.monotonic()))
        time.sleep(max(begun + (step + 1) * SPREAD_S / STEPS - time.monotonic(), 0))
    producer.flush()


def _units(connection: psycopg.Connection) -> Mapping[str, Mapping[int, int]]:
    """The units that each DCTU measures, with the number of their channels."""
    units: dict[str, dict[int, int]] = {}
    for dctu, unit_id, channels in connection.execute(
        "select dctu, unit_id, count(*) from assignment join dctu_key using (dctu_id) where unit_id <> 0 group by 1, 2"
    ):
        units.setdefault(dctu, {})[unit_id] = channels
    return units


def _watch(
    connection: psycopg.Connection, start: datetime, units: Mapping[str, Mapping[int, int]], arrived: _Arrived
) -> None:
    until = time.monotonic() + PATIENCE_S
    while len(arrived.seen) < len(units) and time.monotonic() < until:
        rows = connection.execute("select node_id, present from balance where ts = %s", [start]).fetchall()
        now = time.monotonic()
        present: dict[int, int] = dict(rows)
        for dctu, channels in units.items():
            if dctu not in arrived.seen and all(present.get(unit, 0) >= n for unit, n in channels.items()):
                arrived.seen[dctu] = now
        time.sleep(LOOK_S)
