"""Faust's Kafka transport, but beginning where the database says.

Faust seeks to the offsets that Kafka has committed whenever partitions were assigned and before the first fetch.
Here the agent claims the partitions in the database at that moment instead, and reading begins at its `next_off`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from faust.transport.drivers import aiokafka
from faust.types import TP

Claim = Callable[[set[TP]], Awaitable[Mapping[TP, int]]]


class DatabaseConsumer(aiokafka.Consumer):  # type: ignore[misc]
    """Seeks to the positions that `app.claim` gives."""

    async def perform_seek(self) -> None:
        """Claim the assigned partitions and begin where their last transaction ended."""
        positions = await self.app.claim(set(self.assignment()))
        if positions:
            await self.seek_wait(positions)
        self._read_offset.update(positions)
        self._committed_offset.update({tp: offset or None for tp, offset in positions.items()})


class DatabaseTransport(aiokafka.Transport):  # type: ignore[misc]
    """The transport with that consumer."""

    Consumer: ClassVar[type[Any]] = DatabaseConsumer
