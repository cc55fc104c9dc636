"""What came of a replay, counted in the database."""

from typing import Any

import psycopg

_COUNTS = {
    "frames": "select coalesce(sum(n), 0) from tally where agent = 'collect' and outcome = 'frames'",
    "readings": "select count(*) from reading",
    "duplicates": "select coalesce(sum(n), 0) from tally where agent = 'collect' and outcome = 'duplicate'",
    "corrections": "select count(*) from reading_revision",
    "gaps_opened": "select count(*) from gap",
    "gaps_healed": "select count(*) from gap where healed_at is not null",
}


def report(connection: psycopg.Connection, seconds: float) -> dict[str, Any]:
    """The figures of build/demo.json."""
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
        "seconds": round(seconds, 1),
        "readings_per_s": round(taken / seconds) if seconds else 0,
    }


def _one(connection: psycopg.Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
