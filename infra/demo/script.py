"""What happens in the demonstration's operating day, as data: a person of the field can read it and change it.

Times are local. Whatever is refused comes in addition to the good readings, which are all sent sooner or later.
"""

from dataclasses import dataclass
from datetime import date, datetime, time

from schemas.rules import Rule
from schemas.time import LOCAL, slot_of

# A Wednesday; the like days before it, and the day after, lie within the profiles' four weeks.
DEMO_DAY = date(2026, 1, 21)
APPROVAL = time(18, 0)  # of the day before: the schedule is imported


@dataclass(frozen=True)
class Course:
    """A unit's power by breakpoints (time, MW), straight between them, in force from the first to the last.

    `reserve` adds the MW to what the unit would have done; otherwise they replace it.
    """

    unit: str
    points: tuple[tuple[time, float], ...]
    reserve: bool = False


@dataclass(frozen=True)
class Silence:
    """A DCTU, or all those of an entity, sends nothing for some intervals.

    What was missed is handed over at once, with the frame that comes `backlog_after` intervals after the first new one.
    """

    owner: str
    start: time
    intervals: int
    backlog_after: int = 0


@dataclass(frozen=True)
class Correction:
    """Values of the day before are sent again, changed: the energies of these channels times `factor`."""

    at: time
    dctu: str
    channels: tuple[str, ...]
    start: time
    intervals: int
    factor: float


@dataclass(frozen=True)
class Refusal:
    """An additional frame, all of whose readings are refused by one rule."""

    at: time
    dctu: str
    rule: Rule
    channels: tuple[str, ...] = ()
    wh: int = 0
    ahead_intervals: int = -4  # the interval of the readings, counted from the one that is running
    raw: bytes = b""  # MALFORMED: sent as it is


@dataclass(frozen=True)
class Script:
    """All events of one operating day."""

    courses: tuple[Course, ...] = ()
    reschedule: time | None = None  # version 2, from this hour on, for the units of `courses`
    silences: tuple[Silence, ...] = ()
    repeat_percent: int = 0  # frames that come twice
    corrections: tuple[Correction, ...] = ()
    refusals: tuple[Refusal, ...] = ()


# A day on which nothing happens: what the schedule expects, and what the day before looked like.
QUIET = Script()
# The days after: sound, but for the usual repetitions.
ORDINARY = Script(repeat_percent=2)

# GRES-1 loses four of its five running blocks; they return one by one in the evening. What the operator calls up.
_TRIP = Course(
    "GRES1-G",
    (
        (time(9, 0), 320),
        (time(18, 0), 320),
        (time(19, 0), 760),
        (time(20, 15), 1200),
        (time(21, 30), 1640),
        (time(22, 45), 2080),
    ),
)


def _reserve(unit: str, first: tuple[time, float], full_mw: float) -> Course:
    """Called up from 09:00 on, full at noon, given back while the blocks return."""
    return Course(
        unit, ((time(9, 0), 0), first, (time(12, 0), full_mw), (time(19, 0), full_mw), (time(22, 30), 0)), True
    )


DEMO = Script(
    courses=(
        _TRIP,
        _reserve("SHLHPP-G", (time(9, 30), 140), 150),
        _reserve("BUKHPP-G", (time(9, 30), 110), 130),
        _reserve("KPGHPP-G", (time(9, 30), 60), 80),
        _reserve("MNKHPP-G", (time(9, 30), 60), 70),
        _reserve("ZHMGRES-G", (time(10, 30), 60), 90),
        _reserve("AKSGRES-G", (time(10, 30), 60), 150),
        _reserve("GRES2-G", (time(10, 30), 30), 50),
        _reserve("TOPGRES-G", (time(10, 30), 20), 40),
    ),
    reschedule=time(12, 0),
    silences=(
        Silence("UKHPP-D1", time(11, 0), 6),
        Silence("MAEK", time(15, 0), 3, backlog_after=2),
    ),
    repeat_percent=2,
    corrections=(
        # A block's current transformer was read with the wrong ratio: 17:00 to 19:00 of yesterday by 12 % more.
        Correction(time(10, 20), "PVLCHP3-D1", ("PVLCHP3-B1/02", "PVLCHP3-B2/02"), time(17, 0), 8, 1.12),
        # The same hours of a third block turn out to be 3 % less.
        Correction(time(14, 35), "PVLCHP3-D1", ("PVLCHP3-B3/02",), time(17, 0), 8, 0.97),
    ),
    refusals=(
        # A feeder that is metered already, but not yet in the master data; a block's new meter, likewise.
        Refusal(time(8, 5), "KRGGRID-D1", Rule.UNKNOWN, tuple(f"KRGGRID-L99/0{code}" for code in range(1, 5)), 9_000),
        Refusal(time(13, 37), "TCOGT1-D1", Rule.UNKNOWN, ("TCOGT1-B9/02",), 14_000_000),
        # A meter whose register ran backwards, twice.
        Refusal(time(7, 20), "ALMGRID-D2", Rule.NEGATIVE, ("ALMGRID-L6/01",), -1_250_000),
        Refusal(time(16, 50), "STPCHP-D1", Rule.NEGATIVE, ("STPCHP-B1/02", "STPCHP-B2/02"), -1),
        # Registers instead of increments; a wrong transformer ratio.
        Refusal(time(6, 35), "AKTGRID-D1", Rule.OVER_MAX, ("AKTGRID-L1/01", "AKTGRID-L2/01"), 48_000_000_000),
        Refusal(time(19, 25), "QRMSTL-D1", Rule.OVER_MAX, ("QRMSTL-L3/01",), 90_000_000),
        # A clock that runs two hours ahead; an interval that has not ended.
        Refusal(time(5, 50), "PTRCHP-D1", Rule.FUTURE, ("PTRCHP-B1/02", "PTRCHP-B2/02"), 15_000_000, 8),
        Refusal(time(20, 40), "KSTGRID-D1", Rule.FUTURE, ("KSTGRID-L1/01",), 21_000_000, 0),
        # Cut off in the middle; another format; not text at all; JSON, but no frame.
        Refusal(time(4, 15), "AKMGRID-D1", Rule.MALFORMED, raw=b'{"dctu":"AKMGRID-D1","seq":7,"slices":[{"start":'),
        Refusal(time(12, 55), "MKTWPP-D1", Rule.MALFORMED, raw=b'<?xml version="1.0"?><message class="80020"/>'),
        Refusal(time(18, 10), "ZKOGRID-D1", Rule.MALFORMED, raw=bytes([0xFF, 0xFE, 0x00, 0x10, 0x80])),
        Refusal(time(21, 45), "UZSOUTH-D1", Rule.MALFORMED, raw=b'{"alive":true}'),
    ),
)


def slot_at(day: date, at: time) -> int:
    """The interval in which a local time of a day lies."""
    return slot_of(datetime.combine(day, at, LOCAL))
