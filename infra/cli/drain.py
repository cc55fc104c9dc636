"""`tengerim drain`: wait until everything sent has been processed."""

import sys
import time
from typing import Annotated

import cyclopts

from connectors.database import space_url
from connectors.drain import DrainError, wait_until_drained
from infra import settings
from infra.cli.error import UserError


def register(app: cyclopts.App) -> None:
    """Add the command to `app`."""
    app.command(drain)


def drain(*, timeout: Annotated[float, cyclopts.Parameter(validator=cyclopts.validators.Number(gt=0))] = 600.0) -> None:
    """Wait until every topic is processed to its end, through the balances, and nothing is left to send on.

    Parameters
    ----------
    timeout
        Seconds to wait at most.
    """
    loaded = settings.load("kafka", "database")
    begun = time.monotonic()
    try:
        wait_until_drained(
            loaded.kafka, space_url(loaded.database, loaded.space), loaded.space, _progress, timeout_s=timeout
        )
    except DrainError as error:
        raise UserError(str(error)) from None
    print(f"Everything is processed; waited {time.monotonic() - begun:.1f} s.")  # noqa: T201


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201
