"""The live state in this process, and the news of it, handed to everybody who listens.

It comes from Redis; while Redis is away, or has nothing, from the table `node_now`. An event is made once, whoever
listens. Its id is its place in Redis's stream: who was away says the last it has, and gets what came since.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

import msgspec
import psycopg
import structlog
from fastapi.sse import format_sse_event
from redis.exceptions import RedisError

from connectors import alarms, node_now
from connectors.database import connect_async
from connectors.live import Changed, LiveReader
from streams.now import states_of

log = structlog.get_logger()

# Events kept for those who come back, and for each who listens until they are read.
KEPT, WAITING = 4_000, 2_000
LOOK_S, READ_S, AGAIN_S, BEAT_S = 0.5, 2.0, 1.0, 5.0

States = dict[str, dict[str, str]]
_encode = msgspec.json.encode


# Codes by kind: what somebody may hear of.
Own = Mapping[str, Collection[str]]


def _event(name: str, data: object, id_: str | None = None) -> bytes:
    return format_sse_event(data_str=_encode(data).decode(), event=name, id=id_)


class Changes(bytes):
    """The event that says which nodes have changed, as it is sent."""

    changed: Mapping[str, Collection[str]]
    id: str | None

    @classmethod
    def of(cls, changed: Mapping[str, Collection[str]], id_: str | None) -> "Changes":
        """Made once, whoever listens."""
        made = cls(_event("changes", {"changed": changed}, id_))
        made.changed, made.id = changed, id_
        return made

    def only(self, own: Own) -> bytes:
        """The same for who may hear of some only; of none, its place alone, which no page hears of."""
        changed = {kind: [code for code in codes if code in own.get(kind, ())] for kind, codes in self.changed.items()}
        changed = {kind: codes for kind, codes in changed.items() if codes}
        if changed or self.id is None:
            return _event("changes", {"changed": changed}, self.id)
        return f"id: {self.id}\n\n".encode()


RESET = _event("reset", {})
# Nothing more comes: the server stops.
END = b""


class Hub:
    """Reads, compares, tells. Runs while `run` runs."""

    def __init__(self, reader: LiveReader, url: str) -> None:
        """`url`: of the space's database."""
        self._reader, self._url = reader, url
        self.states: States = {}
        self.place = ""
        self.redis = self.database = False
        # Whether Redis holds the states: one that was emptied has them only once a worker writes them.
        self._filled = False
        self._alarms = -1
        # From which place on `_events` has all that came; None: from none, for it came from the database, too.
        self._base: tuple[int, int] | None = None
        self._events: deque[tuple[tuple[int, int], bytes]] = deque()
        self._listeners: set[asyncio.Queue[bytes]] = set()
        self._documents: dict[tuple[str, ...], bytes] = {}
        # Tells one content of the documents from another, of this process.
        self._begun, self._edition = secrets.token_hex(4), 0
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> None:
        """Follow both sources for ever."""
        self._loop = asyncio.get_running_loop()
        await asyncio.gather(self._follow_redis(), self._follow_database(), self._beat())

    def listen(self, last: str | None) -> "asyncio.Queue[bytes]":
        """A queue of events from now on, or from an id on."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
        for event in (self._status(), *self._since(last), self._alarm_event()):
            queue.put_nowait(event)
        self._listeners.add(queue)
        return queue

    def end(self) -> None:
        """Tell all who listen that there is no more; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._tell, END)

    @contextmanager
    def listening(self, last: str | None) -> "Iterator[asyncio.Queue[bytes]]":
        """The same until the block ends."""
        queue = self.listen(last)
        try:
            yield queue
        finally:
            self.leave(queue)

    def leave(self, queue: "asyncio.Queue[bytes]") -> None:
        """Listen no longer."""
        self._listeners.discard(queue)

    @property
    def tag(self) -> str:
        """Another one whenever a state is another."""
        return f"{self._begun}.{self._edition}"

    def document(self, kinds: Iterable[str], own: Own | None = None) -> bytes:
        """The states of some kinds of nodes: `{"id": …, "nodes": {kind: {code: state}}}`; `own`: of these only."""
        wanted = tuple(sorted(set(kinds)))
        if own is not None:
            mine = {
                kind: {code: state for code, state in self.states.get(kind, {}).items() if code in own.get(kind, ())}
                for kind in wanted
            }
            return _document(self.place, mine)
        found = self._documents.get(wanted)
        if found is None:
            states = {kind: self.states.get(kind, {}) for kind in wanted}
            found = self._documents[wanted] = _document(self.place, states)
        return found

    # --- what is told

    def _since(self, last: str | None) -> list[bytes]:
        if not last:
            return []
        place = _place(last)
        if place is None or self._base is None or not self._base <= place <= (_place(self.place) or self._base):
            return [RESET]
        missed = [event for at, event in self._events if at > place]
        return missed if len(missed) < WAITING - 10 else [RESET]

    def _tell(self, event: bytes) -> None:
        for queue in self._listeners:
            if queue.full():
                # Whoever does not read begins anew.
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(RESET if event != END else END)
            else:
                queue.put_nowait(event)

    def _status(self) -> bytes:
        state = msgspec.json.decode(self.states.get("system", {}).get("system", "{}"))
        return _event(
            "status",
            {"now": state.get("now"), "wall": time.time(), "redis": self.redis, "database": self.database},
        )

    def _alarm_event(self) -> bytes:
        return _event("alarms", {"version": self._alarms})

    def _sources(self, *, redis: bool | None = None, database: bool | None = None) -> None:
        before = self.redis, self.database
        self.redis = self.redis if redis is None else redis
        self.database = self.database if database is None else database
        if (self.redis, self.database) != before:
            log.info("sources of the live state", redis=self.redis, database=self.database)
            self._tell(self._status())

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            self._tell(self._status())

    # --- where it comes from

    def _set(self, states: States, place: str | None = None, *, whole: bool = False) -> None:
        """States of nodes are these now, `whole`: and there are no others; those that are others are told of."""
        changed: dict[str, list[str]] = {}
        for kind in states.keys() | (self.states.keys() if whole else ()):
            known, nodes = self.states.setdefault(kind, {}), states.get(kind, {})
            gone = known.keys() - nodes.keys() if whole else set()
            changed[kind] = sorted([code for code, state in nodes.items() if known.get(code) != state] + [*gone])
            for code in gone:
                del known[code]
            known.update(nodes)
        changed = {kind: codes for kind, codes in changed.items() if codes}
        self.place = place or self.place
        self._documents.clear()
        if not changed:
            return
        self._edition += 1
        event = Changes.of(changed, place)
        at = _place(place or "")
        if at is None:
            self._base = None
        else:
            self._base = self._base or at
            if len(self._events) == KEPT:
                self._base = max(self._base, self._events.popleft()[0])
            self._events.append((at, event))
        self._tell(event)

    async def _follow_redis(self) -> None:
        while True:
            try:
                if not self.redis:
                    await self._load()
                if entries := await self._reader.wait(self.place):
                    await self._take(entries)
            except (RedisError, OSError, ValueError, KeyError) as error:
                if self.redis:
                    log.warning("Redis is away", error=str(error))
                self._sources(redis=False)
                await asyncio.sleep(AGAIN_S)

    async def _load(self) -> None:
        """Begin anew: what is there, and what came before.

        Before its first entry the stream has been trimmed or lost, and of a `whole` one nobody knows what changed.
        """
        entries = await self._reader.history(KEPT)
        states = await self._reader.states()
        self.place = entries[-1].id if entries else "0-0"
        self._filled = any(states.values())
        # An empty one knows of nothing, not even that nothing is there.
        self._set(states, whole=self._filled)
        self._events.clear()
        self._base = None
        for entry in entries:
            at = _place(entry.id)
            if self._base is None or entry.change.whole:
                self._base = at
            if at is not None and not entry.change.whole:
                self._events.append((at, Changes.of(entry.change.changed, entry.id)))
        self._tell(RESET)
        self._sources(redis=True)

    async def _take(self, entries: list[Changed]) -> None:
        whole = any(entry.change.whole for entry in entries)
        if whole:
            states = await self._reader.states()
        else:
            changed: dict[str, set[str]] = {}
            for entry in entries:
                for kind, codes in entry.change.changed.items():
                    changed.setdefault(kind, set()).update(codes)
            states = await self._reader.states({kind: sorted(codes) for kind, codes in changed.items()})
        self._filled = True
        self._set(states, entries[-1].id, whole=whole)

    @property
    def _is_live(self) -> bool:
        return self.redis and self._filled

    async def _follow_database(self) -> None:
        while True:
            try:
                async with await connect_async(self._url) as connection:
                    await connection.set_autocommit(True)
                    await self._look(connection)
            except (psycopg.Error, OSError, ValueError, KeyError) as error:
                if self.database:
                    log.warning("the database is away", error=str(error))
                self._sources(database=False)
                await asyncio.sleep(AGAIN_S)

    async def _look(self, connection: psycopg.AsyncConnection) -> None:
        read = 0.0
        while True:
            version = await alarms.version(connection)
            self._sources(database=True)
            if version != self._alarms:
                self._alarms = version
                self._tell(self._alarm_event())
            if not self._is_live and time.monotonic() - read > READ_S:
                rows, names = await node_now.read_all(connection)
                # Redis may have come meanwhile, and knows better.
                if not self._is_live:
                    self._set(_encoded(states_of(names, rows)), whole=True)
                read = time.monotonic()
            await asyncio.sleep(LOOK_S)


def _encoded(states: Mapping[str, Mapping[str, Mapping[str, object]]]) -> States:
    return {kind: {code: _encode(state).decode() for code, state in nodes.items()} for kind, nodes in states.items()}


def _place(id_: str) -> tuple[int, int] | None:
    """The place that an id of Redis's stream stands for."""
    first, _, second = id_.partition("-")
    return (int(first), int(second)) if first.isdecimal() and second.isdecimal() else None


def _document(place: str, states: States) -> bytes:
    nodes = ",".join(f"{_text(kind)}:{_object(known)}" for kind, known in states.items())
    return f'{{"id":{_text(place)},"nodes":{{{nodes}}}}}'.encode()


def _text(word: str) -> str:
    return _encode(word).decode()


def _object(members: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{_text(name)}:{value}" for name, value in members.items()) + "}"
