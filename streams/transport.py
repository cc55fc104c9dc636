"""Faust's Kafka transport, but beginning where the database says.

Faust seeks to the offsets that Kafka has committed whenever partitions were assigned and before the first fetch.
Here the agent claims the partitions in the database at that moment instead, and reading begins at its `next_off`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from typing import Any, ClassVar

from faust.transport.drivers import aiokafka
from faust.types import TP
from mode.services import WaitResults

Waited = Coroutine[Any, Any, None] | asyncio.Event
Claim = Callable[[set[TP]], Awaitable[Mapping[TP, int]]]


class _Resumed:
    """A coroutine that has run until it first waited for something, to be awaited to its end."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        waits_for = self._waits_for
        while True:
            try:
                try:
                    answer = yield waits_for
                except BaseException as error:
                    waits_for = self._coroutine.throw(error)
                else:
                    waits_for = self._coroutine.send(answer)
            except StopIteration:
                return


class DatabaseConsumer(aiokafka.Consumer):  # type: ignore[misc]
    """Seeks to the positions that `app.claim` gives."""

    async def perform_seek(self) -> None:
        """Claim the assigned partitions and begin where their last transaction ended.

        Rebalances may follow one another faster than claims: the last claim must be of what is assigned at its end.
        """
        async with self.app.claiming:
            claimed = None
            while (assigned := set(self.assignment())) != claimed:
                positions = await self.app.claim(assigned)
                claimed = assigned
            if positions:
                await self.seek_wait(positions)
            self._read_offset.update(positions)
            self._committed_offset.update({tp: offset or None for tp, offset in positions.items()})

    async def wait_first(self, *coros: Waited, timeout: Any = None) -> WaitResults:  # noqa: ASYNC109 — Faust's
        """Deliver a message, the first of `coros`, unless a rebalance (the other) comes first.

        Faust makes four tasks of it, more work than all else that it does with a message. Nearly every delivery ends
        without ever waiting, and needs none.
        """
        delivery, *interruptions = coros
        if not asyncio.iscoroutine(delivery):
            # An event is waited for while the flow is paused.
            return await super().wait_first(*coros, timeout=timeout)
        try:
            waits_for = delivery.send(None)
        except BaseException as end:
            for interruption in interruptions:
                if asyncio.iscoroutine(interruption):
                    interruption.close()
            if isinstance(end, StopIteration):
                return WaitResults([delivery], [None], False)
            raise
        return await super().wait_first(_Resumed(delivery, waits_for), *interruptions, timeout=timeout)


class DatabaseTransport(aiokafka.Transport):  # type: ignore[misc]
    """The transport with that consumer."""

    Consumer: ClassVar[type[Any]] = DatabaseConsumer
