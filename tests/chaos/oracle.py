"""What must be in the tables, from the log alone: message after message, reading after reading, in plain Python.

Written from the design, with nothing of the product in it. Instants are microseconds since 1970, intervals the number
of quarter-hours since then.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.chaos.fleet import MAX_KWH, Fleet
from tests.chaos.load import home_of

STEP_US = 900_000_000
MAX_WH = MAX_KWH * 1000
MEASURED, SUSPECT = 4, 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CALENDAR = range(
    *((datetime(year, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=STEP_US) for year in (2000, 2100))
)

Cell = tuple[str, int]


class Version(NamedTuple):
    """In the order in which versions of a cell are compared."""

    sent_us: int
    seq: int
    quality: int
    wh: int


class Refused(NamedTuple):
    """A row of the quarantine; the texts are as they were written, and only `rule` where a message is refused whole."""

    rule: str
    message: bytes = b""
    dctu: str | None = None
    channel: str | None = None
    start: str | None = None
    wh: str | None = None
    status: str | None = None
    sent_at: str | None = None
    seq: int | None = None


@dataclass(slots=True)
class Gap:
    """A run of intervals `[first, end)` of a DCTU."""

    first: int
    end: int
    channels: int
    opened_us: int
    healed_us: int | None = None


@dataclass(slots=True)
class Oracle:
    """Takes the log; has the tables. `poison`: messages that must end in quarantine whole."""

    fleet: Fleet
    partitions: int
    first_slot: int
    grace_us: int
    ahead_us: int
    poison: set[bytes] = field(default_factory=set)
    versions: dict[Cell, dict[Version, int]] = field(default_factory=dict)
    on_time: set[Cell] = field(default_factory=set)
    declared: set[Cell] = field(default_factory=set)
    refused: dict[Refused, int] = field(default_factory=dict)
    gaps: dict[str, list[Gap]] = field(default_factory=dict)
    tally: Counter[tuple[int, str]] = field(default_factory=Counter)
    messages: Counter[tuple[int, str]] = field(default_factory=Counter)
    now_us: dict[int, int] = field(default_factory=dict)
    _of_partition: dict[int, list[str]] = field(default_factory=dict)
    _channels: dict[str, frozenset[str]] = field(default_factory=dict)
    _missing: dict[tuple[str, int], set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Know which DCTU is whose."""
        for dctu in self.fleet.dctus:
            self._of_partition.setdefault(home_of(dctu, self.partitions), []).append(dctu)
            self._channels[dctu] = frozenset(self.fleet.channels[dctu])
            self.gaps[dctu] = []

    def take(self, partition: int, message: bytes) -> None:
        """Process the next message of a partition."""
        now_us = self.now_us.get(partition)
        if message in self.poison:
            self._refuse(partition, Refused("POISON", message), now_us)
            return
        try:
            content = json.loads(message)
        except ValueError:
            self.messages[partition, "frames"] += 1
            self._refuse(partition, Refused("MALFORMED", message), now_us)
            return
        if "now" in content:
            self.messages[partition, "ticks"] += 1
            self._tick(partition, micros(content["now"]))
        elif home_of(content["dctu"], self.partitions) != partition:
            self.messages[partition, "forwarded"] += 1
        else:
            self.messages[partition, "frames"] += 1
            self._frame(partition, content, message, now_us)

    def of_partition(self, partition: int) -> list[str]:
        """The DCTUs whose frames belong into a partition."""
        return self._of_partition.get(partition, [])

    def due_slot(self, now_us: int) -> int:
        """The newest interval whose deadline has passed."""
        return (now_us - self.grace_us) // STEP_US - 1

    @property
    def watched_us(self) -> int:
        """The time to which all partitions have been watched."""
        return min(self.now_us.values())

    def _tick(self, partition: int, at_us: int) -> None:
        before = self.now_us.get(partition)
        if before is not None and at_us <= before:
            return
        self.now_us[partition] = at_us
        first = self.first_slot if before is None else max(self.due_slot(before) + 1, self.first_slot)
        for slot in range(first, self.due_slot(at_us) + 1):
            for dctu in self.of_partition(partition):
                self._pass_deadline(dctu, slot, at_us)

    def _pass_deadline(self, dctu: str, slot: int, now_us: int) -> None:
        missing = {channel for channel in self._channels[dctu] if (channel, slot) not in self.versions}
        if not missing:
            return
        self._missing[dctu, slot] = missing
        running = next((gap for gap in self.gaps[dctu] if gap.end == slot and gap.healed_us is None), None)
        if running is None:
            self.gaps[dctu].append(Gap(slot, slot + 1, len(missing), now_us))
        else:
            running.end, running.channels = slot + 1, max(running.channels, len(missing))

    def is_declared(self, dctu: str, gap: Gap) -> bool:
        """Whether the device said of any cell of a gap that it has no value."""
        return any(
            (channel, slot) in self.declared for slot in range(gap.first, gap.end) for channel in self._channels[dctu]
        )

    def _frame(self, partition: int, frame: dict[str, Any], message: bytes, now_us: int | None) -> None:
        sent_us = micros(frame["sent_at"])
        received_us = sent_us if now_us is None else now_us
        ahead = now_us is not None and sent_us > now_us + self.ahead_us
        filled: set[tuple[str, int]] = set()
        for part in frame["slices"]:
            start_us = micros(part["start"])
            slot = start_us // STEP_US
            for channel, wh, status in zip(part["channels"], part["wh"], part["status"], strict=True):
                rule = "FUTURE" if ahead else self._broken(frame["dctu"], channel, start_us, wh, status, sent_us)
                if rule:
                    row = Refused(
                        rule, message, frame["dctu"], channel, text(start_us), None if wh is None else str(wh),
                        str(status), text(sent_us), frame["seq"],
                    )  # fmt: skip
                    self._refuse(partition, row, received_us)
                elif wh is None:
                    self.tally[partition, "declared"] += 1
                    self.declared.add((channel, slot))
                else:
                    version = Version(sent_us, frame["seq"], MEASURED if status == 0 else SUSPECT, wh)
                    self._enter(partition, frame["dctu"], (channel, slot), version, received_us)
                    filled.add((frame["dctu"], slot))
        for dctu, slot in filled:
            self._heal(dctu, slot, received_us)

    def _broken(self, dctu: str, channel: str, start_us: int, wh: int | None, status: int, sent_us: int) -> str:
        if start_us % STEP_US or start_us // STEP_US not in _CALENDAR:
            return "GRID"
        if dctu not in self._channels or channel not in self.fleet.assigned:
            return "UNKNOWN"
        if channel not in self._channels[dctu]:
            return "FOREIGN"
        if status not in (0, 1):
            return "STATUS"
        if wh is None and status == 0:
            return "EMPTY"
        if wh is not None and wh < 0:
            return "NEGATIVE"
        if wh is not None and wh > MAX_WH:
            return "OVER_MAX"
        return "FUTURE" if start_us + STEP_US > sent_us else ""

    def _enter(self, partition: int, dctu: str, cell: Cell, version: Version, received_us: int) -> None:
        known = self.versions.get(cell)
        if known is None:
            self.versions[cell] = {version: received_us}
            self.tally[partition, "new"] += 1
            if received_us < (cell[1] + 1) * STEP_US + self.grace_us:
                self.on_time.add(cell)
            missing = self._missing.get((dctu, cell[1]))
            if missing is not None:
                missing.discard(cell[0])
            return
        if version in known:
            self.tally[partition, "duplicate"] += 1
            return
        self.tally[partition, "revised"] += 1
        if any(one[:2] == version[:2] for one in known):
            row = Refused(
                "CONFLICT", b"", dctu, cell[0], text(cell[1] * STEP_US), None, None, text(version.sent_us), version.seq
            )
            self._refuse(partition, row, received_us)
        known[version] = received_us

    def _heal(self, dctu: str, slot: int, received_us: int) -> None:
        if (dctu, slot) not in self._missing:
            return
        for gap in self.gaps[dctu]:
            if gap.healed_us is None and gap.first <= slot < gap.end:
                if not any(self._missing.get((dctu, one)) for one in range(gap.first, gap.end)):
                    gap.healed_us = received_us
                return

    def _refuse(self, partition: int, row: Refused, received_us: int | None) -> None:
        self.tally[partition, row.rule] += 1
        self.refused.setdefault(row, received_us or 0)


def micros(instant: str) -> int:
    """Microseconds since 1970 of an instant as it is written."""
    return (datetime.fromisoformat(instant) - _EPOCH) // timedelta(microseconds=1)


def text(us: int) -> str:
    """An instant as the quarantine writes it."""
    return (_EPOCH + timedelta(microseconds=us)).isoformat()
