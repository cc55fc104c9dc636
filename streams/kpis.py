"""How much was asked of operators in a period, out of the journal."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from alerts import kpi
from connectors.scope import ALL, Scope
from schemas.alarm import Priority

# What was called so long before a period may stand in it still.
BEFORE = timedelta(days=30)
_FIRST = datetime.min.replace(tzinfo=UTC)


def read_kpis(
    connection: psycopg.Connection, begin: datetime, end: datetime, positions: int, scope: Scope = ALL
) -> kpi.Kpis:
    """The figures of `[begin, end)`, for so many operator positions, of alarms of whose objects."""
    query = sql.SQL(
        "select at, type || ' ' || object_kind || '/' || object, event, annunciated, priority from v_alarm_event"
        " where at >= %s and at < %s and (annunciated or event = 'clear') and {} order by at, event_id"
    )
    rows = connection.execute(
        query.format(scope.clause("object_kind", "object")), [max(begin, _FIRST + BEFORE) - BEFORE, end]
    )
    entries = [
        kpi.Entry(at, alarm, event, annunciated, Priority(priority)) for at, alarm, event, annunciated, priority in rows
    ]
    return kpi.kpis(kpi.calls_of(entries), begin, end, positions)


def as_document(found: kpi.Kpis, begin: datetime, end: datetime) -> dict[str, Any]:
    """The same as JSON has it."""
    return {
        "from": begin.isoformat(),
        "to": end.isoformat(),
        "figures": {
            figure.name: {"value": figure.value, "unit": figure.unit, "target": figure.target, "met": figure.met}
            for figure in found.figures
        },
        "top": [{"alarm": name, "calls": calls, "share": share} for name, calls, share in found.top],
    }
