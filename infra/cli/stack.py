"""`tengerim up | down | status | wipe`: the servers of the local stack."""

from typing import Annotated

import cyclopts
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra import settings
from infra.stack import stack

STATES = {
    "runs": "[green]runs[/]",
    "given": "[green]given[/]",
    "stopped": "[yellow]stopped[/]",
    "silent": "[red]silent[/]",
}


def register(app: cyclopts.App) -> None:
    """Add the commands to `app`."""
    for command in (up, down, status, wipe):
        app.command(command)


def up() -> None:
    """Start the servers (built first, where they are missing) and check that each serves."""
    read = settings.read()
    stack.up(read.home, settings.given(read), say)


def down() -> None:
    """Stop the servers; what they hold stays."""
    stack.down(settings.read().home, say)


def status() -> int:
    """Show what runs and where; the exit status is 0 when every server answers, 1 otherwise."""
    read = settings.read()
    parts = stack.status(read.home, settings.given(read))
    console = Console()
    console.print(table(parts))
    for part in parts:
        if part.detail:
            console.print(f"[red]{part.name}[/]: {escape(part.detail)}")
    return 0 if all(part.state in ("runs", "given") for part in parts) else 1


def wipe(*, everything: Annotated[bool, cyclopts.Parameter(negative="")] = False) -> None:
    """Stop the servers and remove what they hold.

    Parameters
    ----------
    everything
        Remove the programs as well, so that nothing is left in the folder of the stack.
    """
    stack.wipe(settings.read().home, say, everything=everything)


def table(parts: list[stack.PartStatus]) -> Table:
    """The servers, one a row."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("part", "state", "server", "address"):
        shown.add_column(column, no_wrap=column != "server")
    for part in parts:
        server = f"{part.title} {part.version}"
        shown.add_row(part.name, STATES[part.state], server, escape(part.address))
    return shown


def say(line: str) -> None:
    """A line of progress."""
    Console(stderr=True, highlight=False).print(escape(line), soft_wrap=True)
