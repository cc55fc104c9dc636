"""`tengerim alarms kpi | backtest | check`: how much is asked of operators, and what other rules would ask."""

import asyncio
import json
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import cyclopts
import psycopg
from cyclopts import Parameter

from alerts import kpi
from alerts.backtest import Occurrence, Replay, vanished
from alerts.master import Master, MasterError, parse, shipped
from alerts.texts import quantity
from connectors.database import connect, connect_async, space_url
from infra import settings
from infra.cli.error import UserError
from infra.cli.instants import instant
from infra.cli.tables import table_lines
from infra.receivers import CONFIG, filled
from infra.words import many
from schemas.alarm import AlarmType, Unit
from schemas.settings import Settings
from schemas.time import LOCAL
from streams.backtest import backtest
from streams.kpis import as_document, read_kpis

_MONTH = timedelta(days=30)
_SHOWN = 200


def register(app: cyclopts.App) -> None:
    """Add the commands to `app`."""
    for command, name in ((kpi_, "kpi"), (backtest_, "backtest"), (check, "check"), (receivers, "receivers")):
        app.command(command, name=name)


def kpi_(
    *,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    to: str | None = None,
    format_: Annotated[Literal["table", "json"], Parameter(name="--format")] = "table",
) -> None:
    """Show how much was asked of operators, against the targets of the standards.

    Parameters
    ----------
    from_
        From this instant; without it, the 30 days before the end, or as long as there is a journal. Without an
        offset it is local time.
    to
        Up to this instant, itself excluded; without it, the newest entry of the journal.
    """
    loaded = settings.load("database")
    with connect(space_url(loaded.database, loaded.space)) as connection:
        try:
            begin, end = _period(connection, from_, to)
            found = read_kpis(connection, begin, end, rules_of(loaded).positions)
        except psycopg.errors.UndefinedTable:
            raise UserError(f"space {loaded.space} has no alarms yet; `tengerim worker` makes its tables") from None
    if format_ == "json":
        print(json.dumps(as_document(found, begin, end), ensure_ascii=False, indent=1))  # noqa: T201
        return
    print(f"{_local(begin)} to {_local(end)}")  # noqa: T201
    print(*_kpi_lines(found), sep="\n")  # noqa: T201


def backtest_(
    *,
    from_: Annotated[str, Parameter(name="--from")],
    to: str,
    rules: Path | None = None,
    format_: Annotated[Literal["table", "json"], Parameter(name="--format")] = "table",
) -> None:
    """Let rules go through the archive: what they would have called an operator for, and which calls would vanish.

    Parameters
    ----------
    from_
        Start of the period; without an offset it is local time.
    to
        Its end, itself excluded.
    rules
        A master alarm database to try, compared with the one in force; without it the one in force alone.
    """
    begin, end = instant("--from", from_), instant("--to", to)
    assert begin is not None
    assert end is not None
    if begin >= end:
        raise UserError(f"the period is empty: {begin.isoformat()} does not lie before {end.isoformat()}")
    loaded = settings.load("database")
    masters = [rules_of(loaded)] if rules is None else [_read(rules), rules_of(loaded)]
    begun = time.monotonic()
    replays = asyncio.run(_replay(loaded, masters, begin, end))
    _report(replays, begin, end, time.monotonic() - begun, format_)


def check(file: Path, /) -> None:
    """Check a master alarm database without putting it in force.

    Parameters
    ----------
    file
        The YAML file.
    """
    master = _read(file)
    print(f"{file} is right: {len(AlarmType)} types, digest {master.digest}")  # noqa: T201


def receivers() -> None:
    """Print the configuration for an Alertmanager of your own, its receivers filled from the settings."""
    sys.stdout.write(filled(CONFIG.read_text(encoding="utf-8"), settings.read()))


async def _replay(loaded: Settings, masters: list[Master], begin: datetime, end: datetime) -> list[Replay]:
    url = space_url(loaded.database, loaded.space)
    # Says what is wrong where there is no database.
    connect(url).close()
    connection = await connect_async(url, idle_s=3600)
    try:
        return await backtest(connection, masters, begin, end, loaded.grace, _progress())
    except psycopg.errors.UndefinedTable:
        raise UserError(f"space {loaded.space} has no archive yet; `tengerim worker` makes its tables") from None
    finally:
        await connection.close()


def _progress() -> Any:
    """Says how far it is, every few seconds, to people who wait."""
    said = [time.monotonic()]

    def say(done: int, of: int) -> None:
        if time.monotonic() - said[0] >= 5.0:
            said[0] = time.monotonic()
            print(f"{done / of:.0%}", file=sys.stderr, flush=True)  # noqa: T201

    return say


