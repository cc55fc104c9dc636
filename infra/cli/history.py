"""`tengerim history VIEW`: the archive, of any period, as known now or at a given moment."""

import csv
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing, nullcontext
from pathlib import Path
from typing import IO, Annotated, Literal, get_args

import cyclopts
import psycopg

from alerts.master import NodeKind
from connectors import archive
from connectors.archive import ArchiveError, Column, Period, Selection
from connectors.archive_files import csv_of, parquet_of, replacing
from connectors.database import space_url
from infra import settings
from infra.cli.error import UserError
from infra.cli.instants import instant
from infra.cli.tables import table_lines

KINDS: tuple[str, ...] = get_args(NodeKind)
SHOWN_AT_MOST = 1_000
NUMBERS = ("smallint", "integer", "bigint", "double precision", "interval")

Option = cyclopts.Parameter
Form = Literal["table", "csv", "parquet"]
_FORM_OF: Mapping[str, Form] = {".csv": "csv", ".parquet": "parquet"}


def register(app: cyclopts.App) -> None:
    """Add the command to `app`."""
    app.command(history)


def history(
    view: str,
    /,
    *,
    from_: Annotated[str | None, Option(name="--from")] = None,
    to: str | None = None,
    as_of: str | None = None,
    node: str | None = None,
    emc: str | None = None,
    unit: str | None = None,
    dctu: str | None = None,
    format_: Annotated[Form | None, Option(name="--format")] = None,
    out: Path | None = None,
) -> None:
    """Show or export a view of the archive.

    The views: reading, revision, balance_15m, balance_1h, gap, completeness, quarantine, schedule, node, node_now,
    alarm_now, alarm_event, alarm_kpi.
    Instants are written in ISO 8601, as 2026-11-20, 2026-11-20T09:30 or 2026-11-20T04:30Z; without an offset they are
    local time, Asia/Almaty. What comes out is in UTC, energy in Wh, durations in seconds.

    Parameters
    ----------
    view
        Name of the view, with or without v_.
    from_
        Start of the period: of intervals and hours by their start, of gaps by their first interval, of days by their
        start, of quarantine by when it came.
    to
        End of the period, itself excluded.
    as_of
        Answer with what the archive knew at this instant: readings, schedules and master data that came later are
        left out.
    node
        Only this node, as KIND/CODE: for example zone/North.
    emc
        Only this metering complex.
    unit
        Only this unit.
    dctu
        Only this DCTU.
    format_
        table (at most 1,000 rows), csv or parquet; without it as --out ends, else a table.
    out
        The file to write, replaced when it is whole; without it: the standard output.
    """
    form = format_ or _FORM_OF.get(out.suffix.lower() if out else "", "table")
    if form == "parquet" and out is None:
        raise UserError("a Parquet file cannot be shown: name it with --out FILE")
    period = Period(instant("--from", from_), instant("--to", to))
    equal = _equal(node, {"emc": emc, "unit": unit, "dctu": dctu})
    read = settings.load("database")
    try:
        selection = Selection(archive.view_named(view), period, instant("--as-of", as_of), equal, read.grace)
        with archive.reading(space_url(read.database, read.space)) as connection:
            archive.check(connection, selection)
            _write(connection, selection, form, out)
    except ArchiveError as error:
        raise UserError(str(error)) from None
    except psycopg.Error as error:
        raise UserError(f"the database stopped answering: {str(error).splitlines()[0]}") from None
    except BrokenPipeError:
        # The reader (head, less) has seen enough; nothing is left to be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise UserError(f"{out or 'the standard output'} cannot be written: {error.strerror}") from None


def _write(connection: psycopg.Connection, selection: Selection, form: Form, out: Path | None) -> None:
    columns = archive.columns_of(connection, selection.view)
    limit = SHOWN_AT_MOST if form == "table" else None
    with (
        nullcontext(sys.stdout.buffer) if out is None else replacing(out) as file,
        # Closed first, so that an error here leaves no half-read COPY behind.
        closing(archive.lines(connection, selection, limit)) as lines,
    ):
        match form:
            case "csv":
                file.writelines(csv_of(lines, columns))
            case "parquet":
                file.writelines(parquet_of(lines, columns))
            case _:
                shown = _write_table(lines, columns, file)
                left = archive.count(connection, selection) - shown if shown == limit else 0
                if left:
                    file.write(f"{left:,} more rows are not shown: narrow the period, or use --format csv\n".encode())
        file.flush()


def _write_table(lines: Iterable[bytes], columns: list[Column], file: IO[bytes]) -> int:
    """The lines as a table; how many."""
    numbers = {column.name for column in columns if column.type in NUMBERS}
    rows = list(csv.reader(line.decode() for line in lines))
    text = table_lines([column.name for column in columns], rows, numbers) if rows else ["no rows"]
    file.writelines(f"{line}\n".encode() for line in text)
    return len(rows)


def _equal(node: str | None, others: dict[str, str | None]) -> dict[str, str]:
    equal = {column: value for column, value in others.items() if value is not None}
    if node is None:
        return equal
    kind, slash, code = node.partition("/")
    if not slash or not code or kind not in KINDS:
        raise UserError(f"--node {node!r} is not KIND/CODE, as zone/North; the kinds are {', '.join(KINDS)}")
    return {"node_kind": kind, "node": code, **equal}
