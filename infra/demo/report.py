"""What came of a replay, counted in the database."""

from collections import Counter
from datetime import date
from typing import Any

import psycopg

from schemas.time import day_slots, slot_start

_COUNTS = {
    "frames": "select coalesce(sum(n), 0) from tally where agent = 'collect' and outcome = 'frames'",
    "readings": "select count(*) from reading",
    "duplicates": "select coalesce(sum(n), 0) from tally where agent = 'collect' and outcome = 'duplicate'",
    "corrections": "select count(*) from reading_revision",
    "gaps_opened": "select count(*) from gap",
    "gaps_healed": "select count(*) from gap where healed_at is not null",
}


def report(connection: psycopg.Connection, seconds: float, day: date) -> dict[str, Any]:
    """The figures of build/demo.json; alarms are those of the operating day."""
    counts = {name: int(_one(connection, query)) for name, query in _COUNTS.items()}
    refused = connection.execute("select rule, count(*) from quarantine group by rule order by rule").fetchall()
    taken = counts["readings"] + counts["corrections"] + counts["duplicates"]
    return {
        "frames": counts["frames"],
        "readings": counts["readings"],
        "quarantined": dict(refused),
        "duplicates": counts["duplicates"],
        "corrections": counts["corrections"],
        "gaps_opened": counts["gaps_opened"],
        "gaps_healed": counts["gaps_healed"],
        "alarms": _alarms(connection, day),
        "seconds": round(seconds, 1),
        "readings_per_s": round(taken / seconds) if seconds else 0,
    }


def _alarms(connection: psycopg.Connection, day: date) -> dict[str, Any]:
    begin, end = slot_start(day_slots(day).start), slot_start(day_slots(day).stop)
    rows = connection.execute(
        "select type, priority, annunciated, event = 'suppress' from v_alarm_event"
        " where at >= %s and at < %s and (annunciated or event = 'suppress') order by type, priority",
        [begin, end],
    ).fetchall()
    called = [row for row in rows if row[2]]
    return {
        "annunciated": len(called),
        "by_type": dict(Counter(row[0] for row in called)),
        "by_priority": dict(Counter(row[1] for row in called)),
        "suppressed": sum(row[3] for row in rows),
    }


def _one(connection: psycopg.Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
