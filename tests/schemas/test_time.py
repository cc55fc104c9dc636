"""Tests of schemas.time."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.time import (
    FIRST_SLOT,
    INTERVAL,
    LAST_SLOT,
    day_slots,
    from_us,
    hour_of_slot,
    is_on_grid,
    operating_day,
    slot_end_us,
    slot_from,
    slot_of,
    slot_start,
    to_us,
)

MARCH = datetime(2026, 3, 2, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
INSTANTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(INSTANTS)
def test_microseconds_lose_nothing(at: datetime) -> None:
    assert from_us(to_us(at)) == at
    assert to_us(at) == (at - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND


@given(INSTANTS)
def test_an_instant_lies_in_its_slot(at: datetime) -> None:
    slot = slot_of(at)
    assert slot_start(slot) <= at < slot_start(slot) + INTERVAL
    assert slot_end_us(slot) == to_us(slot_start(slot) + INTERVAL)


@given(INSTANTS)
def test_the_slot_from_an_instant_is_the_first_that_starts_no_earlier(at: datetime) -> None:
    slot = slot_from(at)
    assert slot_start(slot - 1) < at <= slot_start(slot)


def test_an_offset_changes_no_slot() -> None:
    assert slot_of(MARCH.astimezone(timezone(timedelta(hours=5, minutes=30)))) == slot_of(MARCH)


@pytest.mark.parametrize(
    ("at", "on_grid"),
    [
        (MARCH, True),
        (MARCH + 3 * INTERVAL, True),
        (MARCH + MICROSECOND, False),
        (MARCH + timedelta(minutes=30) - MICROSECOND, False),
        (MARCH.astimezone(timezone(timedelta(hours=5, minutes=45))), True),
        (datetime(2000, 1, 1, tzinfo=UTC), True),
        (datetime(2000, 1, 1, tzinfo=UTC) - INTERVAL, False),
        (datetime(2100, 1, 1, tzinfo=UTC) - INTERVAL, True),
        (datetime(2100, 1, 1, tzinfo=UTC), False),
        (datetime(1970, 1, 1, tzinfo=UTC), False),
    ],
)
def test_the_grid_is_the_quarter_hours_of_the_calendar(at: datetime, on_grid: bool) -> None:
    assert is_on_grid(at) == on_grid


def test_the_calendar_runs_from_2000_to_2100() -> None:
    assert slot_start(FIRST_SLOT) == datetime(2000, 1, 1, tzinfo=UTC)
    assert slot_start(LAST_SLOT) == datetime(2100, 1, 1, tzinfo=UTC)


def test_an_hour_has_four_slots_of_utc() -> None:
    assert [hour_of_slot(slot_of(MARCH + index * INTERVAL)) - slot_of(MARCH) for index in range(6)] == [
        0,
        0,
        0,
        0,
        4,
        4,
    ]


def test_an_operating_day_is_local() -> None:
    slots = day_slots(date(2026, 3, 2))
    assert slot_start(slots[0]) == datetime(2026, 3, 1, 19, tzinfo=UTC)
    assert len(slots) == 96
    assert {operating_day(slot_start(slot)) for slot in slots} == {date(2026, 3, 2)}


@pytest.mark.parametrize(
    ("day", "zone", "number"),
    [
        # Almaty went from UTC+6 to UTC+5 at midnight of 2024-03-01.
        (date(2024, 2, 29), "Asia/Almaty", 100),
        (date(2024, 3, 1), "Asia/Almaty", 96),
        (date(2026, 3, 29), "Europe/Berlin", 92),
        (date(2026, 10, 25), "Europe/Berlin", 100),
    ],
)
def test_a_day_has_as_many_slots_as_the_clock_gives_it(day: date, zone: str, number: int) -> None:
    assert len(day_slots(day, ZoneInfo(zone))) == number


def test_days_follow_one_another_without_a_hole() -> None:
    days = [day_slots(date(2024, 2, 27) + timedelta(days=number)) for number in range(5)]
    assert all(earlier.stop == later.start for earlier, later in pairwise(days))
