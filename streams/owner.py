"""Owning partitions and bringing their messages into the database, whatever fails.

Whatever goes wrong with the database, a batch is done again from what the database says: memory is discarded, offsets
are read anew. So a lost answer to a commit, a fenced partition or a stale block cannot lose or repeat anything.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

import psycopg
import structlog

from connectors import offsets
from connectors.offsets import Advance
from connectors.refusals import Refusal, write_refusals
from schemas.rules import Rule
from streams import metrics
from streams.places import LostMessagesError, Message, Places

log = structlog.get_logger()

T = TypeVar("T")
Connect = Callable[[], Awaitable[psycopg.AsyncConnection]]

RETRY_S = (0.1, 0.3, 1.0, 3.0, 5.0)
# Deaths at one offset after which messages are taken singly, and after which the single one is the culprit.
SINGLY_AFTER = 2
POISON_AFTER = 4


class Owner(ABC):
    """Processes batches of a topic's partitions that it owns: one batch, one transaction."""

    def __init__(self, agent: str, topic: str, connect: Connect, amends: str = "") -> None:
        """`connect` may raise psycopg.OperationalError; it is then tried again. `amends`: see Places."""
        self.places = Places(agent, topic, amends)
        self.committed = asyncio.Event()
        self.topic_id: str | None = None
        self._connect = connect
        self._connection: psycopg.AsyncConnection | None = None
        # Assignment and batches use one connection, one at a time.
        self._turn = asyncio.Lock()
        self._away_since: float | None = None
        self._outage_s = 0.0

    @abstractmethod
    async def attempt(self, connection: psycopg.AsyncConnection, messages: list[Message]) -> None:
        """Process messages in one transaction that locks their places first and advances them."""

    @abstractmethod
    def forget(self) -> None:
        """Discard what is held in memory: the database knows better."""

    async def prepare(self, connection: psycopg.AsyncConnection) -> None:  # noqa: B027 — not all need it
        """Make a new connection ready."""

    async def make_good(self, connection: psycopg.AsyncConnection) -> None:  # noqa: B027 — most have lost nothing
        """Make good, within the claim's transaction, what was in the log, or its end, that the broker has lost."""

    async def upkeep(self, connection: psycopg.AsyncConnection) -> None:  # noqa: B027 — most have none
        """Do what is due before any message is processed, in transactions of its own: no message is to blame for it."""

    async def assign(
        self, topic_id: str, partitions: Iterable[int], ends: Mapping[int, int] | None = None
    ) -> dict[int, int]:
        """Become the owner of exactly these partitions; gives where to begin in each.

        `ends`: where their logs end, as seen while they were ours; a partition beyond it goes on there.
        """
        wanted = sorted(partitions)

        async def claim(connection: psycopg.AsyncConnection) -> dict[int, int]:
            async with connection.transaction():
                begin = await self.places.claim(connection, topic_id, wanted, ends)
                if any(claim.started_anew or claim.cut_from is not None for claim in self.places.claims.values()):
                    await self.make_good(connection)
            return begin

        async with self._turn:
            self.forget()
            return await self._for_ever(claim)

    async def release(self) -> None:
        """Own nothing any more."""
        async with self._turn:
            self.forget()
            self.places.release()

    async def process(self, messages: list[Message]) -> None:
        """Process messages to the end: when this returns they are in the database, or not ours."""
        async with self._turn:
            await self._for_ever(self.upkeep)
            claims = self.places.claims
            careful = {p for p, claim in claims.items() if claim.tries >= SINGLY_AFTER}
            singly = [message for message in messages if message[0] in careful]
            for message in singly:
                await self._process_carefully(message)
            await self._process([message for message in messages if message[0] not in careful])
        self.committed.set()

    async def hold(self, cursor: psycopg.AsyncCursor, messages: list[Message]) -> list[Message]:
        """Hold the one partition of the topic until the transaction ends; gives the messages that are ours to process.

        None are where it has another owner, or they have been processed.
        """
        if await self.places.lock(cursor, [0]):
            log.warning("the partition has another owner")
            metrics.FENCED.labels(self.places.agent).inc()
            return []
        return self.places.mine(messages)

    async def tend(self) -> None:
        """Do what is due though no message comes."""
        async with self._turn:
            await self._for_ever(self.upkeep)

    def take_outage(self) -> float:
        """Seconds of the longest outage of the database since the last call."""
        outage, self._outage_s = self._outage_s, 0.0
        return outage

    async def _process(self, messages: list[Message]) -> None:
        async def attempt(connection: psycopg.AsyncConnection) -> None:
            todo = self.places.mine(messages)
            if todo:
                await self.attempt(connection, todo)

        await self._for_ever(attempt)

    async def _process_carefully(self, message: Message) -> None:
        """Process one message where the worker died before, noting it first; a culprit goes into the quarantine."""
        partition, offset, _ = message
        claim = self.places.claims[partition]
        if not self.places.mine([message]):
            return
        if claim.suspect_off == offset and claim.tries >= POISON_AFTER:
            await self._poison(message, "the worker was killed while it processed this message alone")
        else:

            async def note(connection: psycopg.AsyncConnection) -> None:
                agent, topic = self.places.agent, self.places.topic
                await offsets.suspect(connection, agent, topic, partition, offset, SINGLY_AFTER)

            await self._for_ever(note)
            try:
                await self._process([message])
            except LostMessagesError:
                raise
            except Exception as error:
                log.exception("a message cannot be processed", partition=partition, offset=offset)
                await self._poison(message, f"{type(error).__name__}: {error}")
        self.places.claims[partition] = claim._replace(tries=0)

    async def _poison(self, message: Message, why: str) -> None:
        partition, offset, value = message
        agent, topic = self.places.agent, self.places.topic

        async def write(connection: psycopg.AsyncConnection) -> None:
            async with connection.transaction(), connection.cursor() as cursor:
                if await self.places.lock(cursor, [partition]) or not self.places.mine([message]):
                    return
                place = self.places.places[partition]
                await write_refusals(cursor, [Refusal(Rule.POISON, why, place.watched_us, value)])
                await offsets.count(cursor, agent, topic, {(partition, Rule.POISON.value): 1})
                await offsets.advance(cursor, agent, topic, {partition: Advance(offset + 1, place.watched_us)})
            place.next_off = offset + 1
            metrics.QUARANTINED.labels(Rule.POISON.value).inc()

        self.forget()
        await self._for_ever(write)

    async def _for_ever(self, work: Callable[[psycopg.AsyncConnection], Awaitable[T]]) -> T:
        """Do work on the connection, again and again while the database fails."""
        failures = stale = 0
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = await self._connect()
                    await self.prepare(self._connection)
                done = await work(self._connection)
            except psycopg.errors.UniqueViolation:
                # Memory was stale: another owner wrote meanwhile. Once is life, again and again is a bug.
                stale += 1
                if stale > 3:
                    raise
                self.forget()
            except (
                psycopg.OperationalError,
                psycopg.InterfaceError,
                # A server that only reads for now, a damaged page: whatever it is, no message is to blame.
                psycopg.InternalError,
                psycopg.errors.IdleInTransactionSessionTimeout,
                OSError,
            ) as error:
                if not failures:
                    log.warning("the database fails; trying again until it is back", error=str(error).strip())
                metrics.RETRIES.labels(self.places.agent).inc()
                self.forget()
                await self.close()
                self._away_since = self._away_since or time.monotonic()
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1
            else:
                if self._away_since is not None:
                    self._outage_s = max(self._outage_s, time.monotonic() - self._away_since)
                    self._away_since = None
                return done

    async def close(self) -> None:
        """Close the connection; the next work opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close()
            except psycopg.Error:
                log.debug("the broken connection did not close cleanly")
