"""The archive as it is read: the public views, of a period, as known now or at a moment.

A selection comes out of the database as lines of CSV by COPY, a day at a time where it is long: the first line comes
soon, and nobody holds more than a day. One transaction sees one state of the archive throughout.
Short answers come as JSON objects by a prepared SELECT instead: of a day of one series, most of COPY's time would be
planning.
"""

from collections.abc import Generator, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from weakref import WeakKeyDictionary

import psycopg
from psycopg import sql

from connectors.database import DatabaseError, connect, database_name
from connectors.scope import ALL, Scope
from schemas.time import LOCAL, operating_day

DAY = timedelta(days=1)
# A period up to this long is asked for in one piece: an operating day, however the clocks are changed.
_PIECE = timedelta(hours=25)


class ArchiveError(Exception):
    """The selection cannot be made; the text says why and what can."""


class NotOwnError(ArchiveError):
    """The view is about everybody: nothing in it is one entity's."""


@dataclass(frozen=True)
class View:
    """One public view.

    `time`: the column that a period selects by. `order`: makes the order of rows unique. `as_of`: the call that
    answers for a moment. `parts`: the hypertables whose chunks hold every row there can be; a day at a time is read.
    `series`: columns by which rows are of one series; one of these is never long, and read in one piece. `of`: the
    columns that say whose a row is, as `Scope.clause` takes them; none: nobody's in particular.
    """

    order: tuple[str, ...]
    time: str | None = None
    as_of: str | None = None
    parts: tuple[str, ...] = ()
    source: str | None = None
    series: tuple[str, ...] = ()
    of: tuple[str, ...] = ()


class Period(NamedTuple):
    """From an instant to before another; None: without end."""

    begin: datetime | None
    end: datetime | None


EVER = Period(None, None)

_NODE = ("node_kind", "node")
_OBJECT = ("object_kind", "object")


def _balance(view: str) -> View:
    return View(
        ("ts", *_NODE),
        "ts",
        f"{view}_as_of(%(known_at)s, %(begin)s, %(end)s, %(grace)s, least(%(known_at)s, watermark()),"
        " (select node_id from node where kind = %(node_kind)s and node = %(node)s))",
        ("reading", "reading_revision", "balance"),
        series=_NODE,
        of=_NODE,
    )


VIEWS: Mapping[str, View] = {
    "reading": View(
        ("ts", "emc", "code"),
        "ts",
        "reading_as_of(%(known_at)s, %(begin)s, %(end)s)",
        ("reading", "reading_revision"),
        series=("emc", "code"),
        of=("emc",),
    ),
    "revision": View(
        ("ts", "emc", "code", "rank", "sent_at", "seq", "quality", "wh"),
        "ts",
        "revision_as_of(%(known_at)s, %(begin)s, %(end)s)",
        ("reading", "reading_revision"),
        of=("emc",),
    ),
    "balance_15m": _balance("balance_15m"),
    "balance_1h": _balance("balance_1h"),
    "node_now": View(("node_kind", "node"), of=_NODE),
    "gap": View(("first_start", "dctu"), "first_start", "gap_as_of(%(known_at)s, %(grace)s)", of=("dctu",)),
    "completeness": View(
        ("day", "dctu"),
        "day",
        source="completeness(coalesce(%(begin)s::date, '-infinity'), coalesce(%(end)s::date, 'infinity'))",
        of=("dctu",),
    ),
    "completeness_15m": View(("ts", "dctu"), "ts", parts=("partial",), of=("dctu",)),
    "quarantine": View(("received_at", "quarantine_id"), "received_at", "quarantine_as_of(%(known_at)s)", of=("dctu",)),
    "schedule": View(("hour", "unit", "version"), "hour", "schedule_as_of(%(known_at)s)", of=("unit",)),
    "alarm_now": View(("alarm_id",), of=_OBJECT),
    "alarm_event": View(("at", "event_id"), "at", parts=("alarm_event",), of=_OBJECT),
    "alarm_kpi": View(("day",), "day"),
    "audit": View(("at", "audit_id"), "at"),
    "channel": View(("emc", "code"), of=("emc",)),
    "node": View(("node_kind", "node"), as_of="node_as_of(%(known_at)s)", of=_NODE),
}


