"""What Faust has handed over and nobody has in work yet: gathered while a batch waits for the database."""

import asyncio
from collections.abc import Callable
from typing import Any


class Gathered:
    """Events in the order of the stream. With a batch of them here, whoever brings more waits; in the end, Kafka.

    A batch is so many events or so many bytes, whichever comes first, but one event at least.
    """

    def __init__(self, most: int, most_bytes: int, size: Callable[[Any], int]) -> None:
        """Hold nothing yet. `size` gives the bytes of an event."""
        self._most = most
        self._most_bytes = most_bytes
        self._size = size
        self._events: list[Any] = []
        self._bytes = 0
        self._changed = asyncio.Condition()

    async def put(self, events: list[Any]) -> None:
        """Add events, when there is room."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._events) < self._most and self._bytes < self._most_bytes)
            self._events += events
            self._bytes += sum(map(self._size, events))
            self._changed.notify_all()

    async def take(self) -> list[Any]:
        """Wait for events; gives all there are, one batch at most."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._events))
            end, taken_bytes = 0, 0
            for event in self._events[: self._most]:
                size = self._size(event)
                if end and taken_bytes + size > self._most_bytes:
                    break
                end, taken_bytes = end + 1, taken_bytes + size
            taken, self._events = self._events[:end], self._events[end:]
            self._bytes -= taken_bytes
            self._changed.notify_all()
            return taken
