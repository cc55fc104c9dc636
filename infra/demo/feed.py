"""What is sent in an operating day, in the order of time: frames, ticks, refused messages, schedules."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

import numpy as np

from infra.demo.day import energy
from infra.demo.fleet import fleet
from infra.demo.noise import pick
from infra.demo.plan import as_csv, corrected, schedule
from infra.demo.script import APPROVAL, DEMO, ORDINARY, QUIET, Correction, Refusal, Script, slot_at
from schemas.rules import Rule
from schemas.time import INTERVAL, LOCAL, day_slots, slot_start

MINUTE = timedelta(minutes=1)
# A frame leaves its DCTU this long after the end of its interval; a repetition follows within five minutes.
FIRST_S, LAST_S, REPEATED_WITHIN_S = 10, 240, 295
# Frame numbers begin anew from here each day: more than any DCTU sends in a day.
SEQ_A_DAY = 1000
_FIRST_DAY = date(2020, 1, 1)
_ORDER = {"tick": 0, "schedule": 1, "frame": 2, "raw": 2}

Slice = tuple[int, Sequence[str], list[int]]  # slot, channels, Wh


@dataclass(frozen=True)
class Sending:
    """One message at its moment of stream time; `dctu` is empty for ticks and schedules, `raw` is no frame.

    `payload` is the message for the topic `frames`, or the CSV file of a schedule to import.
    """

    at: datetime
    kind: Literal["frame", "raw", "tick", "schedule"]
    dctu: str
    payload: bytes


def iso(at: datetime) -> str:
    """An instant as frames and ticks write it: UTC, whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_repeated(script: Script, dctu: str, slot: int) -> bool:
    """Whether the frame that a DCTU sends after an interval comes twice."""
    return pick(f"repeat {dctu}", slot, 100) < script.repeat_percent


def silences(script: Script, day: date) -> dict[str, dict[int, list[int]]]:
    """By silent DCTU: after which interval its frame hands over which missed ones."""
    found: dict[str, dict[int, list[int]]] = {}
    for silence in script.silences:
        first = slot_at(day, silence.start)
        missed = list(range(first, first + silence.intervals))
        for dctu in fleet().dctus_of_entity(silence.owner) or (silence.owner,):
            found.setdefault(dctu, {})[missed[-1] + 1 + silence.backlog_after] = missed
    return found


def scripts(day: date, script: Script, days: int, with_yesterday: bool) -> list[tuple[date, Script]]:
    """The days of a feed and what happens in each: the script is the first day's."""
    before = [(day - timedelta(days=1), QUIET)] if with_yesterday else []
    after = [(day + timedelta(days=number), ORDINARY) for number in range(1, days)]
    return [*before, (day, script), *after]


