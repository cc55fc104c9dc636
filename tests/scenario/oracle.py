"""The oracle: what the archive must hold after a feed, worked out from the kept feed alone.

A feed is a folder as `tengerim demo --once` keeps it: `registry/*.csv`, imported once, and `sent.jsonl`, one message a
line in the order of sending. Python only reads it, `oracle.sql` says what follows. No code of the product is used.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

GRACE = timedelta(minutes=5)
AHEAD = timedelta(minutes=5)
FOR_EVER = datetime(2999, 1, 1, tzinfo=UTC)

_AT = pa.timestamp("us", tz="UTC")
_TABLES = {
    "tick": {"n": pa.int64(), "now": _AT},
    "frame": {"n": pa.int64(), "dctu": pa.string(), "seq": pa.int64(), "sent_at": _AT},
    "sent": {"n": pa.int64(), "start": _AT, "channel": pa.string(), "wh": pa.int64(), "status": pa.int64()},
    "malformed": {"n": pa.int64(), "text": pa.string()},
    "plan": {
        "received_at": _AT, "unit": pa.string(), "hour": _AT, "wh": pa.int64(), "version": pa.int64(),
    },
}  # fmt: skip
_MASTER_DATA = ("entities", "facilities", "units", "dctus", "channels")


def consult(folder: Path, registered: datetime, known_at: datetime = FOR_EVER) -> duckdb.DuckDBPyConnection:
    """A database with what must stand in the views: tables reading, revision, balance_15m, balance_1h, gap,
    completeness and quarantine, as known at a moment. `registered`: when the master data were imported.
    """
    oracle = duckdb.connect()
    oracle.execute("set timezone = 'UTC'")
    for name in _MASTER_DATA:
        path = str(folder / "registry" / f"{name}.csv")
        oracle.execute(f"create table {name} as from read_csv(?, header = true, all_varchar = true)", [path])
    for name, rows in _read(folder / "sent.jsonl").items():
        fields = _TABLES[name]
        columns = list(zip(*rows, strict=True)) or [()] * len(fields)
        arrays = [pa.array(column, kind) for column, kind in zip(columns, fields.values(), strict=True)]
        oracle.register("given", pa.table(dict(zip(fields, arrays, strict=True))))
        oracle.execute(f"create table {name} as from given")
        oracle.unregister("given")
    settings = {"registered": registered, "known_at": known_at, "grace": GRACE, "ahead": AHEAD}
    for name, value in settings.items():
        oracle.execute(f"set variable {name} = ?", [value])
    oracle.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    return oracle


def figures(oracle: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The figures of build/demo.json that do not tell how long it took."""

    def one(query: str) -> int:
        row = oracle.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    refused = oracle.execute("select rule, count(*) from quarantine group by rule").fetchall()
    return {
        "frames": one("select (select count(*) from frame) + (select count(*) from malformed)"),
        "readings": one("select count(*) from reading"),
        "quarantined": dict(refused),
        "duplicates": one("select (select count(*) from accepted) - (select count(*) from version)"),
        "corrections": one("select count(*) from revision"),
        "gaps_opened": one("select count(*) from gap"),
        "gaps_healed": one("select count(*) from gap where healed_at is not null"),
    }


def _read(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the tables of what was sent."""
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _TABLES}
    with path.open(encoding="utf-8") as file:
        for n, line in enumerate(file):
            message = json.loads(line)
            text = message["payload"]
            if message["kind"] == "schedule":
                rows["plan"] += _plan(text, datetime.fromisoformat(message["at"]))
                continue
            try:
                body = json.loads(text)
                if body.keys() == {"now"}:
                    rows["tick"].append((n, datetime.fromisoformat(body["now"])))
                    continue
                readings = list(_readings(n, body))
                rows["frame"].append((n, body["dctu"], body["seq"], datetime.fromisoformat(body["sent_at"])))
                rows["sent"] += readings
            except (ValueError, KeyError, TypeError, AttributeError):
                rows["malformed"].append((n, text))
    return rows


def _readings(n: int, frame: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    for part in frame["slices"]:
        start = datetime.fromisoformat(part["start"])
        for channel, wh, status in zip(part["channels"], part["wh"], part["status"], strict=True):
            yield n, start, channel, wh, status


def _plan(text: str, received_at: datetime) -> Iterator[tuple[Any, ...]]:
    header, *lines = text.splitlines()
    assert header == "unit,hour,mwh,version"
    for line in lines:
        unit, hour, mwh, version = line.split(",")
        yield received_at, unit, datetime.fromisoformat(hour), int(Decimal(mwh) * 1_000_000), int(version)
