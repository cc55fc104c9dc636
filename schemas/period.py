"""Periods and instants as people write them, in the forms of ISO 8601. Without an offset it is local time.

A period is `[begin, end)`: a year, month, week or day (of the operating calendar), two instants, an instant and a
duration, or a duration alone, which ends now. Durations in days or longer follow the local calendar.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import isodate

from schemas.time import LOCAL

_YEAR, _MONTH = re.compile(r"\d{4}"), re.compile(r"\d{4}-\d{2}")
_WEEK = re.compile(r"\d{4}-?W\d{2}")
FORMS = (
    "2026-01-20 (a day), 2026-W04, 2026-01, 2026, 2026-01-20T00:00/2026-01-21T12:00, 2026-01-20/P1D, PT6H/2026-01-20 "
    "or P1D (until now)"
)


class PeriodError(ValueError):
    """The text is not a period, or not an instant; it says what would be."""


class Period(NamedTuple):
    """From an instant, included, to another, excluded; in UTC."""

    begin: datetime
    end: datetime


def parse_instant(text: str) -> datetime:
    """The instant of a date (its begin) or of a date and time. Raises PeriodError."""
    try:
        # As databases write it, too.
        text = re.sub(r"(?<=\d) (?=\d)", "T", text, count=1)
        at = isodate.parse_datetime(text) if "T" in text else datetime.combine(isodate.parse_date(text), time())
        at = at if at.tzinfo else at.replace(tzinfo=LOCAL)
        # Of the first day and the last, UTC may know nothing.
        at.astimezone(UTC)
        return at
    except (ValueError, isodate.ISO8601Error, OverflowError):
        raise PeriodError(
            f"{text!r} is not an instant: write a date or an ISO 8601 time, as 2026-11-20T09:30 (local) or "
            "2026-11-20T04:30Z"
        ) from None


def parse_period(text: str, now: Callable[[], datetime]) -> Period:
    """The period of a text; `now` is asked only where it ends now. Raises PeriodError."""
    first, slash, second = text.partition("/")
    try:
        if not slash:
            period = _until(now(), first) if first.startswith("P") else _calendar(first)
        elif first.startswith("P"):
            end = parse_instant(second)
            period = Period(_moved(end, first, -1), end)
        elif second.startswith("P"):
            begin = parse_instant(first)
            period = Period(begin, _moved(begin, second, 1))
        else:
            period = Period(parse_instant(first), parse_instant(_completed(first, second)))
        begin, end = (at.astimezone(UTC) for at in period)
    except (ValueError, OverflowError):
        raise PeriodError(f"{text!r} is not a period: write {FORMS}") from None
    if begin >= end:
        raise PeriodError(f"{text!r} is empty: its begin does not lie before its end")
    return Period(begin, end)


def _until(now: datetime, duration: str) -> Period:
    return Period(_moved(now, duration, -1), now)


def _calendar(text: str) -> Period:
    """A year, month, week or day."""
    begin = parse_instant(text)
    if "T" in text:
        raise PeriodError
    day = begin.date()
    if _YEAR.fullmatch(text):
        until = date(day.year + 1, 1, 1)
    elif _MONTH.fullmatch(text):
        until = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    else:
        until = day + timedelta(days=7 if _WEEK.fullmatch(text) else 1)
    return Period(begin, datetime.combine(until, time(), LOCAL))


def _moved(at: datetime, duration: str, sign: int) -> datetime:
    """An instant later or earlier by a duration: days by the local calendar, hours by the clock."""
    days, has_time, hours = duration.partition("T")
    try:
        by_day = isodate.parse_duration(days) if days != "P" else timedelta()
        by_clock = isodate.parse_duration(f"PT{hours}") if has_time else timedelta()
    except (ValueError, isodate.ISO8601Error):
        raise PeriodError from None
    moved: datetime = at.astimezone(LOCAL) + sign * by_day
    return moved.astimezone(UTC) + sign * by_clock


def _completed(first: str, second: str) -> str:
    """The end as written, with what it leaves out taken from the begin: 2026-01-20T10:00/12:00."""
    offset = re.search(r"(Z|[+-]\d{2}:?\d{2}|[+-]\d{2})$", first) if "T" in first else None
    plain = first[: offset.start()] if offset else first
    ends = re.search(r"(Z|[+-]\d{2}:\d{2})$", second)
    bare = second[: ends.start()] if ends else second
    if len(bare) < len(plain):
        return plain[: len(plain) - len(bare)] + second + ("" if ends or not offset else offset[0])
    return second
