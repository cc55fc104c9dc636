"""`tengerim up | down | status | wipe`: the servers of the local stack."""

from typing import Annotated

import cyclopts
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.database import DatabaseError
from connectors.kafka import KafkaError
from infra import pipeline, settings
from infra.stack import stack

STATES = {
    "runs": "[green]runs[/]",
    "given": "[green]given[/]",
    "stopped": "[yellow]stopped[/]",
    "silent": "[red]silent[/]",
    "absent": "[dim]none here[/]",
}

# Of different shapes: not every terminal has colours, nor every eye.
MARKS = {"good": "[green]●[/]", "late": "[yellow]◐[/]", "down": "[red]○[/]", "plain": " "}


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
    """Show what runs and what is late; the exit status is 0 when every server answers, 1 otherwise."""
    read = settings.read()
    parts = stack.status(read.home, settings.given(read))
    console = Console()
    console.print(table(parts))
    for part in parts:
        if part.detail:
            console.print(f"[red]{part.name}[/]: {escape(part.detail)}")
    answering = {part.name for part in parts if part.state in ("runs", "given")}
    if {"kafka", "database"} <= answering:
        console.print()
        try:
            console.print(pipeline_table(read.space, pipeline.look(settings.load("kafka", "database"))))
        except (DatabaseError, KafkaError) as error:
            console.print(f"[yellow]space {read.space}[/]: {escape(str(error))}")
    return 0 if {part.name for part in parts if not part.optional} <= answering else 1


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
    for column in ("part", "state", "server"):
        shown.add_column(column, no_wrap=True)
    shown.add_column("address", overflow="fold")
    for part in parts:
        # In 80 columns: an extension has a line of its own, and whose address it is says the part.
        server = f"{part.title} {part.version}".rstrip().replace(" + ", "\n+ ")
        shown.add_row(part.name, STATES[part.state], server, escape(part.address.removeprefix("postgresql://")))
    return shown


def pipeline_table(space: str, lines: list[pipeline.Line]) -> Table:
    """The pipeline of a space, one line an aspect."""
    shown = Table(
        box=None, show_header=False, pad_edge=False, title=f"space {space}", title_justify="left", title_style="bold"
    )
    shown.add_column(no_wrap=True)
    shown.add_column(no_wrap=True)
    shown.add_column()
    for line in lines:
        shown.add_row(line.name, MARKS[line.state], escape(line.says))
    return shown


def say(line: str) -> None:
    """A line of progress."""
    Console(stderr=True, highlight=False).print(escape(line), soft_wrap=True)
