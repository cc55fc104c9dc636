"""Imports daily schedules: hours of units in numbered versions, all of a file or nothing."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import psycopg

from connectors.table import RowError, TableError, read_table
from schemas.change import ScheduleChanged
from schemas.energy import from_mwh
from schemas.registry import read_code
from schemas.time import is_on_grid
from schemas.topics import topics_of

SENDER = "schedule"
COLUMNS = ("unit", "hour", "mwh", "version")
UNITS_IN_MESSAGE = 500
VERSION_LIMIT = 2**31 - 1


class PlannedHour(NamedTuple):
    """The plan of one unit for the hour that starts at `hour` (UTC), as one version of the schedule has it."""

    unit: str
    hour: datetime
    version: int
    wh: int


class Imported(NamedTuple):
    """What an import did: hours added and known before, units with new hours, values rounded to a whole Wh."""

    added: int
    known: int
    units: int
    rounded: int


def import_schedule(
    connection: psycopg.Connection, source: Path | Iterable[PlannedHour], received_at: datetime, space: str
) -> Imported:
    """Add the hours of a file (or of rows) and commit. `received_at` must be aware.

    An hour in a version that is known with the same value changes nothing; with another value it is refused.
    Raises TableError with everything that is wrong; then nothing has changed.
    """
    reading = read_file(source) if isinstance(source, Path) else read_rows(source)
    try:
        imported = _add(connection, reading, received_at, space)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
    return imported


@lru_cache(maxsize=1 << 16)
def read_hour(text: str) -> datetime:
    """The start of an hour, with offset, in UTC. Raises ValueError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an hour such as 2026-03-02T14:00+05:00") from None
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write for example 2026-03-02T14:00+05:00")
    if not is_on_grid(at) or at.astimezone(UTC).minute:
        raise ValueError(f"{text!r} is not a full hour of the years 2000 to 2099")
    return at.astimezone(UTC)


@lru_cache
def read_version(text: str) -> int:
    """The number of a version, 1 and up. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and 0 < int(text[:11]) <= VERSION_LIMIT):
        raise ValueError(f"{text!r} is not the number of a version: 1, 2, 3 …")
    return int(text)


_READERS: dict[str, Callable[[str], object]] = {
    "unit": read_code,
    "hour": read_hour,
    "mwh": from_mwh,
    "version": read_version,
}


class Reading:
    """The hours of one source, by unit, hour and version: each with its Wh and the line it first stands on."""

    def __init__(self, name: str) -> None:
        """Nothing read yet; `name` is the source's, for errors."""
        self.name = name
        self.hours: dict[tuple[str, datetime, int], tuple[int, int]] = {}
        self.rounded = 0
        self.errors: list[RowError] = []

    def take(self, line: int, row: PlannedHour) -> None:
        """Note an hour; said twice alike it counts once."""
        unit, hour, version, wh = row
        first_wh, first_line = self.hours.setdefault((unit, hour, version), (wh, line))
        if first_wh != wh:
            self.wrong(line, "mwh", f"line {first_line} has {_mwh(first_wh)} for the same unit, hour and version")

    def wrong(self, line: int, column: str, problem: str) -> None:
        """Note an error."""
        self.errors.append(RowError(self.name, line, column, problem))


def read_file(path: Path) -> Reading:
    """The hours of a CSV file, checked for everything that needs no database."""
    reading = Reading(path.name)
    for line, values in read_table(path, COLUMNS, (), reading.errors):
        try:
            energy = from_mwh(values["mwh"])
            row = PlannedHour(
                read_code(values["unit"]), read_hour(values["hour"]), read_version(values["version"]), energy.wh
            )
        except ValueError:
            for column, text in values.items():
                try:
                    _READERS[column](text)
                except ValueError as error:
                    reading.wrong(line, column, str(error))
            continue
        reading.rounded += energy.rounded
        reading.take(line, row)
    return reading


def read_rows(rows: Iterable[PlannedHour]) -> Reading:
    """The hours of rows made by a program; their numbers stand for lines."""
    reading = Reading("rows")
    for line, row in enumerate(rows, start=1):
        reading.take(line, row)
    return reading


def _add(connection: psycopg.Connection, reading: Reading, received_at: datetime, space: str) -> Imported:
    # Two imports take turns; readers are not kept waiting.
    connection.execute("lock table daily_schedule in share row exclusive mode")
    _check_units(connection, reading)
    _stage(connection, reading)
    _check_versions(connection, reading)
    if reading.errors:
        raise TableError(sorted(reading.errors, key=lambda error: error.line))
    known = connection.execute(
        "delete from stage_schedule s using daily_schedule d"
        " where (d.unit, d.hour, d.version) = (s.unit, s.hour, s.version)"
    ).rowcount
    added = connection.execute(
        "insert into daily_schedule (unit, hour, version, wh, received_at)"
        " select unit, hour, version, wh, %s from stage_schedule order by unit, hour, version",
        [received_at],
    ).rowcount
    changed = connection.execute(
        "select unit, min(hour), max(hour) from stage_schedule group by unit order by unit"
    ).fetchall()
    for start in range(0, len(changed), UNITS_IN_MESSAGE):
        units, first, last = zip(*changed[start : start + UNITS_IN_MESSAGE], strict=True)
        message = ScheduleChanged(units=list(units), first_hour=min(first), last_hour=max(last))
        connection.execute(
            "insert into outbox (agent, source_partition, topic, partition, message) values (%s, 0, %s, 0, %s)",
            [SENDER, topics_of(space).changes, message.model_dump_json().encode()],
        )
    return Imported(added, known, len(changed), reading.rounded)


def _check_units(connection: psycopg.Connection, reading: Reading) -> None:
    """Every unit is in the master data, and only an interchange is planned below zero."""
    found = connection.execute(
        "select unit, bool_or(kind = 'interchange') from unit_period('infinity') where unit = any(%s) group by unit",
        [list({unit for unit, _, _ in reading.hours})],
    )
    signed: dict[str, bool] = dict(found.fetchall())
    unknown: dict[str, list[int]] = {}
    for (unit, _, _), (wh, line) in reading.hours.items():
        if unit not in signed:
            unknown.setdefault(unit, []).append(line)
        elif wh < 0 and not signed[unit]:
            reading.wrong(line, "mwh", f"{_mwh(wh)} is below zero; only the plan of an interchange may be")
    for unit, lines in unknown.items():
        reading.wrong(
            lines[0], "unit", f"{unit!r} is not in the master data; import it first (lines that name it: {len(lines)})"
        )


def _stage(connection: psycopg.Connection, reading: Reading) -> None:
    connection.execute(
        "create temp table stage_schedule"
        " (line integer, unit text, hour timestamptz, version integer, wh bigint) on commit drop"
    )
    with connection.cursor().copy("copy stage_schedule from stdin (format binary)") as copy:
        copy.set_types(["int4", "text", "timestamptz", "int4", "int8"])
        for (unit, hour, version), (wh, line) in reading.hours.items():
            copy.write_row((line, unit, hour, version, wh))
    connection.execute("analyze stage_schedule")


def _check_versions(connection: psycopg.Connection, reading: Reading) -> None:
    """What a version says of an hour is said once."""
    for line, version, wh in connection.execute(
        "select s.line, s.version, d.wh from stage_schedule s join daily_schedule d using (unit, hour, version)"
        " where s.wh <> d.wh"
    ):
        problem = f"version {version} already has {_mwh(wh)} for this hour; a correction needs a new version"
        reading.wrong(line, "mwh", problem)


def _mwh(wh: int) -> str:
    return f"{Decimal(wh).scaleb(-6).normalize() + 0:f} MWh"
