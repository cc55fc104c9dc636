"""The archive against the oracle, row for row and both ways."""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import psycopg
from psycopg import sql

# Where a view says a thing in another form than the oracle; what came of a conflict has no moment of its own.
_EXPRESSIONS: Mapping[tuple[str, str], str] = {
    ("gap", "late_by_s"): "extract(epoch from late_by)::bigint",
    ("quarantine", "start"): "start::timestamptz",
    ("quarantine", "wh"): "wh::bigint",
    ("quarantine", "status"): "status::bigint",
    ("quarantine", "sent_at"): "sent_at::timestamptz",
    ("quarantine", "received_at"): "case when rule <> 'CONFLICT' then received_at end",
}
VIEWS = ("reading", "revision", "balance_15m", "balance_1h", "gap", "completeness", "quarantine")
SHOWN = 10


def differences(
    oracle: duckdb.DuckDBPyConnection,
    archive: psycopg.Connection,
    view: str,
    folder: Path,
    source: str | None = None,
    leave_out: frozenset[str] = frozenset(),
) -> list[str]:
    """The first rows that only one of the two has, in words; nothing where they are equal.

    `source`: what to read in place of the view, such as a call of its `_as_of`; `folder`: for a passing file.
    """
    columns = {name: kind for name, kind, *_ in oracle.execute(f"describe {view}").fetchall() if name not in leave_out}
    file = folder / f"{view}.csv"
    _write(archive, view, source or f"v_{view}", list(columns), file)
    oracle.execute(
        "create or replace temp table archive as from read_csv(?, header = false, columns = ?)", [str(file), columns]
    )
    names = ", ".join(columns)
    found = []
    for title, one, other in (("only the oracle has", view, "archive"), ("only the archive has", "archive", view)):
        query = f"select {names} from {one} except all select {names} from {other}"
        rows = oracle.execute(f"from ({query}) order by all limit {SHOWN}").fetchall()
        count = oracle.execute(f"select count(*) from ({query})").fetchone()
        if rows and count:
            found.append(f"{view}: {count[0]} rows that {title}, of ({names}): {'; '.join(map(str, rows))}")
    return found


def _write(archive: psycopg.Connection, view: str, source: str, columns: list[str], file: Path) -> None:
    chosen = sql.SQL(", ").join(
        sql.SQL(_EXPRESSIONS[view, name]) if (view, name) in _EXPRESSIONS else sql.Identifier(name) for name in columns
    )
    query = sql.SQL("copy (select {} from {} rows) to stdout (format csv)").format(chosen, sql.SQL(source))
    with file.open("wb") as out, archive.cursor() as cursor, cursor.copy(query) as copy:
        for block in copy:
            out.write(block)
