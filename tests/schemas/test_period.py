"""Tests of schemas.period."""

from datetime import UTC, datetime

import pytest

from schemas.period import PeriodError, parse_instant, parse_period


def now() -> datetime:
    return datetime(2026, 1, 20, 10, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("2026-01-20", "2026-01-19T19:00", "2026-01-20T19:00"),
        ("20260120", "2026-01-19T19:00", "2026-01-20T19:00"),
        ("2026-020", "2026-01-19T19:00", "2026-01-20T19:00"),
        ("2026-W04-2", "2026-01-19T19:00", "2026-01-20T19:00"),
        ("2026-W04", "2026-01-18T19:00", "2026-01-25T19:00"),
        ("2026-12", "2026-11-30T19:00", "2026-12-31T19:00"),
        ("2026", "2025-12-31T19:00", "2026-12-31T19:00"),
        # In 2024 most of the country moved its clocks from +06 to +05: that day had 25 hours.
        ("2024-02-29", "2024-02-28T18:00", "2024-02-29T19:00"),
        ("2024-02-29/P1D", "2024-02-28T18:00", "2024-02-29T19:00"),
        ("2024-02-29/PT24H", "2024-02-28T18:00", "2024-02-29T18:00"),
        ("2026-01-20/2026-01-22", "2026-01-19T19:00", "2026-01-21T19:00"),
        ("2026-01-20/22", "2026-01-19T19:00", "2026-01-21T19:00"),
        ("2026-01-20T10:00/12:00", "2026-01-20T05:00", "2026-01-20T07:00"),
        ("2026-01-20T10:00Z/12:00", "2026-01-20T10:00", "2026-01-20T12:00"),
        ("2026-01-20T10:00+06:00/21T01:00", "2026-01-20T04:00", "2026-01-20T19:00"),
        ("2026-01-20T10:00Z/2026-01-20T12:15:30.5Z", "2026-01-20T10:00", "2026-01-20T12:15:30.5"),
        ("2026-01-31/P1M", "2026-01-30T19:00", "2026-02-27T19:00"),
        ("P1W/2026-01-20", "2026-01-12T19:00", "2026-01-19T19:00"),
        ("PT6H", "2026-01-20T04:00", "2026-01-20T10:00"),
        ("P1DT1H", "2026-01-19T09:00", "2026-01-20T10:00"),
    ],
)
def test_a_period_in_each_form(text: str, begin: str, end: str) -> None:
    assert parse_period(text, now) == (utc(begin), utc(end))


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-13", "2026-02-30", "2026-01-20T10:00", "P", "PT", "P1X", "/", "2026-01-20/", "/2026-01-20",
     "2026-01-20/2026-01-20", "2026-01-22/2026-01-20", "P1D/P1D", "2026-01-20/x", "P9999Y", "0001-01-01", "0001-01-01/P1D", "9999-12-31", "2026-01-20/P99999999D",
     "PT1H/"],
)  # fmt: skip
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(PeriodError, match=r"is not a period|is empty"):
        parse_period(text, now)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-20", "2026-01-19T19:00"), ("2026-01-20T09:30", "2026-01-20T04:30"), ("2026-01-20T04:30Z", "2026-01-20T04:30"),
        ("20260120T0930", "2026-01-20T04:30"), ("2026-W04-2T09:30+05", "2026-01-20T04:30"),
    ],
)  # fmt: skip
def test_an_instant_without_an_offset_is_local(text: str, at: str) -> None:
    assert parse_instant(text) == utc(at)


@pytest.mark.parametrize("text", ["", "now", "2026-01-20T25:00", "2026-01-20 09:30x", "10:00", "0001-01-01"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(PeriodError, match="is not an instant"):
        parse_instant(text)
