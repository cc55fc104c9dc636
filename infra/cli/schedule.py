"""`tengerim schedule import`: a daily schedule, or corrections of it, from a CSV file."""

from pathlib import Path

import cyclopts

from connectors.schedule import SENDER, Imported, import_schedule
from infra import settings
from infra.cli.importing import ReceivedAt, check_file, importing, moment, notify
from infra.words import many


def register(app: cyclopts.App) -> None:
    """Add the commands to `app`."""
    schedule = cyclopts.App(name="schedule", help="The daily schedule, in numbered versions.")
    schedule.command(import_, name="import")
    app.command(schedule)


def import_(file: Path, /, *, received_at: ReceivedAt = None) -> None:
    """Add the hours of a file to the daily schedule: all of them, or nothing.

    Parameters
    ----------
    file
        CSV with the columns unit, hour (with offset), mwh, version.
    """
    at = moment("--received-at", received_at)
    check_file(file)
    loaded = settings.load("kafka", "database")
    with importing(loaded) as connection:
        done = import_schedule(connection, file, at, loaded.space)
        notice = f"; {notify(connection, loaded, SENDER)}" if done.added else ""
        print(f"{summary(done)}{notice}.")  # noqa: T201


def summary(done: Imported) -> str:
    """What an import did, in words."""
    if not done.added:
        return "The schedule has all of it already; nothing was changed"
    parts = [f"Planned hours: {done.added:,} new, of {many(done.units, 'unit')}"]
    if done.known:
        parts.append(f"{done.known:,} known before")
    if done.rounded:
        parts.append(f"{many(done.rounded, 'value')} finer than a watt-hour rounded")
    return "; ".join(parts)
