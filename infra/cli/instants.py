"""Instants as the options of commands have them."""

from datetime import datetime

from infra.cli.error import UserError
from schemas.time import LOCAL


def instant(option: str, text: str | None) -> datetime | None:
    """An instant as people write it, local time without an offset. Raises UserError."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=LOCAL)
    except ValueError:
        raise UserError(
            f"{option} {text!r} is not an instant: write a date or an ISO 8601 time, as 2026-11-20T09:30 (local) or "
            "2026-11-20T04:30Z"
        ) from None
