"""`tengerim worker`: run the agents."""

import asyncio
from typing import Annotated, Literal

import cyclopts

from infra import settings
from infra.cli.stack import say
from infra.space import prepare
from infra.worker import AGENTS, Worker
from streams.logs import configure


def register(app: cyclopts.App) -> None:
    """Add the command to `app`."""
    app.command(worker)


def worker(*agents: Annotated[Literal["collect", "balance", "alarm"], cyclopts.Parameter(negative="")]) -> None:
    """Run agents and start them again when they die; stops on SIGTERM or Ctrl-C.

    Parameters
    ----------
    agents
        Which to run; all, when none is named.
    """
    loaded = settings.load("kafka", "database", "redis", "alertmanager")
    configure("worker", loaded)
    prepare(loaded, say)
    asyncio.run(Worker(loaded, agents or AGENTS).run())