@dataclass(frozen=True)
class Selection:
    """What is wanted of a view: a period, a moment of knowledge (None: now), columns that must equal a value.

    `grace` says when an interval is late; only answers for a moment need it. `after`: only rows that come after the one
    with these values of the columns that the view is ordered by, as the rows have them. `scope`: whose rows.
    """

    view: str
    period: Period = EVER
    known_at: datetime | None = None
    equal: Mapping[str, str] = field(default_factory=dict)
    grace: timedelta = timedelta()
    after: tuple[str, ...] | None = None
    scope: Scope = ALL


class Column(NamedTuple):
    """A column of a view: its name and PostgreSQL's name of its type."""

    name: str
    type: str


@contextmanager
def reading(url: str) -> Iterator[psycopg.Connection]:
    """A connection that sees one state of the archive and changes nothing. Raises DatabaseError."""
    with connect(url) as connection:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        if connection.execute("select to_regclass('v_node'), to_regproc('watermark')").fetchone() != (
            "v_node", "watermark",
        ):  # fmt: skip
            raise DatabaseError(
                f"the database {database_name(url)} has no archive yet; it is made by the first "
                "`tengerim registry import` or `tengerim worker`"
            )
        yield connection


def view_named(name: str) -> str:
    """The name of a view as `VIEWS` has it, from a name with or without v_. Raises ArchiveError."""
    plain = name.removeprefix("v_")
    if plain not in VIEWS:
        raise ArchiveError(f"there is no view {name!r}; the views are {', '.join(VIEWS)}")
    return plain


# What each connection has learned: columns are only ever added, and who is connected goes on without the new ones.
_COLUMNS: MutableMapping[object, dict[str, list[Column]]] = WeakKeyDictionary()
_COLUMNS_OF = (
    "select attname, format_type(atttypid, atttypmod) from pg_attribute"
    " where attrelid = %s::regclass and attnum > 0 order by attnum"
)


def columns_of(connection: psycopg.Connection, view: str) -> list[Column]:
    """The columns of a view, in order."""
    known = _COLUMNS.setdefault(connection, {})
    if view not in known:
        known[view] = [Column(*row) for row in connection.execute(_COLUMNS_OF, [f"v_{view}"])]
    return known[view]


def check(connection: psycopg.Connection, selection: Selection) -> None:
    """Whether the selection can be made. Raises ArchiveError with what can be, NotOwnError."""
    view, name = VIEWS[selection.view], f"v_{selection.view}"
    if selection.known_at and not view.as_of:
        known = ", ".join(other for other in VIEWS if VIEWS[other].as_of)
        raise ArchiveError(f"{name} is kept for now only; as it was at a moment there are {known}")
    begin, end = selection.period
    if (begin or end) and not view.time:
        raise ArchiveError(f"{name} has no time to choose a period by")
    if begin and end and begin >= end:
        raise ArchiveError(f"the period is empty: {begin.isoformat()} does not lie before {end.isoformat()}")
    names = [column.name for column in columns_of(connection, selection.view)]
    for column in selection.equal:
        if column not in names:
            raise ArchiveError(f"{name} has no column {column}; it has {', '.join(names)}")
    if selection.after is not None:
        types = dict(columns_of(connection, selection.view))
        if not all(_is_of(types[column], text) for column, text in zip(view.order, selection.after, strict=True)):
            raise ArchiveError(f"cursor: no row of {name} stands there; take it from `next` of the page before")
    _check_own(selection)


def _check_own(selection: Selection) -> None:
    if selection.scope.entity is not None and not VIEWS[selection.view].of:
        raise NotOwnError(f"v_{selection.view} is about everybody; nothing in it is one entity's")


_INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}


