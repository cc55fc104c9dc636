"""What a feed must end in, counted from the script and the fleet alone: for tests to compare with."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from infra.demo.feed import is_repeated, scripts, silences
from infra.demo.fleet import fleet
from infra.demo.script import DEMO, Script
from schemas.rules import Rule
from schemas.time import day_slots, slot_start


@dataclass(frozen=True)
class Gap:
    """A DCTU's silence: from the start of its first missing interval to the end of its last."""

    dctu: str
    first_start: datetime
    last_end: datetime


@dataclass(frozen=True)
class Expected:
    """`frames` counts messages that are frames, refused and repeated ones included; `malformed` those that are none.

    `readings` are the distinct (channel, interval)s that end in the archive, `duplicates` the readings of repeated
    frames, `corrections` those that replace an earlier version, `refused` the readings (MALFORMED: messages) by rule.
    Every gap heals.
    """

    frames: int
    malformed: int
    readings: int
    duplicates: int
    corrections: int
    refused: dict[Rule, int]
    gaps: tuple[Gap, ...]


def expected(day: date, *, days: int = 1, with_yesterday: bool = False, script: Script = DEMO) -> Expected:
    """The counts of `feed` with the same arguments, found without making it.

    Corrections of the day before replace nothing where that day is not part of the feed: there they are new readings.
    """
    rows = fleet().rows_of_dctu
    frames = malformed = readings = duplicates = corrections = 0
    refused: Counter[Rule] = Counter()
    gaps: list[Gap] = []
    for today, events in scripts(day, script, days, with_yesterday):
        slots = day_slots(today)
        handovers = silences(events, today)
        readings += len(fleet().channels) * len(slots)
        for dctu, channels in rows.items():
            backlog = handovers.get(dctu, {})
            missed = {slot for run in backlog.values() for slot in run}
            gaps += [Gap(dctu, slot_start(run[0]), slot_start(run[-1] + 1)) for run in backlog.values()]
            for slot in slots:
                if slot not in missed:
                    twice = is_repeated(events, dctu, slot)
                    frames += 1 + twice
                    duplicates += twice * len(channels) * (1 + len(backlog.get(slot, ())))
        for correction in events.corrections:
            frames += 1
            corrections += len(correction.channels) * correction.intervals
        for refusal in events.refusals:
            if refusal.rule is Rule.MALFORMED:
                malformed += 1
                refused[Rule.MALFORMED] += 1
            else:
                frames += 1
                refused[refusal.rule] += len(refusal.channels)
    if not with_yesterday:
        readings, corrections = readings + corrections, 0
    return Expected(frames, malformed, readings, duplicates, corrections, dict(refused), tuple(gaps))
