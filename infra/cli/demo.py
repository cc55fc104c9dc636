"""`tengerim demo`: an operating day of the country, live or at once."""

import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import cyclopts
import psycopg
from rich.console import Console
from rich.live import Live

from connectors.database import connect
from connectors.drain import DrainError, wait_until_drained
from infra import settings
from infra.cli.error import UserError
from infra.cli.serve import PORT
from infra.cli.stack import say
from infra.demo import view
from infra.demo.feed import feed
from infra.demo.replay import abreast, paced, send
from infra.demo.replay import register as register_fleet
from infra.demo.report import report
from infra.demo.script import DEMO_DAY
from infra.space import renew
from infra.stack.stack import running
from infra.worker import environment, free_port
from schemas.settings import Settings
from schemas.time import day_slots, slot_start

DAY_S = 240.0
DAYS_MAX = 365
STOP_S = 12.0
SERVED_S = 30.0
# How far ahead of what has been processed a day at full speed may be sent.
ABREAST = timedelta(hours=6)
_BUILD = Path("build")
_HOUR = len("2026-01-21 09:00")


def register(app: cyclopts.App) -> None:
    """Add the command to `app`."""
    app.command(demo)


def demo(
    *,
    once: Annotated[bool, cyclopts.Parameter(negative="")] = False,
    day_seconds: float = DAY_S,
    days: int = 2,
) -> None:
    """Replay an operating day of the country, then the next, in the terminal and on the page; Ctrl-C ends it.

    Parameters
    ----------
    once
        The day and the day before, as fast as they go, from nothing; what is sent and what came of it stay in
        build/. The other options do not apply.
    day_seconds
        How long a replayed day takes.
    days
        How many days are replayed.
    """
    if not 0 < day_seconds < math.inf or not 1 <= days <= DAYS_MAX:
        raise UserError(f"--day-seconds must be above zero, and --days within 1 and {DAYS_MAX}")
    # Whatever ends this ends its worker, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    loaded = settings.load("kafka", "database", "redis", "alertmanager").model_copy(
        update={"space": "demo_once" if once else "demo", "clock": "none"}
    )
    if once:
        run_once(loaded)
    else:
        run_live(loaded, day_seconds, days)


def run_once(loaded: Settings) -> None:
    """Yesterday and the day at full speed, drained, counted."""
    say("making the space anew")
    url = renew(loaded, say)
    with connect(url) as connection, connect(url) as looking, beside(loaded, "worker"):
        register_fleet(connection, loaded, _opening(), _BUILD / "demo" / "registry")
        say(f"sending {DEMO_DAY - timedelta(days=1)} and {DEMO_DAY}")
        begun = time.monotonic()
        wait = abreast(looking, ABREAST)
        sent = send(loaded, connection, feed(DEMO_DAY, with_yesterday=True), wait, keep=_BUILD / "demo")
        say(f"sent {sent:,} messages; waiting until all are processed")
        try:
            wait_until_drained(loaded.kafka, url, loaded.space, say)
        except DrainError as error:
            raise UserError(str(error)) from None
        figures = report(connection, time.monotonic() - begun, DEMO_DAY)
    path = _BUILD / "demo.json"
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    say(json.dumps(figures))
    say(f"wrote {path}")


def run_live(loaded: Settings, day_seconds: float, days: int) -> None:
    """Yesterday at full speed, then days at a pace one can watch."""
    say("making the space anew")
    url = renew(loaded, say)
    speed = timedelta(days=1).total_seconds() / day_seconds
    first = slot_start(day_slots(DEMO_DAY).start)
    stop = threading.Event()
    failed: list[Exception] = []
    port = _page_port()
    with (
        connect(url) as connection, connect(url) as reading, beside(loaded, "worker"),
        beside(loaded, "serve", "--port", str(port)),
    ):  # fmt: skip
        _await(port)
        page = f"http://127.0.0.1:{port}/"
        say(f"the control-room page: {page}")
        if grafana := _grafana(loaded):
            # Here, since it brings all of Grafana's types along.
            from dashboards.grafana import links

            shown = links.address(grafana, "control_room", loaded.space, first, first + timedelta(days=days))
            say(f"the same in Grafana: {shown}")
        register_fleet(connection, loaded, _opening(), loaded.home / "demo" / "registry")
        at_pace = paced(speed, stop.is_set)

        def replay() -> None:
            # The day before is history: it comes at once.
            messages = feed(DEMO_DAY, days=days, with_yesterday=True)
            try:
                send(loaded, connection, messages, lambda at: at < first or at_pace(at))
            except Exception as error:
                failed.append(error)

        sender = threading.Thread(target=replay, daemon=True)
        sender.start()
        try:
            with closing(_shown(reading, speed, page)) as screen:
                while sender.is_alive():
                    next(screen)
                    sender.join(0.5)
        except KeyboardInterrupt:
            say("stopping")
        finally:
            stop.set()
            sender.join(STOP_S)
    if failed:
        raise failed[0]
    say(
        f"the demonstration has ended; its tables stay in the space {loaded.space}: "
        f"TENGERIM_SPACE={loaded.space} .venv/bin/tengerim alarms list. The servers run until `make down`"
    )


def _shown(reading: psycopg.Connection, speed: float, page: str) -> Generator[None]:
    """Show what is, again and again: on a terminal as a screen, else a line an hour."""
    console = Console()
    if console.is_terminal:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                live.update(view.render(view.read(reading), speed, page), refresh=True)
                yield
    said = ""
    while True:
        line = view.hour(view.read(reading))
        if line[:_HOUR] != said[:_HOUR]:
            say(line)
            said = line
        yield


def _grafana(loaded: Settings) -> str:
    """Where Grafana is; empty where there is none."""
    local = running(loaded.home)
    return loaded.grafana or (local.grafana if local else "")


def _opening() -> datetime:
    return slot_start(day_slots(DEMO_DAY - timedelta(days=1)).start)


def _page_port() -> int:
    """The usual port of the page, or another where that is taken."""
    try:
        with socket.create_server(("127.0.0.1", PORT)):
            return PORT
    except OSError:
        return free_port()


def _await(port: int) -> None:
    """Return once the page is served, or not in time: then its log says why."""
    until = time.monotonic() + SERVED_S
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.2)


@contextmanager
def beside(loaded: Settings, command: str, *options: str) -> Iterator[None]:
    """A command of the space beside this process; Ctrl-C is ours to pass on."""
    log = loaded.home / "logs" / f"{command}-{loaded.space}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra", command, *options],
            env=environment(loaded, 0),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