class _Day:
    """The frames of one operating day, numbered as each DCTU sends them."""

    def __init__(self, day: date, script: Script) -> None:
        self.day, self.script = day, script
        self.slots = day_slots(day)
        self._rows = {dctu: list(rows) for dctu, rows in fleet().rows_of_dctu.items()}
        names = fleet().channels
        self._names = {dctu: [names[row] for row in rows] for dctu, rows in self._rows.items()}
        self._energy = energy(day, script)
        self._handovers = silences(script, day)
        self._silent = {
            dctu: {slot for missed in handovers.values() for slot in missed}
            for dctu, handovers in self._handovers.items()
        }
        self._check_times()
        base = (day - _FIRST_DAY).days * SEQ_A_DAY
        self._seq = dict.fromkeys(self._rows, base)

    def _check_times(self) -> None:
        """Refuses a script of which something would silently not be sent."""
        script = self.script
        times = [one.at for one in script.corrections] + [one.at for one in script.refusals]
        for at in (*times, *([] if script.reschedule is None else [script.reschedule])):
            if slot_at(self.day, at) == self.slots.start:
                raise ValueError(f"{at:%H:%M} is before the day's first frames; choose a time from 00:15 on")
        for dctu, handovers in self._handovers.items():
            if max(handovers) not in self.slots:
                raise ValueError(f"{dctu} would hand over after the day's end; let its silence begin earlier")

    def _frame(self, dctu: str, at: datetime, slices: list[Slice]) -> Sending:
        self._seq[dctu] += 1
        body = {
            "dctu": dctu,
            "seq": self._seq[dctu],
            "sent_at": iso(at),
            "slices": [
                {"start": iso(slot_start(slot)), "channels": list(channels), "wh": wh, "status": [0] * len(wh)}
                for slot, channels, wh in slices
            ],
        }
        return Sending(at, "frame", dctu, json.dumps(body, separators=(",", ":")).encode())

    def _slice(self, dctu: str, slot: int) -> Slice:
        wh = self._energy[self._rows[dctu], slot - self.slots.start]
        return slot, self._names[dctu], wh.tolist()

    def _regular(self, slot: int) -> Iterator[Sending]:
        """Every DCTU's frame of one interval, with what it hands over, and its repetition."""
        end = slot_start(slot + 1)
        for dctu in self._rows:
            if slot in self._silent.get(dctu, ()):
                continue
            missed = self._handovers.get(dctu, {}).get(slot, [])
            delay = timedelta(seconds=FIRST_S + pick(f"delay {dctu}", slot, LAST_S - FIRST_S + 1))
            sent = self._frame(dctu, end + delay, [self._slice(dctu, each) for each in (*missed, slot)])
            yield sent
            if is_repeated(self.script, dctu, slot):
                later = timedelta(seconds=5 + pick(f"again {dctu}", slot, REPEATED_WITHIN_S - 4))
                yield Sending(sent.at + later, "frame", dctu, sent.payload)

    def _correction(self, correction: Correction) -> Sending:
        before = self.day - timedelta(days=1)
        energies, start = energy(before), day_slots(before).start
        first = slot_at(before, correction.start)
        rows = [fleet().channels.index(channel) for channel in correction.channels]
        slices: list[Slice] = []
        for slot in range(first, first + correction.intervals):
            wh = np.rint(energies[rows, slot - start] * correction.factor).astype(np.int64)
            slices.append((slot, correction.channels, wh.tolist()))
        return self._frame(correction.dctu, self._at(correction.at), slices)

    def _refusal(self, refusal: Refusal) -> Sending:
        at = self._at(refusal.at)
        if refusal.rule is Rule.MALFORMED:
            return Sending(at, "raw", refusal.dctu, refusal.raw)
        slot = slot_at(self.day, refusal.at) + refusal.ahead_intervals
        return self._frame(refusal.dctu, at, [(slot, refusal.channels, [refusal.wh] * len(refusal.channels))])

    def _at(self, local: time) -> datetime:
        return datetime.combine(self.day, local, LOCAL).astimezone(UTC)

    def window(self, slot: int) -> list[Sending]:
        """What is sent in the quarter-hour after an interval, without ticks."""
        running = slot + 1
        sent = list(self._regular(slot))
        sent += [self._correction(one) for one in self.script.corrections if slot_at(self.day, one.at) == running]
        sent += [self._refusal(one) for one in self.script.refusals if slot_at(self.day, one.at) == running]
        change = self.script.reschedule
        if change is not None and slot_at(self.day, change) == running:
            sent.append(Sending(self._at(change), "schedule", "", as_csv(corrected(self.day, self.script))))
        return sent


def _ticks(start: datetime, end: datetime, step: timedelta) -> Iterator[Sending]:
    at = start
    while at < end:
        yield Sending(at, "tick", "", f'{{"now":"{iso(at)}"}}'.encode())
        at += step


def feed(day: date, *, days: int = 1, with_yesterday: bool = False, script: Script = DEMO) -> Iterator[Sending]:
    """Everything that is sent in one or several operating days, in the order of time.

    The script is the first day's; the days after are ordinary. A day's schedule is approved the evening before; the
    first one opens the feed. `with_yesterday` puts the whole day before in front, quiet, with a tick a quarter-hour;
    the days themselves have one a minute, and a quarter-hour more of them at the end, so that
    the last deadline passes and not the next day's first. Raises ValueError for a script
    whose events do not lie within the day.
    """
    story = scripts(day, script, days, with_yesterday)
    detailed = slot_start(day_slots(day).start)

    def ticks(start: datetime, end: datetime) -> Iterator[Sending]:
        return _ticks(start, end, MINUTE if start >= detailed else INTERVAL)

    opening = slot_start(day_slots(story[0][0]).start)
    yield Sending(opening - MINUTE, "schedule", "", as_csv(schedule(story[0][0])))
    yield from ticks(opening, opening + INTERVAL)
    for today, events in story:
        sender, approval = _Day(today, events), slot_at(today, APPROVAL)
        for slot in sender.slots:
            start = slot_start(slot + 1)
            window = sender.window(slot)
            if slot + 1 == approval:
                window.append(Sending(start, "schedule", "", as_csv(schedule(today + timedelta(days=1)))))
            window += ticks(start, start + INTERVAL)
            window.sort(key=lambda sending: (sending.at, _ORDER[sending.kind]))
            yield from window
