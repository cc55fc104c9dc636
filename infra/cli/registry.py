"""`tengerim registry import`: master data from a folder of CSV files."""

from pathlib import Path

import cyclopts

from connectors.registry import SENDER, import_registry
from infra import settings
from infra.cli.importing import ReceivedAt, importing, moment, notify


def register(app: cyclopts.App) -> None:
    """Add the commands to `app`."""
    registry = cyclopts.App(name="registry", help="Master data: who is who, from when.")
    registry.command(import_, name="import")
    app.command(registry)


def import_(folder: Path, /, *, received_at: ReceivedAt = None) -> None:
    """Merge the CSV files of a folder into the master data: all of them, or nothing.

    Parameters
    ----------
    folder
        Has any of entities.csv, facilities.csv, units.csv, dctus.csv, channels.csv, emcs.csv.
    """
    at = moment("--received-at", received_at)
    loaded = settings.load("kafka", "database")
    with importing(loaded) as connection:
        version, added = import_registry(connection, folder, at, loaded.space)
        if version is None:
            print("The archive knows all of it already; nothing was changed.")  # noqa: T201
            return
        rows = ", ".join(f"{count} {name}" for name, count in added.items() if count)
        print(f"Master data is version {version} now: {rows}; {notify(connection, loaded, SENDER)}.")  # noqa: T201
