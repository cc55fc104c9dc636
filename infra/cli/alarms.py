"""`tengerim alarms …`: what stands, its journal, and operators' orders."""

import csv
import getpass
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import uuid4

import cyclopts
import psycopg
from cyclopts import Parameter

from alerts.texts import quantity
from connectors.alarm_lists import Wanted, journal_of, list_alarms
from connectors.commands import send_commands, wait_for_answers
from connectors.database import connect, space_url
from infra import settings
from infra.cli import alarms_rules
from infra.cli.error import UserError
from infra.cli.instants import instant
from infra.cli.tables import table_lines
from schemas.alarm import AlarmType, Priority, State, Unit
from schemas.command import Command, Order
from schemas.settings import Settings
from schemas.time import LOCAL

ANSWER_S = 15.0

_Format = Annotated[Literal["table", "csv", "json"], Parameter(name="--format")]
OfType = Annotated[AlarmType | None, Parameter(name="--type", name_transform=str, help="Of this type.")]
OfPriority = Annotated[Priority | None, Parameter(name="--priority", help="Of this priority.")]
OfState = Annotated[State | None, Parameter(name="--state", name_transform=str, help="In this state.")]
OfObject = Annotated[str | None, Parameter(name="--object", help="Of this object: KIND/CODE, as facility/GRES1.")]
OfZone = Annotated[str | None, Parameter(name="--zone", help="Of objects in this zone.")]
As = Annotated[str, Parameter(name="--as", help="Who gives the order; without it the name you are logged in under.")]
Reason = Annotated[str, Parameter(name="--reason", help="Why.")]
From = Annotated[str | None, Parameter(name="--from", help="From this instant; without an offset it is local time.")]
To = Annotated[str | None, Parameter(name="--to", help="Up to this instant, itself excluded.")]


def register(app: cyclopts.App) -> None:
    """Add the commands to `app`."""
    alarms = cyclopts.App(name="alarms", help="What stands, its journal, and operators' orders (ISA-18.2).")
    commands = (
        (list_, "list"), (show, "show"), (ack, "ack"), (reset, "reset"), (shelve, "shelve"), (unshelve, "unshelve"),
        (suppress, "suppress"), (out_of_service, "out-of-service"), (return_, "return"), (comment, "comment"),
        (export, "export"),
    )  # fmt: skip
    for command, name in commands:
        alarms.command(command, name=name)
    alarms_rules.register(alarms)
    app.command(alarms)


def list_(
    *,
    type_: OfType = None,
    priority: OfPriority = None,
    state: OfState = None,
    object_: OfObject = None,
    zone: OfZone = None,
    all_: Annotated[bool, Parameter(name="--all", negative="", help="Also those that are normal now.")] = False,
    format_: _Format = "table",
) -> None:
    """List the alarms: those that ask for somebody first, then by priority, the newest first."""
    wanted = replace(_wanted(type_, priority, object_, zone), state=state, normal=all_ or state == State.NORM)
    with _archive(settings.load("database")) as connection:
        rows = list_alarms(connection, wanted)
    match format_:
        case "table" if not rows:
            print("no alarms")  # noqa: T201
        case "table":
            print(*_table(rows), sep="\n")  # noqa: T201
        case "csv":
            _write_csv(rows)
        case "json":
            print(json.dumps(rows, default=_text, ensure_ascii=False, indent=1))  # noqa: T201


def show(number: int, /) -> None:
    """Show an alarm with its journal.

    Parameters
    ----------
    number
        The number that `list` shows.
    """
    with _archive(settings.load("database")) as connection:
        found = list_alarms(connection, Wanted(alarm_id=number, normal=True))
        if not found:
            raise UserError(f"there is no alarm {number}; `tengerim alarms list --all` shows those there are")
        (alarm,) = found
        entries = list(journal_of(connection, Wanted(alarm_id=number), newest=200))
    width = max(map(len, alarm))
    for name, value in alarm.items():
        if value is not None and name not in ("detail", "unit"):
            print(f"{name:<{width}}  {_shown(alarm, name)}")  # noqa: T201
    for name, value in alarm["detail"].items():
        print(f"{name:<{width}}  {json.dumps(value, ensure_ascii=False)}")  # noqa: T201
    print()  # noqa: T201
    rows = [
        [_local(e["at"]), e["event"], e["state"], e["priority"], _amount(e), e["actor"] or "", e["reason"] or ""]
        for e in entries
    ]
    header = ("at", "event", "state", "priority", "value", "by", "reason")
    print(*table_lines(header, rows), sep="\n")  # noqa: T201


