"""Whose data somebody sees: all, or those of one entity by the newest master data."""

from dataclasses import dataclass

import psycopg
from psycopg import sql


@dataclass(frozen=True)
class Scope:
    """`entity`: its code; None: everything."""

    entity: str | None = None

    def clause(self, *columns: str) -> sql.Composable:
        """Whether a row is of an object that is theirs.

        `columns`: those that hold the object's kind and its code; or the code alone, of the kind that the column is
        called by (emc, dctu, unit).
        """
        if self.entity is None:
            return sql.SQL("true")
        code = columns[-1]
        kind = sql.Identifier(columns[0]) if len(columns) > 1 else sql.Literal(code)
        return sql.SQL("({}, {}) in (select object_kind, object from objects_of({}))").format(
            kind, sql.Identifier(code), sql.Literal(self.entity)
        )


ALL = Scope()


def objects_of(connection: psycopg.Connection, scope: Scope) -> dict[str, frozenset[str]] | None:
    """The codes of what is theirs, by kind; None: of everything."""
    if scope.entity is None:
        return None
    found: dict[str, set[str]] = {}
    for kind, code in connection.execute("select object_kind, object from objects_of(%s)", [scope.entity]):
        found.setdefault(kind, set()).add(code)
    return {kind: frozenset(codes) for kind, codes in found.items()}
