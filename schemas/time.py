"""Intervals, hours and operating days.

Inside the product an interval is a *slot*: the number of quarter-hours since 1970-01-01T00:00Z. Slots are plain
integers, so numpy can hold millions of them; datetimes appear at the edges only and are always aware.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

INTERVAL = timedelta(minutes=15)
INTERVAL_S = 900
INTERVAL_US = INTERVAL_S * 1_000_000
SLOTS_PER_HOUR = 4
MINUTE_US = 60_000_000
LOCAL = ZoneInfo("Asia/Almaty")

# The archive's calendar starts here: no meter of this market is older, and a wrong clock often says 1970.
FIRST_SLOT = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) // INTERVAL_S
# Later than any validity: 2100-01-01, used for "for ever".
LAST_SLOT = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) // INTERVAL_S

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_us(at: datetime) -> int:
    """Microseconds since 1970-01-01T00:00Z, exact (a float of seconds is not)."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_us(us: int) -> datetime:
    """The inverse of `to_us`, in UTC."""
    return _EPOCH + timedelta(microseconds=us)


def slot_of(at: datetime) -> int:
    """The interval in which an instant lies."""
    return to_us(at) // INTERVAL_US


def slot_start(slot: int) -> datetime:
    """The start of an interval, UTC: its name."""
    return _EPOCH + slot * INTERVAL


def slot_end_us(slot: int) -> int:
    """The end of an interval, in microseconds since the epoch."""
    return (slot + 1) * INTERVAL_US


def slot_from(at: datetime) -> int:
    """The first interval that starts at or after an instant."""
    return -(-to_us(at) // INTERVAL_US)


def is_on_grid(at: datetime) -> bool:
    """Whether an instant is the start of an interval of the archive's calendar."""
    us = to_us(at)
    return us % INTERVAL_US == 0 and FIRST_SLOT <= us // INTERVAL_US < LAST_SLOT


def hour_of_slot(slot: int) -> int:
    """The first slot of the hour in which a slot lies."""
    return slot - slot % SLOTS_PER_HOUR


def day_slots(day: date, zone: ZoneInfo = LOCAL) -> range:
    """The slots of an operating day: 00:00 to 24:00 of local time, as many as the clock gives it."""
    start = datetime.combine(day, time(), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    return range(slot_of(start), slot_of(end))


def operating_day(at: datetime, zone: ZoneInfo = LOCAL) -> date:
    """The operating day in which an instant lies."""
    return at.astimezone(zone).date()