def ack(*numbers: int, as_: As = "", reason: Reason = "") -> None:
    """Acknowledge alarms: somebody has taken note of them and acts.

    Parameters
    ----------
    numbers
        The numbers that `list` shows.
    """
    _order("acknowledge", numbers, as_, reason)


def reset(*numbers: int, as_: As = "", reason: Reason = "") -> None:
    """Reset latched alarms that have been acknowledged and whose condition has passed."""
    _order("reset", numbers, as_, reason)


def shelve(
    *numbers: int,
    minutes: Annotated[int, Parameter(help="For how long.")],
    reason: Reason,
    as_: As = "",
) -> None:
    """Put alarms aside for a time: their conditions are followed, nobody is called."""
    _order("shelve", numbers, as_, reason, minutes=minutes)


def unshelve(*numbers: int, as_: As = "", reason: Reason = "") -> None:
    """End the shelving of alarms before its time."""
    _order("unshelve", numbers, as_, reason)


def suppress(*numbers: int, reason: Reason, as_: As = "") -> None:
    """Suppress alarms by design: the deviation is ordered by the system operator, say. `return` ends it."""
    _order("suppress", numbers, as_, reason)


def out_of_service(
    *numbers: int,
    reason: Reason,
    approver: Annotated[str, Parameter(help="Who has approved it.")],
    as_: As = "",
) -> None:
    """Take alarms out of service, for maintenance. `return` ends it."""
    _order("remove", numbers, as_, reason, approver=approver)


def return_(*numbers: int, as_: As = "", reason: Reason = "") -> None:
    """Return alarms to service, or end their suppression by design."""
    _order("return", numbers, as_, reason)


def comment(number: int, text: str, /, *, as_: As = "") -> None:
    """Write a comment into an alarm's journal."""
    _order("comment", [number], as_, text)


def export(
    *,
    from_: From = None,
    to: To = None,
    type_: OfType = None,
    priority: OfPriority = None,
    object_: OfObject = None,
    zone: OfZone = None,
    format_: Annotated[Literal["csv", "json"], Parameter(name="--format")] = "csv",
) -> None:
    """Write the journal to the standard output, in order: as CSV, or one JSON document a line."""
    begin, end = _period(from_, to)
    with _archive(settings.load("database")) as connection:
        rows = journal_of(connection, _wanted(type_, priority, object_, zone), begin, end)
        if format_ == "csv":
            _write_csv(rows)
        else:
            for row in rows:
                print(json.dumps(row, default=_text, ensure_ascii=False))  # noqa: T201


def _order(
    order: Order, numbers: Sequence[int], as_: str, reason: str, minutes: int | None = None, approver: str = ""
) -> None:
    if not numbers:
        raise UserError(
            f"say which: the numbers that `tengerim alarms list` shows, as `tengerim alarms {_SAID[order]} 7`"
        )
    actor = as_.strip() or _user()
    now = datetime.now(UTC)
    try:
        commands = [
            Command(
                command_id=uuid4(), sent_at=now, order=order, alarm_id=number, actor=actor, reason=reason,
                minutes=minutes, approver=approver,
            )
            for number in numbers
        ]  # fmt: skip
    except ValueError as error:
        first = error.errors()[0]  # type: ignore[attr-defined]
        option = {"alarm_id": "NUMBER", "actor": "--as", "reason": "TEXT" if order == "comment" else "--reason"}.get(
            str(first["loc"][0]), f"--{first['loc'][0]}"
        )
        problem = first["msg"].replace("Input should", "should").replace("String should", "should")
        given = first["input"]
        raise UserError(f"{option} {(given[:40] if isinstance(given, str) else given)!r}: {problem}") from None
    loaded = settings.load("kafka", "database")
    with _archive(loaded) as connection:
        _check_there(connection, numbers)
        send_commands(loaded.kafka, loaded.space, commands)
        answers = wait_for_answers(connection, commands, ANSWER_S)
    refused = [answer.answer for answer in answers if not answer.done]
    for answer in answers:
        if answer.done:
            print(answer.answer)  # noqa: T201
    if len(answers) < len(commands):
        refused.append(
            f"{len(commands) - len(answers)} of {len(commands)} orders have no answer within {ANSWER_S:.0f} s; they "
            "stand on the topic and are obeyed when a worker runs (`tengerim worker`)"
        )
    if refused:
        raise UserError("\n".join(refused))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise UserError("nobody is logged in here by name: say who gives the order, --as NAME") from None


