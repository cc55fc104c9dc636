"""What one run measured, the medians of several, and both for people."""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.settings import Settings
from tests.bench.ceiling import Ceiling
from tests.bench.drain import Drained
from tests.bench.grid import DCTU_CHANNELS, Grid

Figures = dict[str, Any]


def figures(
    grid: Grid, intervals: int, ring: int, drained: Drained, burst: Sequence[float], ceiling: Ceiling, naive: float
) -> Figures:
    """One run's figures."""
    readings = grid.channels * intervals
    rate = readings / drained.all_s
    delays = sorted(burst)
    p99 = _percentile(delays, 0.99)
    return {
        "readings_per_s": rate,
        "collect_readings_per_s": readings / drained.collect_s,
        "copy_rows_per_s": ceiling.rows_per_s,
        "ratio": rate / ceiling.rows_per_s,
        "naive_readings_per_s": naive,
        "naive_ratio": rate / naive,
        "cpu_us_per_reading": {name: seconds / readings * 1e6 for name, seconds in drained.cpu_s.items()},
        "busy_cores": drained.busy_cores,
        "step_share": drained.step_share,
        "worker_mb": sum(drained.memory_mb.values()),
        "memory_mb": drained.memory_mb,
        "collect_mb_at": drained.collect_mb_at,
        "matrix_bytes_per_cell": drained.matrix_bytes / (grid.channels * ring),
        "burst_p50_s": _percentile(delays, 0.5),
        "burst_p99_s": p99,
        "bare_commit_s": ceiling.commit_s,
        "burst_commits": p99 / ceiling.commit_s,
        "start_s": drained.start_s,
    }


def median(runs: Sequence[Figures]) -> Figures:
    """The median of every figure."""
    return {
        key: median([run[key] for run in runs])
        if isinstance(value, Mapping)
        else statistics.median(run[key] for run in runs if key in run)
        for key, value in runs[0].items()
    }


def frame(settings: Settings, grid: Grid, intervals: int, runs: int) -> Figures:
    """What was measured, and on what."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "grid": {
            "channels": grid.channels, "dctus": grid.dctus, "intervals": intervals, "readings_a_frame": DCTU_CHANNELS,
        },
        "runs": runs,
        "settings": {name: getattr(settings, name) for name in ("partitions", "batch_frames", "ring_intervals")},
        "machine": {
            "cores": os.cpu_count(), "memory_gb": round(memory / 1e9, 1), "load_before": round(os.getloadavg()[0], 1),
            "python": platform.python_version(), "kernel": platform.release(),
        },
    }  # fmt: skip


def table(of: Figures) -> str:
    """The medians, for people."""
    cpu: Mapping[str, float] = of["cpu_us_per_reading"]
    lines = [
        ("a day that waits, drained", f"{of['readings_per_s']:>10,.0f} readings/s"),
        (
            "  its rows by COPY alone",
            f"{of['copy_rows_per_s']:>10,.0f} rows/s     the worker reaches {of['ratio']:.2f} of it",
        ),
        (
            "  as people write it first",
            f"{of['naive_readings_per_s']:>10,.0f} readings/s  the worker is {of['naive_ratio']:.0f} times as fast",
        ),
        (
            "burst, arrival to balance row",
            f"{of['burst_p50_s']:>10.2f} s median, {of['burst_p99_s']:.2f} s for 99 % ({of['burst_commits']:.1f} bare commits of a batch)",
        ),
        (
            "worker's memory",
            f"{of['worker_mb']:>10,.0f} MB, {of['matrix_bytes_per_cell']:.2f} bytes a cell of the matrix",
        ),
        ("  collect's, with so much done", "  ".join(f"{at} {mb:,.0f}" for at, mb in of["collect_mb_at"].items())),
        (
            "CPU µs a reading",
            "  ".join(f"{name} {us:.2f}" for name, us in cpu.items()) + f"  sum {sum(cpu.values()):.2f}",
        ),
        ("bound by", bound(of)),
    ]
    return "\n".join(f"{name:<32}{text}" for name, text in lines)


def bound(of: Figures) -> str:
    """What bounds the speed: the machine's cores where they are busy, else the longest step of collect."""
    cores = os.cpu_count() or 1
    steps: Mapping[str, float] = of["step_share"]
    longest = max(steps, key=lambda step: steps[step])
    share = ", ".join(f"{step} {part:.0%}" for step, part in steps.items())
    busy = f"{of['busy_cores']:.1f} of {cores} cores busy"
    where = (
        "the machine's cores" if of["busy_cores"] > 0.9 * cores else f"collect's step `{longest}`, one batch at a time"
    )
    return f"{where} ({busy}; collect spends its time with {share})"


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")
