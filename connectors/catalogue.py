"""The public contract in words, out of the database's own comments: `python -m connectors.catalogue ADDRESS`."""

import sys
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import psycopg

from connectors.database import connect

FILE = Path(__file__).parent.parent / "docs" / "tables.md"

_HEAD = """# The archive: views and functions

The views are the public contract of the database: people and files speak codes, never numbers from inside. Columns are
only ever added, at the end. Energy is in whole watt-hours, instants are UTC. `tengerim history VIEW` exports each.

This page is written by `python -m connectors.catalogue ADDRESS` from the comments in `schemas/sql`."""

_COLUMNS = """
select c.relname, obj_description(c.oid, 'pg_class'), a.attname, format_type(a.atttypid, a.atttypmod),
       col_description(c.oid, a.attnum)
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = 'public'::regnamespace and c.relkind = 'v' and c.relname like 'v\\_%' and a.attnum > 0
order by c.relname, a.attnum
"""

_FUNCTIONS = """
select proname, pg_get_function_arguments(oid), obj_description(oid, 'pg_proc')
from pg_proc
where pronamespace = 'public'::regnamespace and proname like '%\\_as\\_of'
  and obj_description(oid, 'pg_proc') is not null
order by proname
"""


class Described(NamedTuple):
    """A column: its name, PostgreSQL's name of its type, and what it means."""

    name: str
    type: str
    meaning: str


class View(NamedTuple):
    """A public view, with what it holds."""

    name: str
    meaning: str
    columns: list[Described]


def views(connection: psycopg.Connection) -> list[View]:
    """The public views."""
    return [
        View(name, meaning or "", [Described(column, kind, says or "") for _, _, column, kind, says in columns])
        for (name, meaning), columns in groupby(connection.execute(_COLUMNS), key=lambda row: row[:2])
    ]


def describe(connection: psycopg.Connection) -> str:
    """The page `docs/tables.md` as the database has it."""
    page = [_HEAD]
    for view in views(connection):
        page += [f"\n## {view.name}\n", view.meaning, "\n| column | type | meaning |", "| --- | --- | --- |"]
        page += [f"| `{column.name}` | {column.type} | {column.meaning} |" for column in view.columns]
    page += [
        "\n## As it was known at a moment\n",
        "Each answers with the columns of its view, from what had come by `known_at`; `tengerim history --as-of` asks\n"
        "them. `grace` is the setting TENGERIM_GRACE_S, `watched` the lesser of `known_at` and `watermark()`,\n"
        "`of_node` a `node_id` of the table `node`.\n",
    ]
    page += [f"- `{name}({arguments})`: {meaning}" for name, arguments, meaning in connection.execute(_FUNCTIONS)]
    return "\n".join(page).replace("timestamp with time zone", "timestamptz") + "\n"


def main(arguments: list[str]) -> int:
    """Write the page from the database at an address."""
    if len(arguments) != 1:
        print("usage: python -m connectors.catalogue postgresql://user@host:port/database", file=sys.stderr)  # noqa: T201
        return 2
    with connect(arguments[0]) as connection:
        FILE.write_text(describe(connection), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
