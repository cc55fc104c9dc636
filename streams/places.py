"""The partitions that an agent owns, and which of the messages it is given are its to process."""

from collections.abc import Iterable, Mapping

import psycopg
import structlog

from connectors import offsets
from connectors.offsets import Claim, Place

log = structlog.get_logger()

Message = tuple[int, int, bytes]


class LostMessagesError(Exception):
    """Messages are gone that nobody has processed; the text says what to do."""


class Places:
    """What the owner of partitions believes of them."""

    def __init__(self, agent: str, topic: str, amends: str = "") -> None:
        """Own nothing yet. `amends`: what else to do where messages are lost, in words."""
        self.agent = agent
        self.topic = topic
        self._amends = amends
        self.places: dict[int, Place] = {}
        self.claims: dict[int, Claim] = {}

    async def claim(
        self,
        connection: psycopg.AsyncConnection,
        topic_id: str,
        partitions: Iterable[int],
        ends: Mapping[int, int] | None = None,
    ) -> dict[int, int]:
        """Become the owner of exactly these partitions; gives where to begin in each."""
        self.claims = await offsets.claim(connection, self.agent, self.topic, topic_id, sorted(partitions), ends)
        self.places = {p: Place(c.next_off, c.epoch, c.watched_us) for p, c in self.claims.items()}
        for partition, claim in self.claims.items():
            if claim.started_anew:
                log.warning("another topic under the same name: the partition starts anew", partition=partition)
            if claim.cut_from is not None:
                log.error(
                    "the broker has lost the end of its log: the partition goes on there",
                    topic=self.topic, partition=partition, processed_until=claim.cut_from, end=claim.next_off,
                )  # fmt: skip
        return {partition: claim.next_off for partition, claim in self.claims.items()}

    def mine(self, messages: list[Message]) -> list[Message]:
        """The messages that wait to be processed: of owned partitions, not processed before.

        Raises LostMessagesError where the broker no longer has what comes next.
        """
        todo = []
        expected = {partition: place.next_off for partition, place in self.places.items()}
        for partition, offset, value in messages:
            if partition not in expected or offset < expected[partition]:
                continue
            if offset > expected[partition]:
                raise LostMessagesError(
                    f"{self.topic}[{partition}]: next is message {expected[partition]}, the broker has {offset}: "
                    "what lies between is gone (retention). Bring it back, or accept the loss with "
                    f"`update ingest_offset set next_off = {offset} where agent = '{self.agent}' "
                    f"and topic = '{self.topic}' and partition = {partition}`{self._amends}"
                )
            todo.append((partition, offset, value))
            expected[partition] = offset + 1
        return todo

    async def lock(self, cursor: psycopg.AsyncCursor, partitions: Iterable[int]) -> set[int]:
        """Hold partitions until the transaction ends; gives those that were lost to another owner.

        Where a commit's answer was lost, what is stored is taken over.
        """
        wanted = set(partitions)
        places = {partition: self.places[partition] for partition in wanted if partition in self.places}
        ours, _ = await offsets.lock(cursor, self.agent, self.topic, places)
        # Those lost before are not ours either.
        fenced = wanted - set(ours)
        for partition in fenced:
            self.places.pop(partition, None)
        for partition, (next_off, watched_us) in ours.items():
            self.places[partition].next_off = next_off
            self.places[partition].watched_us = watched_us
        return fenced

    def release(self) -> None:
        """Own nothing any more."""
        self.places, self.claims = {}, {}
