"""`make bench`: a day of a grid, drained, held against COPY alone and the naive way; bursts; then back-tests."""

import argparse
import json
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    import kafka  # noqa: F401

from connectors.database import DatabaseError
from connectors.kafka import KafkaError
from infra.settings import SettingsError, load
from schemas.settings import Settings
from schemas.time import slot_of
from tests.bench import backtest, burst, ceiling, naive, produce, space
from tests.bench.drain import drain
from tests.bench.grid import DCTU_CHANNELS, Grid
from tests.bench.report import Figures, figures, frame, median, table
from tests.bench.worker import Worker, WorkerError

BURSTS = 3
NAIVE_READINGS = 40_000
# 00:00 of an operating day.
DAY = datetime(2026, 1, 13, 19, tzinfo=UTC)
OUT = Path("build/bench.json")
LOGS = Path("build/bench")


def run(settings: Settings, grid: Grid, intervals: int, logs: Path) -> Figures:
    """One run, in a space made anew."""
    first = slot_of(DAY)
    day = range(first, first + intervals)
    later = range(day.stop, day.stop + BURSTS)
    with space.made(settings, grid, range(first, later.stop)) as connection:
        _say(f"  {grid.channels * intervals:,} readings go to Kafka")
        messages = produce.send(settings, grid, day)
        with Worker(settings, logs) as worker:
            _say("  the worker drains them")
            drained = drain(settings, worker, connection, messages)
            _say(f"  {len(later)} bursts of {grid.channels:,} readings")
            delays = burst.measure(settings, grid, worker, later)
        _say("  the same rows by COPY alone")
        batch_rows = min(settings.batch_frames * DCTU_CHANNELS, grid.channels)
        top = ceiling.measure(settings, grid, day, batch_rows)
        _say(f"  {NAIVE_READINGS:,} readings the naive way")
        slow = naive.measure(settings, grid, day, NAIVE_READINGS)
    return figures(grid, intervals, settings.ring_intervals, drained, delays, top, slow)


def main() -> int:
    """Measure, write, print; 2 where it cannot be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--channels", type=int, default=40_000, help=f"a multiple of {DCTU_CHANNELS}")
    parser.add_argument("--intervals", type=int, default=96)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    if given.channels < DCTU_CHANNELS or given.channels % DCTU_CHANNELS or given.intervals < 1 or given.runs < 1:
        parser.error(f"--channels must be a multiple of {DCTU_CHANNELS}; --intervals and --runs at least 1")
    grid = Grid(given.channels // DCTU_CHANNELS)
    try:
        settings = load("kafka", "database", "redis", "alertmanager").model_copy(
            update={"space": space.SPACE, "clock": "none"}
        )
        result: dict[str, object] = frame(settings, grid, given.intervals, given.runs)
        LOGS.mkdir(parents=True, exist_ok=True)
        runs = []
        for number in range(given.runs):
            _say(f"run {number + 1} of {given.runs}")
            runs.append(run(settings, grid, given.intervals, LOGS))
        _say("back-tests")
        back_tests = backtest.measure_all(settings.database)
    except (SettingsError, DatabaseError, KafkaError, WorkerError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    medians = median(runs)
    OUT.write_text(
        json.dumps(_rounded({**medians, **result, "back_tests": back_tests, "each_run": runs}), indent=2) + "\n"
    )
    print(table(medians), backtest.table(back_tests), sep="\n")  # noqa: T201
    return 0


def _rounded(value: object) -> object:
    match value:
        case float():
            return float(f"{value:.4g}")
        case dict():
            return {key: _rounded(item) for key, item in value.items()}
        case list():
            return [_rounded(item) for item in value]
        case _:
            return value


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
