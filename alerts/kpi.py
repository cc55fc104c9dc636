"""How much is asked of operators, against the targets of ISA-18.2 / IEC 62682 / EEMUA 191.

All from the journal. Some definitions of the standards are of seconds and minutes and cannot occur in data of 15
minutes; ours for these stand beside them under names of their own.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.alarm import Priority

TEN = timedelta(minutes=10)
FLOOD_BEGINS = 10  # more calls in 10 minutes
FLOOD_ENDS = 5  # fewer
STALE = timedelta(hours=24)
CHATTER_CALLS = 3
CHATTER_STANDARD = timedelta(minutes=1)
CHATTER_OURS = timedelta(hours=2)
FLEETING_STANDARD = timedelta(seconds=60)
FLEETING_OURS = timedelta(minutes=15)
TOP = 10


class Call(NamedTuple):
    """One time an operator was called: of which alarm, and when its condition ended (None: not yet)."""

    at: datetime
    alarm: str
    priority: Priority
    cleared_at: datetime | None


@dataclass(frozen=True)
class Figure:
    """One figure. `target`: in words; `met`: None where there is no target."""

    name: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None


@dataclass(frozen=True)
class Kpis:
    """All figures of a period, and the alarms that call most: name, calls, share of all."""

    figures: list[Figure]
    top: list[tuple[str, int, float]]


class Entry(NamedTuple):
    """What of a journal's entry is needed here."""

    at: datetime
    alarm: str
    event: str
    annunciated: bool
    priority: Priority


def calls_of(entries: Iterable[Entry]) -> list[Call]:
    """The calls in a journal that is in order, each with the end of its condition."""
    found: list[Call] = []
    standing: dict[str, list[int]] = {}
    for entry in entries:
        if entry.annunciated:
            standing.setdefault(entry.alarm, []).append(len(found))
            found.append(Call(entry.at, entry.alarm, entry.priority, None))
        elif entry.event == "clear":
            for place in standing.pop(entry.alarm, ()):
                found[place] = found[place]._replace(cleared_at=entry.at)
    return found


def kpis(calls: Sequence[Call], begin: datetime, end: datetime, positions: int = 1) -> Kpis:
    """The figures of the calls within `[begin, end)`, for so many operator positions.

    `calls` may begin earlier: what was called before and stands still may be stale.
    """
    within = [call for call in calls if begin <= call.at < end]
    tens = _bins(within, begin, end, TEN)
    hours = _bins(within, begin, end, timedelta(hours=1))
    days = max((end - begin) / timedelta(days=1), 1e-9)
    most = max(tens, default=0) / positions
    average = sum(tens) / len(tens) / positions if tens else 0.0
    per_day = len(within) / days / positions
    flood = _flooded(tens, positions)
    flooded = 100.0 * flood / len(tens) if tens else 0.0
    standing = [call for call in calls if call.at < end and (call.cleared_at is None or call.cleared_at > begin)]
    stale = {call.alarm for call in standing if min(call.cleared_at or end, end) - call.at > STALE}
    figures = [
        Figure("annunciated", len(within), ""),
        Figure("per_10_min", average, "by position", "about 1, at most 2 (EEMUA 191)", average <= 2),
        Figure("most_per_10_min", most, "by position", "at most 10", most <= 10),
        Figure("most_per_hour", max(hours, default=0) / positions, "by position"),
        Figure("per_day", per_day, "by position", "about 150 (ISA-18.2:2009), 144 (IEC 62682)", per_day <= 150),
        Figure("time_in_flood", flooded, "% of the time", "below 1 %", flooded < 1),
        Figure("stale_over_24_h", len(stale), "alarms", "below 5, with a plan", len(stale) < 5),
        _chattering("chattering_3_per_minute", within, CHATTER_STANDARD),
        _chattering("chattering_3_per_2_h", within, CHATTER_OURS),
        _fleeting("fleeting_seconds", within, FLEETING_STANDARD),
        _fleeting("fleeting_one_interval", within, FLEETING_OURS),
        *_mix(within),
    ]
    count = Counter(call.alarm for call in within)
    top = [(name, n, n / len(within)) for name, n in sorted(count.items(), key=lambda one: (-one[1], one[0]))[:TOP]]
    share = 100.0 * sum(n for _, n, _ in top) / len(within) if within else 0.0
    figures.append(Figure("top_10_share", share, "% of the calls", "below 5 %, in the long run", share < 5))
    return Kpis(figures, top)


def _bins(calls: Sequence[Call], begin: datetime, end: datetime, width: timedelta) -> list[int]:
    count = Counter((call.at - begin) // width for call in calls)
    return [count[number] for number in range(-(-(end - begin) // width))]


def _flooded(tens: Sequence[int], positions: int) -> int:
    """Periods of 10 minutes in flood: from the first with too many, to before the first with few again."""
    flooded, flood = 0, False
    for calls in tens:
        flood = calls / positions >= FLOOD_ENDS if flood else calls / positions > FLOOD_BEGINS
        flooded += flood
    return flooded


def _chattering(name: str, calls: Sequence[Call], within: timedelta) -> Figure:
    """Alarms that called so often within so short a time."""
    by_alarm: dict[str, list[datetime]] = {}
    for call in calls:
        by_alarm.setdefault(call.alarm, []).append(call.at)
    chatter = sum(
        any(later - first <= within for first, later in zip(times, times[CHATTER_CALLS - 1 :], strict=False))
        for times in by_alarm.values()
    )
    return Figure(name, chatter, "alarms", "0", chatter == 0)


def _fleeting(name: str, calls: Sequence[Call], within: timedelta) -> Figure:
    """Calls whose condition was gone so soon."""
    fleeting = sum(call.cleared_at is not None and call.cleared_at - call.at <= within for call in calls)
    return Figure(name, fleeting, "calls")


_MIX = {Priority.LOW: 80.0, Priority.MEDIUM: 15.0, Priority.HIGH: 5.0}
# How far from the mix is still near it, in percentage points.
_NEAR = 10.0


def _mix(calls: Sequence[Call]) -> list[Figure]:
    count = Counter(call.priority for call in calls)
    found = []
    for priority, target in _MIX.items():
        share = 100.0 * count[priority] / len(calls) if calls else 0.0
        met = abs(share - target) <= _NEAR if calls else None
        found.append(Figure(f"priority_{priority}", share, "% of the calls", f"about {target:.0f} %", met))
    return found
