"""What Prometheus is told of the alarms: what stands, and what was asked of operators lately."""

from datetime import timedelta

import psycopg

from alerts import kpi
from connectors import alarms, notifications
from schemas.alarm import Priority
from streams import metrics

SPAN = timedelta(hours=24)
# What was called earlier and stands still.
BEFORE = timedelta(days=7)


async def show(connection: psycopg.AsyncConnection, positions: int) -> None:
    """Bring the gauges up to date, for so many operator positions."""
    metrics.NOTIFICATIONS_PENDING.set(await notifications.count_waiting(connection))
    metrics.ALARMS.clear()
    for (state, priority), count in (await alarms.count_by_state(connection)).items():
        metrics.ALARMS.labels(state, priority).set(count)
    now, rows = await alarms.recent(connection, SPAN + BEFORE)
    if now is not None:
        entries = [kpi.Entry(at, alarm, event, called, Priority(p)) for at, alarm, event, called, p in rows]
        for figure in kpi.kpis(kpi.calls_of(entries), now - SPAN, now, positions).figures:
            metrics.ALARM_KPI.labels(figure.name).set(figure.value)
