"""The rows of one file of master data in a temporary table, beside the versions that the archive has."""

from datetime import datetime
from typing import Any, Self

import psycopg
from psycopg import sql

from connectors.registry_files import FILES, Entry, file_name
from connectors.table import RowError
from schemas.registry import INFINITE

_INFINITE = {at: text for text, at in INFINITE.items()}

_CREATE = "create temp table {stage} on commit drop as select 0 as line, {columns} from {versions} limit 0"
_COPY = "copy {stage} (line, {columns}) from stdin"
_WITHDRAWS_NOTHING = """
    select line from {stage} s
    where valid_from = valid_to and not exists (select from {versions} v where ({v_key}) = ({s_key}))
"""
_FORGET_KNOWN = """
    delete from {stage} s using (
        select distinct on ({key}) * from {versions} order by {key}, version desc
    ) v where ({v_key}) = ({s_key}) and ({v_columns}) is not distinct from ({s_columns})
"""
_APPEND = """
    insert into {versions} ({columns}, version, received_at)
    select {columns}, %s, %s from {stage} order by line
"""


class Stage:
    """One file's rows in the transaction of `connection`; the temporary table is named `stage_` and the noun."""

    def __init__(self, connection: psycopg.Connection, stem: str) -> None:
        model = FILES[stem]
        self.stem = stem
        self._connection = connection
        self._fields = list(model.model_fields)
        noun = model.__name__.lower()
        key = [*model.KEY, "valid_from"]
        self._names = {
            "stage": sql.Identifier(f"stage_{noun}"),
            "versions": sql.Identifier(f"{noun}_version"),
            "columns": _columns(self._fields),
            "s_columns": _columns(self._fields, "s"),
            "v_columns": _columns(self._fields, "v"),
            "key": _columns(key),
            "s_key": _columns(key, "s"),
            "v_key": _columns(key, "v"),
        }

    def fill(self, entries: list[Entry]) -> Self:
        """Make the temporary table, of these rows."""
        self._run(_CREATE)
        with self._connection.cursor().copy(sql.SQL(_COPY).format(**self._names)) as copy:
            for line, row in entries:
                copy.write_row([line, *(_infinite_as_text(getattr(row, field)) for field in self._fields)])
        return self

    def withdraws_nothing(self) -> list[RowError]:
        """Rows that withdraw what was never said."""
        problem = "ends where it starts, which withdraws what starts there; but nothing does"
        return [RowError(file_name(self.stem), line, "valid_to", problem) for (line,) in self._run(_WITHDRAWS_NOTHING)]

    def forget_known(self) -> int:
        """Leave out the rows that say what is known already; how many are left."""
        self._run(_FORGET_KNOWN)
        row = self._run("select count(*) from {stage}").fetchone()
        return int(row[0]) if row else 0

    def append(self, version: int, received_at: datetime) -> int:
        """Add the rows that are left as versions; how many."""
        return self._run(_APPEND, [version, received_at]).rowcount

    def _run(self, text: str, values: list[Any] | None = None) -> psycopg.Cursor[Any]:
        return self._connection.execute(sql.SQL(text).format(**self._names), values)


def _columns(names: list[str], table: str | None = None) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table, name) if table else sql.Identifier(name) for name in names)


def _infinite_as_text(value: object) -> object:
    return _INFINITE.get(value, value) if isinstance(value, datetime) else value
