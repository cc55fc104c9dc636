"""What Faust has handed over and nobody has in work yet: gathered while a batch waits for the database."""

import asyncio
from typing import Any


class Gathered:
    """Events in the order of the stream. With `most` of them here, whoever brings more waits; in the end, Kafka."""

    def __init__(self, most: int) -> None:
        """Hold nothing yet."""
        self._most = most
        self._events: list[Any] = []
        self._changed = asyncio.Condition()

    async def put(self, events: list[Any]) -> None:
        """Add events, when there is room."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._events) < self._most)
            self._events += events
            self._changed.notify_all()

    async def take(self) -> list[Any]:
        """Wait for events; gives all there are, `most` of them at most."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._events))
            taken, self._events = self._events[: self._most], self._events[self._most :]
            self._changed.notify_all()
            return taken
