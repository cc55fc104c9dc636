"""How long a back-test takes, by time and by nodes: `python -m tests.bench.backtest`."""

import asyncio
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from alerts.master import shipped
from connectors.database import connect, connect_async, create_database, drop_database, space_url
from connectors.migrations import migrate
from connectors.registry import import_registry
from infra import settings
from streams.backtest import backtest
from tests.connectors.fleet import write_files

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
GRACE = timedelta(minutes=5)
# (plants, days): twice the time, twice the nodes.
RUNS = ((450, 30), (450, 15), (225, 30))
SPACE = "bench_backtest"

_FILL = """
insert into balance (ts, node_id, present, expected, schedule_version, closed, gen_plan_wh, gen_fact_wh, imbalance_wh,
                     computed_at)
select ts, node_id, 1, 1, 1, true, plan, plan + dev, -dev, ts
from (select ts, node_id, case kind when 'unit' then 25000000 when 'facility' then 25000000 else 250000000 end as plan,
             -- Everyday noise, and now and then an hour that is far off.
             ((random() - 0.5) * 1500000 + case when hashtext(node_id || date_trunc('hour', ts)::text) %% 50 = 0
                                               then 5000000 else 0 end)::bigint as dev
      from node, generate_series(%(begin)s::timestamptz, %(end)s::timestamptz - interval '15 minutes', '15 minutes') ts
     ) made
"""


def fleet(plants: int) -> dict[str, list[str]]:
    """Plants of one unit, ten an entity."""
    return {
        "entities": [f"E{n},Entity {n},," for n in range(-(-plants // 10))],
        "facilities": [f"F{n},Plant {n},E{n // 10},Z{n % 3},R{n % 14},B{n % 9},H{n % 10}," for n in range(plants)],
        "units": [f"U{n},Unit {n},F{n},generation,coal,120" for n in range(plants)],
        "dctus": ["D,Dctu,F0"],
        "channels": ["M,01,D,U0,1,500"],
    }


def measure(address: str, plants: int, days: int) -> dict[str, float]:
    """Fill an archive and let the shipped rules go through it; seconds of the wall clock and of the processor."""
    url = space_url(address, SPACE)
    drop_database(url)
    create_database(url)
    try:
        end = BEGIN + timedelta(days=days)
        with closing(connect(url)) as connection, tempfile.TemporaryDirectory() as folder:
            migrate(connection)
            import_registry(connection, write_files(Path(folder) / "registry", fleet(plants)), BEGIN, SPACE)
            connection.execute(_FILL.encode(), {"begin": BEGIN, "end": end})
            connection.commit()
            nodes = _one(connection, "select count(*) from node")
            rows = _one(connection, "select count(*) from balance")
            connection.commit()
            connection.autocommit = True
            connection.execute("vacuum analyze balance")

        async def run() -> int:
            async with await connect_async(url, idle_s=3600) as reading:
                (replay,) = await backtest(reading, [shipped()], BEGIN, end, GRACE)
            return len(replay.occurrences)

        begun, cpu = time.monotonic(), time.process_time()
        occurrences = asyncio.run(run())
        return {
            "nodes": nodes, "days": days, "rows": rows, "occurrences": occurrences,
            "seconds": round(time.monotonic() - begun, 2), "cpu_seconds": round(time.process_time() - cpu, 2),
        }  # fmt: skip
    finally:
        drop_database(url)


def _one(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def measure_all(address: str) -> list[dict[str, float]]:
    """The RUNS, one after the other."""
    return [measure(address, plants, days) for plants, days in RUNS]


def table(runs: list[dict[str, float]]) -> str:
    """The same, for people."""
    return "\n".join(
        f"a back-test of {run['days']} days of {run['nodes']:,} nodes  {run['seconds']:>5.1f} s"
        f"     {run['cpu_seconds']:.1f} s of it our CPU, {run['occurrences']:,} occurrences"
        for run in runs
    )


def main() -> int:
    """Measure and print."""
    print(table(measure_all(settings.load("database").database)))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
