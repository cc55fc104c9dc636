"""What the DCTUs of a fleet send, interval by interval: mostly good readings, each with a number of its own.

The number is the energy, so every stored reading tells which one it is. In between: silence and late hand-overs, gaps
filled later, repeats, corrections, older versions that come after newer ones, and everything that is to be refused.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import NamedTuple

from tests.chaos.fleet import MAX_KWH, Fleet

STEP_S = 900
GRACE_S = 300
# Within the memory of the agents, and beyond it.
RECENT, OLD = (1, 20), (110, 160)

Value = tuple[int | None, int]
Slice = tuple[int, dict[str, Value]]


class Outgoing(NamedTuple):
    """One message; a tick (`dctu` empty) goes into every partition, a frame astray into the wrong one."""

    dctu: str
    value: bytes
    readings: int = 0
    astray: bool = False


def tick(at_s: int) -> Outgoing:
    """The time as the clock writes it."""
    return Outgoing("", json.dumps({"now": _instant(at_s)}).encode())


class Sources:
    """All DCTUs of a fleet; intervals are numbers of quarter-hours since 1970."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        """Nothing sent yet."""
        self.fleet = fleet
        self.readings = 0
        self._random = Random(seed)
        self._seq = 0
        self._silent: dict[str, list[int]] = {}
        self._until: dict[str, int] = {}
        self._held: dict[int, list[Outgoing]] = {}
        self._sent: dict[tuple[str, int], tuple[int, int]] = {}

    def interval(self, slot: int) -> Iterator[Outgoing]:
        """Everything that is sent from the end of an interval to the end of the next, in order."""
        end = (slot + 1) * STEP_S
        in_time, late = self._held.pop(slot, []), list[Outgoing]()
        for dctu in self.fleet.dctus:
            frames = list(self._of_dctu(dctu, slot, end))
            (late if self._chance(0.02) else in_time).extend(frames)
        self._random.shuffle(in_time)
        yield tick(end)
        half = len(in_time) // 2
        yield from in_time[:half]
        yield tick(end + 120)
        yield from in_time[half:]
        yield tick(end + GRACE_S)
        yield from late
        yield tick(end + 480)

    def frame(self, dctu: str, slices: Iterable[Slice], sent_s: int, seq: int | None = None) -> Outgoing:
        """A frame; without `seq` it gets the next number."""
        if seq is None:
            self._seq += 1
            seq = self._seq
        content = [
            {
                "start": _instant(start_s),
                "channels": list(values),
                "wh": [wh for wh, _ in values.values()],
                "status": [status for _, status in values.values()],
            }
            for start_s, values in slices
        ]
        readings = sum(len(part["channels"]) for part in content)
        body = {
            "dctu": dctu,
            "seq": seq,
            "sent_at": _instant(sent_s, hours=self._random.choice((0, 5))),
            "slices": content,
        }
        return Outgoing(dctu, json.dumps(body).encode(), readings)

    def values(self, channels: Iterable[str]) -> dict[str, Value]:
        """Measured values of channels, each with the next number."""
        values: dict[str, Value] = {}
        for channel in channels:
            self.readings += 1
            values[channel] = (self.readings, 0)
        return values

    def _of_dctu(self, dctu: str, slot: int, end: int) -> Iterator[Outgoing]:
        if self._is_silent(dctu, slot):
            return
        sent = end + self._random.randrange(10, 110)
        missed = self._silent.pop(dctu, [])
        if missed and self._chance(0.9):
            yield self.frame(dctu, [(s * STEP_S, self.values(self.fleet.channels[dctu])) for s in missed], sent)
        values = self.values(self.fleet.channels[dctu])
        slices = [(slot * STEP_S, values)]
        if self._chance(0.05):
            self._spoil(dctu, slot, slices)
        whole = self.frame(dctu, slices, sent)
        self._sent[dctu, slot] = (sent, self._seq)
        yield whole._replace(astray=self._chance(0.003))
        yield from self._again(dctu, slot, whole)
        yield from self._corrections(dctu, slot, sent)
        yield from self._nonsense(dctu, slot, end)

    def _is_silent(self, dctu: str, slot: int) -> bool:
        if slot < self._until.get(dctu, 0):
            self._silent[dctu].append(slot)
            return True
        if self._chance(0.004):
            self._until[dctu] = slot + self._random.randrange(2, 9)
            self._silent[dctu] = [*self._silent.get(dctu, ()), slot]
            return True
        return False

    def _spoil(self, dctu: str, slot: int, slices: list[Slice]) -> None:
        """Leave readings out, or make them what is flagged, declared or refused."""
        values = slices[0][1]
        some = self._random.sample(sorted(values), 3)
        match self._random.choice(("left out", "suspect", "declared", "refused", "strange", "off", "future")):
            case "left out":
                left = {channel: values.pop(channel) for channel in some}
                if self._chance(0.6):
                    self._hold(slot, self.frame(dctu, [(slot * STEP_S, left)], (slot + 1) * STEP_S + 115))
            case "suspect":
                values.update({channel: (values[channel][0], 1) for channel in some})
            case "declared":
                values.update(dict.fromkeys(some, (None, 1)))
                if self._chance(0.6):
                    self._hold(slot, self.frame(dctu, [(slot * STEP_S, self.values(some))], (slot + 1) * STEP_S + 116))
            case "refused":
                bad: list[Value] = [(-7, 0), (MAX_KWH * 1000 + 1, 0), (None, 0), (5, 7)]
                values[some[0]] = self._random.choice(bad)
            case "strange":
                other = self._random.choice([one for one in self.fleet.dctus if one != dctu])
                values.update(self.values((self.fleet.channels[other][0], "E99999/01")))
            case "off":
                slices.append((slot * STEP_S - 60, self.values(some)))
            case "future":
                slices.append(((slot + 3) * STEP_S, self.values(some)))

    def _again(self, dctu: str, slot: int, whole: Outgoing) -> Iterator[Outgoing]:
        if self._chance(0.02):
            yield whole
        if self._chance(0.01):
            self._hold(slot, whole)

    def _corrections(self, dctu: str, slot: int, sent: int) -> Iterator[Outgoing]:
        for chance, (nearest, farthest) in ((0.02, RECENT), (0.003, OLD)):
            before = slot - self._random.randrange(nearest, farthest)
            if self._chance(chance) and (dctu, before) in self._sent:
                some = self._random.sample(self.fleet.channels[dctu], 10)
                yield self.frame(dctu, [(before * STEP_S, self.values(some))], sent + 1)
        if self._chance(0.005):
            # An older version that comes after the newer one, and another one under the same number.
            some = self._random.sample(self.fleet.channels[dctu], 5)
            yield self.frame(dctu, [(slot * STEP_S, self.values(some))], sent - 5)
        if self._chance(0.002):
            some = self._random.sample(self.fleet.channels[dctu], 2)
            yield self.frame(dctu, [(slot * STEP_S, self.values(some))], *self._sent[dctu, slot])

    def _nonsense(self, dctu: str, slot: int, end: int) -> Iterator[Outgoing]:
        if self._chance(0.003):
            yield Outgoing(
                dctu, b'{"dctu": "' + dctu.encode() + b'", "seq": %d, "slices": [' % self._random.randrange(10**9)
            )
        if self._chance(0.002):
            some = self.fleet.channels[dctu][:4]
            yield self.frame(dctu, [(slot * STEP_S, self.values(some))], end + 7200)
        if self._chance(0.002):
            yield self.frame("DC999", [(slot * STEP_S, self.values(self.fleet.channels[dctu][:2]))], end + 20)

    def _hold(self, slot: int, message: Outgoing) -> None:
        self._held.setdefault(slot + self._random.randrange(*RECENT), []).append(message)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share


def _instant(at_s: int, hours: int = 0) -> str:
    return datetime.fromtimestamp(at_s, timezone(timedelta(hours=hours)) if hours else UTC).isoformat()
