"""Instants as the options of commands have them."""

from datetime import datetime

from infra.cli.error import UserError
from schemas.period import PeriodError, parse_instant


def instant(option: str, text: str | None) -> datetime | None:
    """An instant as people write it, local time without an offset. Raises UserError."""
    if text is None:
        return None
    try:
        return parse_instant(text)
    except PeriodError as error:
        raise UserError(f"{option} {error}") from None
