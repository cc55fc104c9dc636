"""The period that a question is about."""

from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg

from dashboards.api.problems import ProblemError
from schemas.period import FORMS, Period, parse_period

# Of one series, or of everything at once.
MOST_OF_ONE, MOST_OF_ALL = timedelta(days=3660), timedelta(days=366)
DESCRIPTION = f"ISO 8601: {FORMS}."
EXAMPLES = ["2026-01-20", "2026-01-20T00:00/2026-01-20T06:00", "2026-01-20/P1D"]


def _unknown() -> datetime:
    raise AssertionError("this period ends now")


def period_of(connection: psycopg.Connection, text: str | None, most: timedelta = MOST_OF_ONE) -> Period:
    """The period of a text, at most so long. Raises ProblemError or PeriodError."""
    return period_in(text, most, lambda: now(connection))


def period_in(text: str | None, most: timedelta = MOST_OF_ONE, until: Callable[[], datetime] = _unknown) -> Period:
    """The same, where it is known until when a period is that ends now."""
    if text is None:
        raise ProblemError(422, f"period: say which, as {FORMS}")
    period = parse_period(text, until)
    if period.end - period.begin > most:
        raise ProblemError(422, f"period: {text!r} is longer than {most.days} days; ask in pieces")
    return period


def has_passed(connection: psycopg.Connection, at: datetime) -> bool:
    """Whether the stream's time is past an instant: what came until then has come from every partition."""
    row = connection.execute("select coalesce(watermark() > %s, false)", [at]).fetchone()
    assert row is not None
    return bool(row[0])


def now(connection: psycopg.Connection) -> datetime:
    """The stream's time, which is what `until now` means; the wall clock's where nothing has come yet."""
    row = connection.execute("select coalesce(nullif(watermark(), '-infinity'), now())").fetchone()
    assert row is not None
    found: datetime = row[0]
    return found
