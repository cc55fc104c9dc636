"""A case: a folder of small files that say what is given, what happens, and what must then stand in the views.

`given/` holds master data, known from the case's first tick on. `when/` holds numbered steps, named NN-KIND-anything:

- `frames.csv`: `tick,dctu,seq,sent_at,emc,code,start,kwh,status`. Rows one below the other with the same dctu, seq and
  sent_at are one frame. `tick` is what the clock says when the frame comes: a tick of that time goes before it,
  unless the row above has the same; empty: none.
- `ticks.csv`: `now`.
- `schedule.csv`, `registry/`: imported, received at the last tick before.
- `replay.csv`: `rule`; what this rule refused is sent again from the quarantine.
- `commands.csv`: `type,object_kind,object,order,actor,reason,minutes,approver`; orders about alarms that there are.

`then/` holds rows of views: `gap.csv` those of `v_gap`, and so on. Only the columns that are given are compared. Of
the balances there are the rows of the nodes that are named, from the first to the last ts that is named; of node_now
those of the nodes; of all other views every row. PostgreSQL reads the values; empty is NULL.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

from connectors import outbox, quarantine, registry, schedule
from connectors.commands import send_commands
from connectors.producer import Producer
from connectors.quarantine import Choice
from schemas.command import Command
from schemas.energy import from_kwh
from schemas.frame import Frame, Slice
from schemas.rules import Rule
from tests.scenario.pipeline import Pipeline

Row = dict[str, str]

CASES = Path(__file__).with_name("cases")
_STEP = re.compile(r"\d\d-(frames|ticks|schedule|registry|replay|commands)\b.*")
# What happens to messages only; everything else takes its turn when these are processed.
_MESSAGES = ("frames", "ticks")
# Of views that have a row for everything there is, those that are named.
_NAMED = {
    "balance_15m": "(node_kind, node) in (select node_kind, node from expected)"
    " and ts between (select min(ts) from expected) and (select max(ts) from expected)",
    "balance_1h": "(node_kind, node) in (select node_kind, node from expected)"
    " and ts between (select min(ts) from expected) and (select max(ts) from expected)",
    "node_now": "(node_kind, node) in (select node_kind, node from expected)",
    "alarm_event": "event <> 'notified'",
}


@dataclass(frozen=True)
class Case:
    """One folder of `cases/`."""

    folder: Path

    @property
    def steps(self) -> list[tuple[str, Path]]:
        """What happens, in order: its kind and its file or folder. Raises ValueError for what is no step."""
        found = []
        for path in sorted((self.folder / "when").iterdir()):
            match = _STEP.fullmatch(path.name)
            if match is None:
                raise ValueError(
                    f"{path} is no step: name it NN-frames.csv, or ticks, schedule, registry, replay, commands"
                )
            found.append((match[1], path))
        return found

    def play(self, connection: psycopg.Connection, pipeline: Pipeline, *, stepwise: bool) -> None:
        """Do what is given and what happens, to its end; `stepwise`: each step to its end before the next."""
        settings = pipeline.settings
        now = self._first_tick()
        with Producer(settings.kafka, settings.space) as producer:
            _import(connection, pipeline, "registry", self.folder / "given", now)
            for kind, path in self.steps:
                if stepwise or kind not in _MESSAGES:
                    pipeline.drain()
                match kind:
                    case "frames":
                        now = _send_frames(producer, path, now)
                    case "ticks":
                        for row in _rows(path):
                            now = datetime.fromisoformat(row["now"])
                            producer.send_tick(now)
                    case "replay":
                        for row in _rows(path):
                            quarantine.replay(connection, producer, Choice(rule=Rule(row["rule"])))
                        connection.commit()
                    case "commands":
                        _order(connection, pipeline, path, now)
                    case _:
                        _import(connection, pipeline, kind, path, now)
                producer.flush()
        pipeline.drain()

    def differences(self, connection: psycopg.Connection) -> list[str]:
        """What is not as it must be, in words."""
        return [
            line for path in sorted((self.folder / "then").iterdir()) for line in _compare(connection, path.stem, path)
        ]

    def _first_tick(self) -> datetime:
        for kind, path in self.steps:
            if kind in _MESSAGES:
                for row in _rows(path):
                    if tick := row["tick" if kind == "frames" else "now"]:
                        return datetime.fromisoformat(tick)
        raise ValueError(f"{self.folder} has no tick")


def all_cases(*, alarms: bool) -> list[Case]:
    """The folders of `cases/`: those of alarms, or the others."""
    return [
        Case(path) for path in sorted(CASES.iterdir()) if path.is_dir() and path.name.startswith("alarm-") == alarms
    ]


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, strict=True)


def _import(connection: psycopg.Connection, pipeline: Pipeline, kind: str, path: Path, now: datetime) -> None:
    space, kafka = pipeline.settings.space, pipeline.settings.kafka
    if kind == "registry":
        registry.import_registry(connection, path, now, space)
        outbox.send_pending(connection, kafka, registry.SENDER)
    else:
        schedule.import_schedule(connection, path, now, space)
        outbox.send_pending(connection, kafka, schedule.SENDER)


def _order(connection: psycopg.Connection, pipeline: Pipeline, path: Path, now: datetime) -> None:
    orders = []
    for row in _rows(path):
        found = connection.execute(
            "select alarm_id from alarm where type = %(type)s and object_kind = %(object_kind)s and object = %(object)s",
            row,
        ).fetchone()
        orders.append(
            Command(
                command_id=uuid4(), sent_at=now, order=row["order"], alarm_id=found[0] if found else 0,
                actor=row["actor"], reason=row["reason"], minutes=int(row["minutes"]) if row["minutes"] else None,
                approver=row["approver"],
            )
        )  # fmt: skip
    connection.rollback()
    send_commands(pipeline.settings.kafka, pipeline.settings.space, orders)


def _send_frames(producer: Producer, path: Path, now: datetime) -> datetime:
    """Send the frames of a file and the ticks between them; gives the last tick."""
    last = ""
    for (tick, dctu, seq, sent_at), rows in groupby(
        _rows(path), lambda row: (row["tick"], row["dctu"], row["seq"], row["sent_at"])
    ):
        if tick and tick != last:
            now = datetime.fromisoformat(tick)
            producer.send_tick(now)
        last = tick
        slices = [_slice(start, list(cells)) for start, cells in groupby(rows, lambda row: row["start"])]
        producer.send_frame(Frame(dctu=dctu, seq=int(seq), sent_at=datetime.fromisoformat(sent_at), slices=slices))
    return now


def _slice(start: str, cells: list[Row]) -> Slice:
    return Slice(
        start=datetime.fromisoformat(start),
        channels=[f"{cell['emc']}/{cell['code']}" for cell in cells],
        wh=[from_kwh(cell["kwh"]).wh if cell["kwh"] else None for cell in cells],
        status=[int(cell["status"]) for cell in cells],
    )


def _compare(connection: psycopg.Connection, view: str, path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in text.partition("\n")[0].split(","))
    name, condition = sql.Identifier(f"v_{view}"), sql.SQL(_NAMED.get(view, "true"))
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("create temp table expected on commit drop as select {} from {} limit 0").format(columns, name)
        )
        with cursor.copy(sql.SQL("copy expected from stdin (format csv, header)").format()) as copy:
            copy.write(text)
        actual = sql.SQL("select {} from {} where {}").format(columns, name, condition)
        expected = sql.SQL("select * from expected")
        for title, one, other in (("is missing", expected, actual), ("is too much", actual, expected)):
            for row in cursor.execute(sql.SQL("({}) except all ({}) order by 1").format(one, other)).fetchall():
                shown = ", ".join("" if value is None else str(value) for value in row)
                yield f"{view}: {title}: {shown}"
