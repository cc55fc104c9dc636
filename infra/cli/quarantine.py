"""`tengerim quarantine list | show | replay`: what was refused."""

import csv
import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import cyclopts
import psycopg

from connectors.database import connect, space_url
from connectors.producer import Producer
from connectors.quarantine import Choice, QuarantineError, Refused, Replayed, find, message_of, replay, replay_mended
from infra import settings
from infra.cli.error import UserError
from infra.cli.instants import instant
from infra.cli.tables import shown, table_lines
from infra.words import many
from schemas.rules import Rule
from schemas.settings import Settings

SHOWN = ("quarantine_id", "received_at", "rule", "dctu", "channel", "start", "wh", "replayed_at", "detail")

OfRule = Annotated[Rule | None, cyclopts.Parameter(name="--rule", name_transform=str, help="Refused by this rule.")]
OfDctu = Annotated[str | None, cyclopts.Parameter(name="--dctu", help="Of this DCTU.")]


def register(app: cyclopts.App) -> None:
    """Add the commands to `app`."""
    quarantine = cyclopts.App(name="quarantine", help="What was refused: list it, look at it, send it again.")
    for command, name in ((list_, "list"), (show, "show"), (replay_, "replay")):
        quarantine.command(command, name=name)
    app.command(quarantine)


def list_(
    *,
    rule: OfRule = None,
    dctu: OfDctu = None,
    from_: Annotated[str | None, cyclopts.Parameter(name="--from")] = None,
    to: str | None = None,
    limit: Annotated[int, cyclopts.Parameter(validator=cyclopts.validators.Number(gte=1))] = 100,
    format_: Annotated[Literal["table", "csv", "json"], cyclopts.Parameter(name="--format")] = "table",
) -> None:
    """List what was refused, the newest first.

    Parameters
    ----------
    from_
        When it came (the stream's time), from this instant; without an offset it is local time.
    to
        Up to this instant, itself excluded.
    limit
        At most this many.
    """
    choice = Choice(rule=rule, dctu=dctu, begin=instant("--from", from_), end=instant("--to", to))
    with _archive(settings.load("database")) as connection:
        rows = find(connection, choice, limit)
    match format_:
        case "table" if not rows:
            print("nothing was refused")  # noqa: T201
        case "table":
            print(*(_lines(rows) if sys.stdout.isatty() else _table(rows)), sep="\n")  # noqa: T201
        case "csv":
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(Refused._fields)
            writer.writerows([_text(value) for value in row] for row in rows)
        case "json":
            print(json.dumps([row._asdict() for row in rows], default=_text, ensure_ascii=False, indent=1))  # noqa: T201


def show(number: int, /) -> None:
    """Write the message that a refusal came in to the standard output, byte for byte.

    Parameters
    ----------
    number
        The quarantine_id that `list` shows.
    """
    with _archive(settings.load("database")) as connection:
        message = message_of(connection, number)
    sys.stdout.buffer.write(message)
    sys.stdout.buffer.flush()


def replay_(
    *numbers: int,
    rule: OfRule = None,
    dctu: OfDctu = None,
    all_: Annotated[bool, cyclopts.Parameter(name="--all", negative="")] = False,
    frame: Path | None = None,
) -> None:
    """Send refused messages again: after the master data were corrected, say, or a corrected copy.

    Parameters
    ----------
    numbers
        The quarantine_ids that `list` shows. Without them: what has not been replayed, of the rule or DCTU, or all.
    all_
        Everything that has not been replayed.
    frame
        A file with the mended message (see `show`), to be sent in place of the one that the number came in.
    """
    if frame is not None and (len(numbers) != 1 or rule or dctu or all_):
        raise UserError("--frame mends one message: give the one number that it came under, and nothing else")
    if bool(numbers) + bool(rule or dctu) + all_ != 1:
        raise UserError(
            "say what to replay: numbers, or --rule or --dctu or both, or --all; `tengerim quarantine list` shows them"
        )
    mended = _read(frame) if frame else None
    loaded = settings.load("kafka", "database")
    with _archive(loaded) as connection, Producer(loaded.kafka, loaded.space) as producer:
        if mended is not None:
            done = replay_mended(connection, producer, numbers[0], mended)
        else:
            choice = Choice(ids=list(numbers) or None, rule=rule, dctu=dctu, waiting=not numbers)
            done = replay(connection, producer, choice)
    print(f"{summary(done)}.")  # noqa: T201


def summary(done: Replayed) -> str:
    """What a replay did, in words."""
    parts = []
    if done.readings:
        parts.append(many(done.readings, "reading"))
    if done.messages:
        parts.append(many(done.messages, "whole message"))
    sent = f"Sent again: {' and '.join(parts)}" if parts else "Nothing to send again"
    return f"{sent}; {done.conflicts:,} CONFLICT left alone, both values are kept already" if done.conflicts else sent


@contextmanager
def _archive(loaded: Settings) -> Iterator[psycopg.Connection]:
    """The archive of the space; what goes wrong inside becomes a UserError."""
    with closing(connect(space_url(loaded.database, loaded.space))) as connection:
        try:
            yield connection
        except QuarantineError as error:
            raise UserError(str(error)) from None
        except psycopg.errors.UndefinedTable:
            raise UserError(f"space {loaded.space} has no tables yet; nothing was ever refused there") from None
        except psycopg.OperationalError as error:
            problem = str(error).splitlines()[0]
            raise UserError(f"the database broke off ({problem}); see `tengerim status`, then try again") from None


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None


def _table(rows: Sequence[Refused]) -> Iterator[str]:
    return table_lines(SHOWN, [[str(_text(getattr(row, name)) or "") for name in SHOWN] for row in rows])


def _lines(rows: Sequence[Refused]) -> Iterator[str]:
    """For a terminal of 80 columns: what is wrong stands below what it is about."""
    for row in rows:
        about = [row.dctu, row.channel, row.start and row.start.replace("T", " ").replace(":00+00:00", "Z")]
        again = ["replayed"] if row.replayed_at else []
        head = f"{row.quarantine_id:>8}  {row.received_at:%Y-%m-%d %H:%M:%S}Z  {row.rule:<9}"
        yield "  ".join([head, *map(shown, filter(None, about)), *again])
        yield textwrap.fill(shown(row.detail), initial_indent=" " * 10, subsequent_indent=" " * 10)


def _text(value: object) -> object:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
