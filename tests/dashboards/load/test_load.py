"""How the server does while many listen and ask: nothing is dropped, and it stays quick and small."""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.database import connect, space_url
from connectors.live import LiveState
from infra.demo.feed import feed
from infra.demo.replay import abreast, paced, register, send
from infra.demo.script import DEMO_DAY, QUIET
from infra.stack.stack import Addresses
from schemas.settings import Settings
from schemas.time import day_slots, slot_start
from tests.bench import cpu
from tests.dashboards.load.crowd import Seen, Task
from tests.dashboards.serving import Server
from tests.scenario.pipeline import Worker, made, settings_of

pytestmark = [pytest.mark.stack, pytest.mark.slow]
OUT = Path("build/load.json")
YESTERDAY = DEMO_DAY - timedelta(days=1)
MB = 10
# Changes that come while listeners connect, and while they go.
AT_THE_ENDS = 6


@dataclass(frozen=True)
class Run:
    """What a crowd saw, and what it took."""

    seen: Seen
    memory_mb: tuple[float, float]
    cores: float


def run(server: Server, task: Task, meanwhile: Callable[[], None]) -> Run:
    """A crowd at a server; `meanwhile` is begun once it is there."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.dashboards.load.crowd"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asdict(task)) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        memory = cpu.memory_mb(server.pid)
        begun, worked = time.monotonic(), cpu.seconds(server.pid)
        acting = threading.Thread(target=meanwhile)
        acting.start()
        seen = Seen(**json.loads(process.stdout.read()))
        cores = (cpu.seconds(server.pid) - worked) / (time.monotonic() - begun)
        acting.join()
    return Run(seen, (memory, cpu.memory_mb(server.pid)), cores)


def place(heard: tuple[str, int]) -> tuple[int, int]:
    """Where in the stream of changes."""
    first, _, second = heard[0].partition("-")
    return int(first), int(second)


def first_of(heard: Sequence[tuple[str, int]]) -> tuple[int, int]:
    return place(heard[0])


def last_of(heard: Sequence[tuple[str, int]]) -> tuple[int, int]:
    return place(heard[-1])


def check_nothing_was_dropped(found: Run, listeners: int) -> None:
    """Everybody heard the same, in order, and whatever is another state now was named."""
    seen = found.seen
    assert seen.failed == []
    assert set(seen.other) <= {"status", "alarms"}
    assert len(seen.heard) == listeners
    # Who came a little later, or was told to go a little earlier, has less at that end.
    begin, end = max(map(first_of, seen.heard)), min(map(last_of, seen.heard))
    within = [[one for one in heard if begin <= place(one) <= end] for heard in seen.heard]
    assert len(within[0]) > 3
    assert [place(one) for one in within[0]] == sorted({place(one) for one in within[0]})
    assert all(heard == within[0] for heard in within)
    assert max(len(heard) for heard in seen.heard) - len(within[0]) <= AT_THE_ENDS
    named = {(kind, code) for change in seen.named for kind, codes in change.items() for code in codes}
    other = {
        (kind, code)
        for kind, nodes in seen.after.items()
        for code, state in nodes.items()
        if seen.before.get(kind, {}).get(code) != state
    }
    assert other
    assert other <= named


def p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


@pytest.fixture
def space_settings(stack: Addresses, home: Path, space: str) -> Settings:
    return settings_of(home, stack, space, 2).model_copy(update={"requests_per_minute": 100_000})


def load(settings: Settings, folder: Path, listeners: int, seconds: float, windows: int, until_hour: int) -> list[Run]:
    """Some hours of the day before the demonstration's at full speed, then so much of it at the demonstration's pace."""
    opening = slot_start(day_slots(YESTERDAY).start)
    first, stop = opening + timedelta(hours=until_hour), threading.Event()
    with (
        made(settings) as url, connect(url) as connection, connect(url) as looking,
        Worker(settings, folder / "worker.log") as worker,
    ):  # fmt: skip
        register(connection, settings, opening, folder / "registry")
        # A schedule is one import, which a space has once.
        messages = feed(YESTERDAY, script=QUIET)
        wait, at_pace = abreast(looking, timedelta(hours=6)), paced(360, stop.is_set)
        reached = threading.Event()

        def at(moment: Any) -> bool:
            if moment < first:
                return wait(moment)
            reached.set()
            return going.wait() and at_pace(moment)

        going = threading.Event()
        sender = threading.Thread(target=send, args=(settings, connection, messages, at))
        sender.start()
        try:
            assert reached.wait(300)
            worker.drain()
            nodes = looking.execute(
                "select kind, node from node where kind in ('unit', 'facility', 'zone', 'system') order by md5(node)"
            ).fetchall()
            with Server(settings, folder / "serve.log") as server:
                task = Task(
                    server.address, url, str(YESTERDAY), opening.isoformat(),
                    (opening + timedelta(days=1)).isoformat(), nodes, listeners, 50, 10, seconds,
                )  # fmt: skip
                return [run(server, task, going.set) for _ in range(windows)]
        finally:
            stop.set()
            going.set()
            sender.join(60)


def test_a_few_hear_everything_while_they_ask(served: Settings, tmp_path: Path) -> None:
    told = [f"U{number:03d}" for number in range(40)]

    async def publish() -> None:
        live = LiveState(served.redis, served.space)
        for unit in told:
            await live.publish("2026-03-02T12:05:00+00:00", {"unit": {unit: {"unit": unit}}})
            await asyncio.sleep(0.1)
        await live.close()

    settings = served.model_copy(update={"requests_per_minute": 100_000})
    with Server(settings, tmp_path / "serve.log") as server:
        task = Task(
            server.address, space_url(served.database, served.space), "2026-03-02", "2026-03-01T19:00Z",
            "2026-03-02T19:00Z", [("facility", "F"), ("system", "system")], 20, 20, 5, 5,
        )  # fmt: skip
        found = run(server, task, lambda: asyncio.run(publish()))
    check_nothing_was_dropped(found, 20)
    assert [unit for change in found.seen.named for unit in change["unit"]] == told


@pytest.mark.e2e
def test_two_hundred_hear_everything_while_fifty_a_second_are_answered(
    space_settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = load(space_settings, tmp_path, listeners=200, seconds=25, windows=3, until_hour=12)
    for found in runs:
        check_nothing_was_dropped(found, 200)
    # What else this machine does makes a run worse, never better.
    ratio, best = min(
        ((p95(found.seen.asked_s) / p95(found.seen.selected_s), found) for found in runs), key=lambda pair: pair[0]
    )
    figures = {
        "listeners": 200, "asked_a_second": 50, "seconds": 75, "node_day_p95_ms": p95(best.seen.asked_s) * 1000,
        "bare_select_p95_ms": p95(best.seen.selected_s) * 1000, "ratio": ratio,
        "change_to_client_p95_s": p95(best.seen.late_s), "events": sum(len(found.seen.heard[0]) for found in runs),
        "memory_mb": [runs[0].memory_mb[0], runs[-1].memory_mb[1]], "server_cores": best.cores,
        "load_average": os.getloadavg()[0],
    }  # fmt: skip
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    with capsys.disabled():
        print(f"\n{json.dumps(figures)}")  # noqa: T201
    assert ratio <= 5
    assert runs[-1].memory_mb[1] <= 1.1 * runs[0].memory_mb[0] + MB
