"""Tells Alertmanager what stands: at once after a transition, again and again while it lasts, and its end."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import psycopg
import structlog

from alerts.health import Ailment
from connectors import alarms, alertmanager, notifications
from connectors.alertmanager import Alert, AlertmanagerError, RefusedAlertError
from connectors.notifications import Waiting
from streams import metrics

log = structlog.get_logger()

# Seconds after which what stands is told again, and for how many such times it stands without that.
AGAIN_S = 60.0
LIVES = 4
AT_ONCE = 200


class Notifier:
    """Delivers what the table holds to one Alertmanager."""

    def __init__(self, address: str, again_s: float = AGAIN_S) -> None:
        """`again_s`: seconds after which what stands is told again."""
        self._address = address
        self._again_s = again_s
        self._failing_since: float | None = None
        self._error = ""

    def ailment(self) -> Ailment:
        """How long nobody could be told."""
        if self._failing_since is None:
            return Ailment(0)
        return Ailment(round(time.monotonic() - self._failing_since), self._error)

    async def deliver(self, connection: psycopg.AsyncConnection) -> int:
        """Deliver what is due; gives how many. Raises AlertmanagerError when it was not taken."""
        total = 0
        while waiting := await notifications.due(connection, self._again_s, AT_ONCE):
            now = datetime.now(UTC)
            try:
                await self._post(waiting, now)
            except RefusedAlertError as error:
                await self._one_by_one(connection, waiting, now)
                raise error from None
            except AlertmanagerError as error:
                await self._failed(connection, waiting, error)
                raise
            await self._delivered(connection, waiting)
            total += len(waiting)
            if len(waiting) < AT_ONCE:
                break
        return total

    async def _post(self, waiting: list[Waiting], now: datetime) -> None:
        await asyncio.to_thread(alertmanager.post, self._address, [self._alert(one, now) for one in waiting])

    async def _one_by_one(self, connection: psycopg.AsyncConnection, waiting: list[Waiting], now: datetime) -> None:
        """One of them is refused: the others must not wait for it."""
        for one in waiting:
            try:
                await self._post([one], now)
            except AlertmanagerError as error:
                await self._failed(connection, [one], error)
            else:
                await self._delivered(connection, [one])

    def _alert(self, one: Waiting, now: datetime) -> Alert:
        ends_at = now if one.ended else now + timedelta(seconds=LIVES * self._again_s)
        # From when we tell: Alertmanager gathers by the wall clock. Since when it stands, the text says.
        return Alert(one.labels, one.annotations, min(one.created_at, now), ends_at)

    async def _delivered(self, connection: psycopg.AsyncConnection, waiting: list[Waiting]) -> None:
        async with connection.transaction(), connection.cursor() as cursor:
            await notifications.delivered(cursor, waiting)
            new = [one for one in waiting if one.new]
            await alarms.journal_calls(cursor, "notified", [(one.alarm_id, _told(one, self._address)) for one in new])
        metrics.NOTIFICATIONS.labels("delivered").inc(len(new))
        if self._failing_since is not None:
            log.info("Alertmanager takes alerts again", after_s=round(time.monotonic() - self._failing_since))
        self._failing_since = None

    async def _failed(
        self, connection: psycopg.AsyncConnection, waiting: list[Waiting], error: AlertmanagerError
    ) -> None:
        self._error = str(error)
        metrics.NOTIFICATIONS.labels("failed").inc()
        if self._failing_since is None:
            self._failing_since = time.monotonic()
            log.warning("nobody can be notified; it is tried until somebody can", error=str(error))
        async with connection.transaction(), connection.cursor() as cursor:
            first = [one for one in waiting if one.new and not one.attempts]
            await alarms.journal_calls(
                cursor,
                "not notified",
                [(one.alarm_id, {**_told(one, self._address), "error": str(error)}) for one in first],
            )
            await notifications.failed(cursor, waiting, str(error))


def _told(one: Waiting, address: str) -> dict[str, object]:
    return {
        "to": address,
        "route": one.labels.get("priority", ""),
        "escalation": one.labels.get("escalation") == "yes",
        "ended": one.ended,
        "attempts": one.attempts + 1,
    }