def _is_of(type_: str, text: str) -> bool:
    """Whether a text is a value of a type as the rows have it."""
    try:
        if type_ == "timestamp with time zone":
            return f"{datetime.fromisoformat(text).replace(tzinfo=None).isoformat()}Z" == text
        if type_ == "date":
            return date.fromisoformat(text).isoformat() == text
        if (limit := _INTEGERS.get(type_)) is not None:
            return -limit <= int(text) < limit and str(int(text)) == text
        # Half a character is no UTF-8.
        return b"\0" not in text.encode()
    except ValueError:
        return False


def lines(connection: psycopg.Connection, selection: Selection, limit: int | None = None) -> Generator[bytes]:
    """The rows as CSV, one a line, without a header: instants ISO 8601 in UTC, durations in seconds, NULL empty."""
    columns = columns_of(connection, selection.view)
    head = sql.SQL("copy (select {}").format(sql.SQL(", ").join(map(_as_text, columns)))
    with connection.cursor() as cursor:
        for query, values in _queries(connection, head, sql.SQL(") to stdout (format csv)"), selection):
            with cursor.copy(query, {**values, "limit": limit}) as copy:
                for line in copy:
                    yield bytes(line)
            if limit is not None and (limit := limit - cursor.rowcount) == 0:
                return


def objects(connection: psycopg.Connection, selection: Selection, limit: int | None = None) -> Generator[str]:
    """The rows as JSON objects: as `lines`, but numbers, booleans, NULL and JSON are what they are."""
    head = _json_head(columns_of(connection, selection.view))
    for query, values in _queries(connection, head, _JSON_TAIL, selection):
        rows = connection.execute(query, {**values, "limit": limit}, prepare=True).fetchall()
        yield from (row[0] for row in rows)
        if limit is not None and (limit := limit - len(rows)) == 0:
            return


async def objects_at_once(connection: psycopg.AsyncConnection, selection: Selection, limit: int) -> list[str]:
    """The same of a selection that is `short`, for who must not wait in a thread."""
    known = _COLUMNS.setdefault(connection, {})
    if (columns := known.get(selection.view)) is None:
        cursor = await connection.execute(_COLUMNS_OF, [f"v_{selection.view}"])
        columns = known[selection.view] = [Column(*row) for row in await cursor.fetchall()]
    query, values = _query(_json_head(columns), _JSON_TAIL, columns, selection, selection.period)
    cursor = await connection.execute(query, {**values, "limit": limit}, prepare=True)
    return [row[0] for row in await cursor.fetchall()]


_JSON_TAIL = sql.SQL(") o")


def _json_head(columns: Sequence[Column]) -> sql.Composable:
    return sql.SQL("select row_to_json(o)::text from (select {}").format(sql.SQL(", ").join(map(_in_json, columns)))


def _queries(
    connection: psycopg.Connection, head: sql.Composable, tail: sql.Composable, selection: Selection
) -> Iterator[tuple[sql.Composed, dict[str, object]]]:
    """The query of one piece of the period after another."""
    view, columns = VIEWS[selection.view], columns_of(connection, selection.view)
    if selection.after is not None and view.time == view.order[0]:
        begin, _ = selection.period
        last = datetime.fromisoformat(selection.after[0])
        # A day begins where people live.
        last = last if last.tzinfo else last.replace(tzinfo=LOCAL)
        selection = replace(selection, period=selection.period._replace(begin=max(begin or last, last)))
    for period in _pieces(connection, selection):
        yield _query(head, tail, columns, selection, period)


def _query(
    head: sql.Composable, tail: sql.Composable, columns: Sequence[Column], selection: Selection, period: Period
) -> tuple[sql.Composed, dict[str, object]]:
    """`head from rows in order, up to a limit, tail`, and its parameters."""
    rows, values = _rows(selection, period, {column.name: column.type for column in columns})
    # By the columns themselves: the head may give a text of one the same name.
    order = sql.SQL(", ").join(sql.Identifier("rows", column) for column in VIEWS[selection.view].order)
    return sql.SQL("{} from {} rows order by {} limit %(limit)s{}").format(head, rows, order, tail), values


def count(connection: psycopg.Connection, selection: Selection) -> int:
    """How many rows there are."""
    total = 0
    for period in _pieces(connection, selection):
        rows, values = _rows(selection, period, {})
        row = connection.execute(sql.SQL("select count(*) from {} rows").format(rows), values).fetchone()
        total += row[0] if row else 0
    return total


