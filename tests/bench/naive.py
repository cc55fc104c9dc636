"""The same work as people write it first: Faust Records, one message a reading, a plan in a dict, executemany.

As a program it is that worker: it ends when all readings are in the table, and prints how many it did a second.
"""

import os
import subprocess
import sys
import time
from datetime import datetime
from typing import Any

import faust
import msgspec
import psycopg
from yarl import URL

from connectors import kafka
from connectors.database import connect, space_url
from connectors.producer import Producer
from schemas.quality import Quality
from schemas.settings import Settings
from schemas.time import hour_of_slot, slot_of, slot_start
from schemas.topics import topics_of
from tests.bench.grid import Grid
from tests.bench.worker import environment

SPACE = "bench_naive"
TAKE = 1000
PATIENCE_S = 600.0

_MAKE = """
drop table if exists naive_reading;
create table naive_reading (like reading);
select create_hypertable('naive_reading', by_range('ts', interval '1 day'), create_default_indexes => false);
create unique index on naive_reading (channel_id, ts);
drop table if exists naive_balance;
create table naive_balance (
    unit text, ts timestamptz, fact_wh bigint, plan_wh bigint, deviation_wh bigint, primary key (unit, ts)
);
"""
_READING = """
insert into naive_reading as r (ts, wh, sent_at, seq, received_at, channel_id, quality, rank, revision)
values (%s, %s, %s, %s, %s, %s, %s, 0, 0)
on conflict (channel_id, ts) do update set wh = excluded.wh, sent_at = excluded.sent_at, seq = excluded.seq
where (excluded.sent_at, excluded.seq) > (r.sent_at, r.seq)
"""
_BALANCE = """
insert into naive_balance (unit, ts, fact_wh, plan_wh, deviation_wh) values (%s, %s, %s, %s, %s)
on conflict (unit, ts) do update
set fact_wh = excluded.fact_wh, plan_wh = excluded.plan_wh, deviation_wh = excluded.deviation_wh
"""


class Reading(faust.Record, serializer="json"):  # type: ignore[misc,call-arg]
    """One reading."""

    channel: str
    start: str
    wh: int
    status: int
    sent_at: str
    seq: int


def measure(settings: Settings, grid: Grid, slots: range, readings: int) -> float:
    """Readings a second of the naive worker, over the first so many readings of these slots."""
    with connect(space_url(settings.database, settings.space)) as connection:
        connection.execute(_MAKE.encode())
    kafka.delete_topics(settings.kafka, SPACE)
    kafka.ensure_topics(settings.kafka, SPACE, settings.partitions)
    try:
        sent = _produce(settings, grid, slots, readings)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "tests.bench.naive", str(sent)],
            env=environment(settings), capture_output=True, timeout=PATIENCE_S, check=True,
        )  # fmt: skip
        return float(done.stdout.splitlines()[-1])
    finally:
        kafka.delete_topics(settings.kafka, SPACE)


def _produce(settings: Settings, grid: Grid, slots: range, readings: int) -> int:
    sent = 0
    with Producer(settings.kafka, SPACE) as producer:
        for slot in slots:
            for dctu in range(grid.dctus):
                frame = grid.frame(dctu, slot)
                part = frame.slices[0]
                for channel, wh in zip(part.channels, part.wh, strict=True):
                    if sent == readings:
                        return sent
                    start, sent_at = part.start.isoformat(), frame.sent_at.isoformat()
                    message = {"channel": channel, "start": start, "wh": wh, "status": 0}
                    producer.send_raw(channel, msgspec.json.encode(message | {"sent_at": sent_at, "seq": frame.seq}))
                    sent += 1
    return sent


class _State:
    """What such a worker holds: channels, plan and facts in dicts."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self.connection = connection
        self.channels: dict[str, tuple[int, str, int, int]] = {}
        self.plan: dict[tuple[str, datetime], int] = {}
        self.fact: dict[tuple[str, datetime], int] = {}

    async def load(self) -> None:
        """Read master data and plan."""
        channels = await self.connection.execute(
            "select emc || '/' || code, channel_id, coalesce(node, ''), sign, max_wh from assignment"
            " join channel_key using (channel_id) left join node on node_id = unit_id"
        )
        self.channels = {code: (number, unit, sign, most) async for code, number, unit, sign, most in channels}
        plan = await self.connection.execute("select unit, hour, wh from daily_schedule order by version")
        self.plan = {(unit, hour): wh async for unit, hour, wh in plan}

    async def write(self, readings: list[Reading]) -> None:
        """Check readings, hold them against the plan, upsert both."""
        rows, changed = [], set()
        for reading in readings:
            number, unit, sign, most = self.channels[reading.channel]
            if reading.status not in (0, 1) or not 0 <= reading.wh <= most:
                continue
            start, sent_at = datetime.fromisoformat(reading.start), datetime.fromisoformat(reading.sent_at)
            quality = Quality.MEASURED if reading.status == 0 else Quality.SUSPECT
            rows.append((start, reading.wh, sent_at, reading.seq, sent_at, number, int(quality)))
            if unit:
                self.fact[unit, start] = self.fact.get((unit, start), 0) + sign * reading.wh
                changed.add((unit, start))
        balances = []
        for unit, start in changed:
            plan = self.plan.get((unit, slot_start(hour_of_slot(slot_of(start)))), 0) // 4
            fact = self.fact[unit, start]
            balances.append((unit, start, fact, plan, fact - plan))
        async with self.connection.transaction(), self.connection.cursor() as cursor:
            await cursor.executemany(_READING, rows)
            await cursor.executemany(_BALANCE, balances)


def main(expected: int) -> None:
    """Process so many readings, print the rate, end."""
    settings = Settings()
    app = faust.App(
        SPACE,
        broker=[URL(f"kafka://{address}") for address in settings.kafka.split(",")],
        store="memory://",
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        datadir=str(settings.home / "run" / SPACE),
    )
    topic = app.topic(topics_of(SPACE).frames, value_type=Reading)
    begun: list[float] = []

    @app.on_partitions_assigned.connect
    async def assigned(*_: Any, **__: Any) -> None:
        begun.append(time.monotonic())

    @app.agent(topic)
    async def store(stream: Any) -> None:
        connection = await psycopg.AsyncConnection.connect(space_url(settings.database, settings.space))
        state = _State(connection)
        await state.load()
        done = 0
        async for readings in stream.take(TAKE, within=1.0):
            await state.write(readings)
            done += len(readings)
            if done >= expected:
                # Faust has left something of its own on the line.
                print(f"\n{done / (time.monotonic() - begun[0])}", flush=True)  # noqa: T201
                os._exit(0)

    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False, quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main(int(sys.argv[1]))
