"""Sends the demonstration's feed into a space: frames and ticks to Kafka, schedules into the archive.

What is sent is kept, if wished, so that anybody can compute the results again from it: `registry/*.csv`
and `sent.jsonl`, one message a line in the order of sending (bytes that are not UTF-8 as \\xNN).
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

import psycopg

from connectors.outbox import send_pending
from connectors.producer import Producer
from connectors.registry import SENDER as REGISTRY
from connectors.registry import import_registry
from connectors.schedule import SENDER as SCHEDULE
from connectors.schedule import import_schedule
from infra.demo.feed import Sending
from infra.demo.registry import write_registry
from schemas.settings import Settings

Wait = Callable[[datetime], bool]


class Keeper:
    """Keeps what is sent in a folder."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Open the files anew."""
        folder.mkdir(parents=True, exist_ok=True)
        self._sent: TextIO = stack.enter_context((folder / "sent.jsonl").open("w", encoding="utf-8"))

    def keep(self, sending: Sending) -> None:
        """Write one message down."""
        text = sending.payload.decode("utf-8", errors="backslashreplace")
        line = {"at": sending.at.isoformat(), "kind": sending.kind, "dctu": sending.dctu, "payload": text}
        self._sent.write(json.dumps(line, ensure_ascii=False) + "\n")


def register(connection: psycopg.Connection, settings: Settings, at: datetime, folder: Path) -> None:
    """Import the fleet's master data, as known from `at`; the files stay in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_registry(folder)
    import_registry(connection, folder, at, settings.space)
    connection.commit()
    send_pending(connection, settings.kafka, REGISTRY)


def send(
    settings: Settings,
    connection: psycopg.Connection,
    feed: Iterable[Sending],
    wait: Wait = lambda at: True,
    keep: Path | None = None,
) -> int:
    """Send a feed in its order; gives how many messages went to Kafka.

    `wait` is called with the stream's time of each and may sleep; False ends the replay.
    """
    sent = 0
    with ExitStack() as stack:
        keeper = Keeper(keep, stack) if keep is not None else None
        producer = stack.enter_context(Producer(settings.kafka, settings.space))
        for sending in feed:
            if not wait(sending.at):
                break
            if keeper is not None:
                keeper.keep(sending)
            if sending.kind == "schedule":
                # What was sent before must not come after it.
                producer.flush()
                _import_schedule(settings, connection, sending)
                continue
            if sending.kind == "tick":
                producer.send_tick(datetime.fromisoformat(json.loads(sending.payload)["now"]))
            else:
                producer.send_raw(sending.dctu, sending.payload)
            sent += 1
        producer.flush()
    return sent


def _import_schedule(settings: Settings, connection: psycopg.Connection, sending: Sending) -> None:
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(sending.payload)
        file.flush()
        import_schedule(connection, Path(file.name), sending.at, settings.space)
    connection.commit()
    send_pending(connection, settings.kafka, SCHEDULE)


def abreast(connection: psycopg.Connection, lag: timedelta) -> Wait:
    """A wait that lets nothing be sent that is further ahead of what has been processed than `lag`.

    What is late in the story must be late in the stream, too, however fast it is sent.
    """
    reached: list[datetime] = []

    def wait(at: datetime) -> bool:
        first = reached[0] if reached else at
        reached[:] = reached or [at]
        while at - first > lag:
            row = connection.execute("select max(watched_until) from ingest_offset where agent = 'alarm'").fetchone()
            connection.rollback()
            if row is not None and row[0] is not None and row[0] > first:
                first = reached[0] = row[0]
            else:
                time.sleep(0.1)
        return True

    return wait


def paced(speed: float, stopped: Callable[[], bool]) -> Wait:
    """A wait that lets stream time pass `speed` times as fast as the wall clock, until `stopped`."""
    begun: list[tuple[datetime, float]] = []

    def wait(at: datetime) -> bool:
        if not begun:
            begun.append((at, time.monotonic()))
        first, started = begun[0]
        while not stopped():
            left = started + (at - first).total_seconds() / speed - time.monotonic()
            if left <= 0:
                return True
            time.sleep(min(left, 0.2))
        return False

    return wait