def _check_there(connection: psycopg.Connection, numbers: Sequence[int]) -> None:
    rows = connection.execute("select alarm_id from alarm where alarm_id = any (%s)", [list(numbers)]).fetchall()
    connection.rollback()
    if missing := sorted(set(numbers) - {row[0] for row in rows}):
        named = ", ".join(map(str, missing))
        raise UserError(f"there is no alarm {named}; `tengerim alarms list --all` shows those there are")


_SAID = {
    "acknowledge": "ack", "reset": "reset", "shelve": "shelve", "unshelve": "unshelve", "suppress": "suppress",
    "unsuppress": "return", "remove": "out-of-service", "return": "return", "comment": "comment",
}  # fmt: skip


def _wanted(type_: str | None, priority: str | None, object_: str | None, zone: str | None) -> Wanted:
    kind = code = None
    if object_ is not None:
        kind, slash, code = object_.partition("/")
        if not (kind and slash and code):
            raise UserError(f"--object {object_!r} is not KIND/CODE, as facility/GRES1")
    return Wanted(type=type_, priority=priority, kind=kind, object=code, zone=zone)


def _period(from_: str | None, to: str | None) -> tuple[datetime | None, datetime | None]:
    begin, end = instant("--from", from_), instant("--to", to)
    if begin and end and begin >= end:
        raise UserError(f"the period is empty: {begin.isoformat()} does not lie before {end.isoformat()}")
    return begin, end


@contextmanager
def _archive(loaded: Settings) -> Iterator[psycopg.Connection]:
    """The archive of the space; what goes wrong inside becomes a UserError."""
    with closing(connect(space_url(loaded.database, loaded.space))) as connection:
        try:
            yield connection
        except psycopg.errors.UndefinedTable:
            raise UserError(f"space {loaded.space} has no alarms yet; `tengerim worker` makes its tables") from None


def _table(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    header = ("no.", "priority", "state", "type", "object", "value", "limit", "since", "called", "")
    cells = [
        [
            str(row["alarm_id"]), row["priority"], row["state"], row["type"], f"{row['object_kind']}/{row['object']}",
            _amount(row), _amount(row, "limit_value"), _local(row["since"]), _local(row["raised_at"]), _remark(row),
        ]
        for row in rows
    ]  # fmt: skip
    return table_lines(header, cells, ("no.", "value", "limit"))


def _remark(row: dict[str, Any]) -> str:
    if row["out_of_service"]:
        return f"out of service: {row['out_of_service']}"
    if row["suppressed_by"]:
        return f"suppressed: {row['suppressed_by']}"
    if row["shelved_until"]:
        return f"shelved until {_local(row['shelved_until'])}"
    if row["acked_by"]:
        return f"acknowledged by {row['acked_by']}"
    return "nobody has responded in time" if row["escalated"] else ""


def _amount(row: dict[str, Any], name: str = "value") -> str:
    value = row[name]
    if value is None:
        return ""
    return quantity(value, Unit(row["unit"]), "en", signed=name == "value" and row["unit"] in (Unit.W, Unit.WH))


def _shown(alarm: dict[str, Any], name: str) -> str:
    """A column as people read it: MW, and local time, as the journal below has them."""
    if name in ("value", "limit_value"):
        return _amount(alarm, name)
    value = alarm[name]
    return f"{_local(value)} {LOCAL.key}" if isinstance(value, datetime) else str(_text(value))


def _local(at: datetime | None) -> str:
    return f"{at.astimezone(LOCAL):%Y-%m-%d %H:%M}" if at is not None else ""


def _write_csv(rows: Iterable[dict[str, Any]]) -> None:
    writer = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow({name: _text(value) for name, value in row.items()})


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return value if value is None or isinstance(value, int | float | bool) else str(value)