def _report(replays: list[Replay], begin: datetime, end: datetime, seconds: float, format_: str) -> None:
    tried = replays[0]
    called = [one for one in tried.occurrences if one.annunciated and begin <= one.raised_at < end]
    lost = (
        [one for one in vanished(replays[1].occurrences, tried.occurrences) if begin <= one.raised_at < end]
        if (len(replays) > 1)
        else []
    )
    figures = tried.kpis(begin, end)
    if format_ == "json":
        document = {
            "calls": [_as_document(one) for one in called],
            "suppressed": sum(not one.annunciated for one in tried.occurrences),
            "vanish": [_as_document(one) for one in lost],
            "kpis": as_document(figures, begin, end),
            "seconds": round(seconds, 2),
        }
        print(json.dumps(document, ensure_ascii=False, indent=1))  # noqa: T201
        return
    print(f"{many(len(called), 'call')} from {_local(begin)} to {_local(end)}:")  # noqa: T201
    print(*_occurrence_lines(called), sep="\n")  # noqa: T201
    if len(replays) > 1:
        print(f"\n{many(len(lost), 'call')} of the rules in force would vanish:")  # noqa: T201
        print(*_occurrence_lines(lost), sep="\n")  # noqa: T201
    print()  # noqa: T201
    print(*_kpi_lines(figures), sep="\n")  # noqa: T201
    print(f"\n{seconds:.1f} s", file=sys.stderr)  # noqa: T201


def _occurrence_lines(found: list[Occurrence]) -> list[str]:
    rows = [
        [
            _local(one.raised_at), _lasted(one), one.priority, one.key.type, f"{one.key.kind}/{one.key.code}",
            "" if one.value is None else quantity(one.value, Unit(one.unit), "en", signed=True),
        ]
        for one in found[:_SHOWN]
    ]  # fmt: skip
    if not rows:
        return ["none"]
    lines = list(table_lines(("called", "lasted", "priority", "type", "object", "value"), rows, ("lasted", "value")))
    if len(found) > _SHOWN:
        lines.append(f"and {len(found) - _SHOWN:,} more; --format json has them all")
    return lines


def _lasted(one: Occurrence) -> str:
    if one.cleared_at is None:
        return "to the end"
    minutes = round((one.cleared_at - one.raised_at) / timedelta(minutes=1))
    return f"{minutes // 60}:{minutes % 60:02d}"


def _as_document(one: Occurrence) -> dict[str, Any]:
    return {
        "type": one.key.type, "object_kind": one.key.kind, "object": one.key.code, "priority": one.priority,
        "since": None if one.since is None else one.since.isoformat(), "raised_at": one.raised_at.isoformat(),
        "cleared_at": None if one.cleared_at is None else one.cleared_at.isoformat(), "value": one.value,
        "unit": one.unit,
    }  # fmt: skip


def _kpi_lines(found: kpi.Kpis) -> list[str]:
    rows = [
        [
            figure.name, f"{figure.value:,.2f}".rstrip("0").rstrip("."), figure.unit, figure.target,
            "" if figure.met is None else "yes" if figure.met else "NO",
        ]
        for figure in found.figures
    ]  # fmt: skip
    lines = list(table_lines(("figure", "value", "", "target", "met"), rows, ("value",)))
    if found.top:
        top = [[name, str(calls), f"{share:.1%}"] for name, calls, share in found.top]
        lines += ["", *table_lines(("most frequent", "calls", "share"), top, ("calls", "share"))]
    return lines


def _period(connection: psycopg.Connection, from_: str | None, to: str | None) -> tuple[datetime, datetime]:
    end = instant("--to", to)
    begin = instant("--from", from_)
    if begin is None or end is None:
        row = connection.execute("select min(at), max(at) + interval '1 microsecond' from v_alarm_event").fetchone()
        if row is None or row[0] is None:
            raise UserError("the journal is empty: nobody has been called yet")
        end = end or row[1]
        # Days before there was a journal were not calm.
        begin = begin or max(end - _MONTH, row[0])
    if begin >= end:
        raise UserError(f"the period is empty: {begin.isoformat()} does not lie before {end.isoformat()}")
    return begin, end


def rules_of(loaded: Settings) -> Master:
    """The rules that the settings name, or those that are shipped. Raises UserError."""
    return _read(Path(loaded.alarm_rules)) if loaded.alarm_rules else shipped()


def _read(file: Path) -> Master:
    try:
        return parse(file.read_text(encoding="utf-8"), str(file))
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None
    except MasterError as error:
        raise UserError(str(error)) from None


def _local(at: datetime) -> str:
    return f"{at.astimezone(LOCAL):%Y-%m-%d %H:%M}"