def _rows(selection: Selection, period: Period, types: Mapping[str, str]) -> tuple[sql.Composable, dict[str, object]]:
    """The rows of a period, as a subquery and its parameters. `types`: of the columns, to begin after a row."""
    view = VIEWS[selection.view]
    bounds = map(_first_day, period) if view.time == "day" else period
    values: dict[str, object] = {"known_at": selection.known_at, "grace": selection.grace}
    values |= {"node_kind": None, "node": None}
    values |= zip(("begin", "end"), bounds, strict=True)
    source = (view.as_of if selection.known_at else view.source) or f"v_{selection.view}"
    _check_own(selection)
    wanted: list[sql.Composable] = [selection.scope.clause(*view.of) if view.of else sql.SQL("true")]
    for name, operator in (("begin", ">="), ("end", "<")):
        if view.time and values[name]:
            wanted.append(sql.SQL(f"{{}} {operator} %({name})s").format(sql.Identifier(view.time)))
    for column, value in selection.equal.items():
        wanted.append(sql.SQL("{} = {}").format(sql.Identifier(column), sql.Placeholder(column)))
        values[column] = value
    if selection.after is not None:
        names = [sql.Identifier(name) for name in view.order]
        last = [sql.SQL(f"%(after_{name})s::{types[name]}") for name in view.order]
        wanted.append(sql.SQL("({}) > ({})").format(sql.SQL(", ").join(names), sql.SQL(", ").join(last)))
        values |= {f"after_{name}": value for name, value in zip(view.order, selection.after, strict=True)}
    return sql.SQL("(select * from {} where {})").format(sql.SQL(source), sql.SQL(" and ").join(wanted)), values


def short(selection: Selection) -> bool:
    """Whether it is little, so that it is asked for in one piece."""
    view, (begin, end) = VIEWS[selection.view], selection.period
    one = view.series and selection.known_at is None and set(view.series) <= selection.equal.keys()
    return bool(one) or (begin is not None and end is not None and end - begin <= _PIECE)


def _pieces(connection: psycopg.Connection, selection: Selection) -> Iterator[Period]:
    """The period in pieces: UTC days of what the chunks can hold; in one where that is not much."""
    view, (begin, end) = VIEWS[selection.view], selection.period
    if short(selection) or not view.parts:
        yield selection.period
        return
    row = connection.execute(
        "select min(range_start), max(range_end) from timescaledb_information.chunks where hypertable_name = any(%s)",
        [list(view.parts)],
    ).fetchone()
    first, last = row or (None, None)
    if first is None or last is None:
        return
    begin, end = max(begin or first, first), min(end or last, last)
    while begin < end:
        midnight = datetime.combine(begin.astimezone(UTC).date(), time(), UTC) + DAY
        yield Period(begin, min(midnight, end))
        begin = midnight


def _first_day(at: datetime | None) -> str | None:
    """The first operating day that starts at or after an instant, in ISO 8601."""
    if at is None:
        return None
    begins_then = at.astimezone(LOCAL).time() == time()
    return (operating_day(at) + (timedelta() if begins_then else DAY)).isoformat()


def _in_json(column: Column) -> sql.Composable:
    """The same in JSON."""
    name = sql.Identifier(column.name)
    if column.type in ("timestamp with time zone", "interval"):
        return sql.SQL("{} as {}").format(_as_text(column), name)
    return name


def _as_text(column: Column) -> sql.Composable:
    """The expression that writes a column as the files have it."""
    name = sql.Identifier(column.name)
    if column.type == "timestamp with time zone":
        return sql.SQL(
            "to_char({0} at time zone 'UTC', case when {0} = date_trunc('second', {0})"
            """ then 'YYYY-MM-DD"T"HH24:MI:SS"Z"' else 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' end)"""
        ).format(name)
    if column.type == "interval":
        return sql.SQL("extract(epoch from {})::bigint").format(name)
    if column.type == "boolean":
        return sql.SQL("{}::text").format(name)
    return name
