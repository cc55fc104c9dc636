"""Many who look at once, in a process of their own: listeners of changes, questions for a node's day, bare SELECTs.

python -m tests.dashboards.load.crowd    # reads a Task as JSON, says "ready", and in the end what it saw
"""

import asyncio
import dataclasses
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import get_args
from urllib.parse import urlsplit

import psycopg

from alerts.master import NodeKind

SELECT = "select * from v_balance_15m where node_kind = %s and node = %s and ts >= %s and ts < %s order by ts"
# What is on its way when the time is over is waited for.
REST_S = 3.0
_MOST = 2**24


@dataclass(frozen=True)
class Task:
    """What the crowd does for so many seconds; `nodes`: kinds and codes, asked for by turns."""

    address: str
    database: str
    period: str
    begin: str
    end: str
    nodes: list[tuple[str, str]]
    listeners: int
    asked_a_second: float
    selected_a_second: float
    seconds: float


@dataclass
class Seen:
    """What it saw. Times are in seconds.

    `heard`: by listener, the id of every change and a mark of its bytes; `named`: what the changes of the first one
    name, in order. `late_s`: from when Redis took a change to when a listener had it. `before`, `after`: the states of
    nodes, asked for while everybody listens.
    """

    asked_s: list[float] = field(default_factory=list)
    selected_s: list[float] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    heard: list[list[tuple[str, int]]] = field(default_factory=list)
    named: list[dict[str, list[str]]] = field(default_factory=list)
    other: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    before: dict[str, dict[str, object]] = field(default_factory=dict)
    after: dict[str, dict[str, object]] = field(default_factory=dict)


async def crowd(task: Task, ready: Callable[[], None]) -> Seen:
    """Do it; `ready` is called once everybody listens."""
    seen = Seen()
    listening = [asyncio.Event() for _ in range(task.listeners)]
    listeners = [asyncio.create_task(_listen(task, seen, event)) for event in listening]
    await asyncio.gather(*(event.wait() for event in listening))
    asking = _Asking(task.address)
    async with await psycopg.AsyncConnection.connect(task.database, autocommit=True) as connection:

        async def ask(node: tuple[str, str]) -> None:
            head, body = await asking.get(f"/api/v1/nodes/{node[0]}/{node[1]}/balances?period={task.period}")
            if not head.startswith(b"HTTP/1.1 200") or len(body) < 100:
                seen.failed.append(f"{node}: {head!r} {body[:200]!r}")

        async def select(node: tuple[str, str]) -> None:
            if not await (await connection.execute(SELECT, [*node, task.begin, task.end])).fetchall():
                seen.failed.append(f"{node}: no rows")

        async def states() -> dict[str, dict[str, object]]:
            query = "&".join(f"kind={kind}" for kind in get_args(NodeKind))
            _, body = await asking.get(f"/api/v1/now?{query}", packed=False)
            found: dict[str, dict[str, object]] = json.loads(body)["nodes"]
            return found

        seen.before = await states()
        # Nobody measures the first connection, nor the first plan.
        await asyncio.gather(*map(ask, task.nodes[:20]))
        await asyncio.gather(*map(select, task.nodes[:20]))
        ready()
        async with asyncio.TaskGroup() as group:
            group.create_task(_at_rate(task, task.asked_a_second, ask, seen.asked_s))
            group.create_task(_at_rate(task, task.selected_a_second, select, seen.selected_s))
        seen.after = await states()
    await asyncio.sleep(REST_S)
    for listener in listeners:
        if listener.done():
            seen.failed.append(f"a listener ended: {listener.exception()!r}")
        listener.cancel()
    await asyncio.gather(*listeners, return_exceptions=True)
    return seen


async def _at_rate(
    task: Task, rate: float, work: Callable[[tuple[str, str]], Awaitable[None]], took_s: list[float]
) -> None:
    """Begin so many a second, whether or not those before have ended."""

    async def timed(node: tuple[str, str]) -> None:
        begun = time.perf_counter()
        await work(node)
        took_s.append(time.perf_counter() - begun)

    first = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(round(task.seconds * rate)):
            await asyncio.sleep(max(first + number / rate - time.perf_counter(), 0))
            group.create_task(timed(task.nodes[number % len(task.nodes)]))


class _Asking:
    """Questions over connections that are kept. By hand: a client's library would take longer than the server."""

    def __init__(self, address: str) -> None:
        self._at = urlsplit(address)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def get(self, path: str, *, packed: bool = True) -> tuple[bytes, bytes]:
        """Head and body, as it comes."""
        asked = f"GET {path} HTTP/1.1\r\nHost: {self._at.netloc}\r\n"
        asked += "Accept-Encoding: gzip\r\n\r\n" if packed else "\r\n"
        while True:
            again = bool(self._idle)
            reader, writer = self._idle.pop() if again else await self._connect()
            try:
                writer.write(asked.encode())
                head = await reader.readuntil(b"\r\n\r\n")
                break
            except (asyncio.IncompleteReadError, ConnectionError):
                # One that was idle for long the server may have closed.
                writer.close()
                if not again:
                    raise
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await reader.readexactly(int(length.partition(b":")[2]))
        self._idle.append((reader, writer))
        return head, body

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._at.hostname, self._at.port, limit=_MOST)


async def _listen(task: Task, seen: Seen, listening: asyncio.Event) -> None:
    heard: list[tuple[str, int]] = []
    seen.heard.append(heard)
    first = len(seen.heard) == 1
    async with _events(task.address) as events:
        async for event in events:
            listening.set()
            fields = dict(line.split(b": ", 1) for line in event.splitlines() if b": " in line)
            if b"id" not in fields:
                name = fields[b"event"].decode()
                seen.other[name] = seen.other.get(name, 0) + 1
                continue
            id_ = fields[b"id"].decode()
            heard.append((id_, hash(event)))
            # An id begins with the moment, in milliseconds, at which Redis took the change.
            seen.late_s.append(time.time() - int(id_.partition("-")[0]) / 1000)
            if first:
                seen.named.append(json.loads(fields[b"data"])["changed"])


@asynccontextmanager
async def _events(address: str) -> AsyncIterator[AsyncIterator[bytes]]:
    """Server-sent events as they come. By HTTP 1.0, whose answers are not cut into chunks: there is little to do."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=_MOST)
    try:
        writer.write(f"GET /api/v1/changes HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head

        async def events() -> AsyncIterator[bytes]:
            while True:
                yield await reader.readuntil(b"\n\n")

        yield events()
    finally:
        writer.close()


def main() -> None:
    """Be the crowd."""
    task = Task(**json.loads(sys.stdin.readline()))
    seen = asyncio.run(crowd(task, lambda: print("ready", flush=True)))  # noqa: T201
    print(json.dumps(dataclasses.asdict(seen)))  # noqa: T201


if __name__ == "__main__":
    main()
