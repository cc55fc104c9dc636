"""Histories: what DCTUs send, when the clock ticks, what is imported; and the orders in which that may come.

Time restricts the order in one way: a frame is not processed before it was sent, so not before a tick that makes its
`sent_at` believable. Frames whose clock runs ahead of every tick are refused wherever they stand, after the first tick.
"""

from datetime import timedelta, timezone
from itertools import groupby
from random import Random
from typing import NamedTuple

import msgspec
from hypothesis import strategies as st

from schemas.partitioning import partition_of
from schemas.time import slot_start
from tests.property.world import CHANGES, CHANNELS, MAX_WH, PARTITIONS, ZERO, minute, world_with

AHEAD_MINUTES = 5
GRACE_MINUTES = 5
FIRST, LAST = -2, 11
END = 240
"""The last tick, in minutes: past the deadline of the last interval."""
ELSEWHERE = ["M9/01", "M1/03", "M1/01 ", "\0", ""]
ALMATY = timezone(timedelta(hours=5))
GARBAGE = [b"", b"{}", b"null", b"\xff", b'{"now":"2026-03-02T00:00:00"}', b'{"dctu":"DA","seq":1}', b'{"now":null}']


class Reading(NamedTuple):
    """One value as a frame has it: the start in minutes (a quarter-hour, or not), the channel, Wh and the status."""

    start: int
    channel: str
    wh: int | None
    status: int


class Sending(NamedTuple):
    """One frame of a DCTU, sent at a minute."""

    dctu: str
    seq: int
    sent: int
    readings: tuple[Reading, ...]

    @property
    def is_ahead(self) -> bool:
        """Whether its clock runs ahead of every tick."""
        return self.sent > END + AHEAD_MINUTES


class Planned(NamedTuple):
    """The plan of one unit and hour (counted from the start of the history) in one version."""

    unit: str
    hour: int
    version: int
    wh: int


class History(NamedTuple):
    """What happens; the order is another matter. The last tick is at END."""

    sendings: list[Sending]
    ticks: list[int]
    garbage: list[bytes]
    plans: list[Planned]
    changes: list[int]


class Arriving(NamedTuple):
    """A message of a partition before it has its offset, and what it is: a frame, a tick (minutes), or garbage."""

    message: bytes
    frame: Sending | None = None
    tick: int | None = None


def encode(sending: Sending, random: Random) -> bytes:
    """A frame; instants in either zone."""
    zone = random.choice((None, ALMATY))

    def text(minutes: int) -> str:
        return minute(minutes).astimezone(zone).isoformat() if zone else f"{minute(minutes):%Y-%m-%dT%H:%M:%SZ}"

    readings = sending.readings
    starts = [reading.start for reading in readings]
    if random.random() < 0.8:
        readings = tuple(sorted(readings, key=lambda reading: starts.index(reading.start)))
    # Not sorted, several slices are of one interval.
    slices = []
    for start, run in groupby(readings, key=lambda reading: reading.start):
        _, channels, wh, status = zip(*run, strict=True)
        slices.append({"start": text(start), "channels": channels, "wh": wh, "status": status})
    return msgspec.json.encode(
        {"dctu": sending.dctu, "seq": sending.seq, "sent_at": text(sending.sent), "slices": slices}
    )


def tick(at: float) -> bytes:
    """A tick."""
    return msgspec.json.encode({"now": minute(at)})


_OWN = {
    "DA": ["M1/01", "M1/02", "M2/01", "M2/03", "M5/01"],
    "DB": ["M3/01", "M3/02"],
    "DC": ["M4/01", "M5/01", "M6/01"],
    "DX": CHANNELS,
}
_GOOD_WH = [0, 1, 2, 7, 500, MAX_WH]
_BAD_WH = [-1, MAX_WH + 1, 2**63 - 1, -(2**63), None]
_BAD_STATUS = [2, 300, -7, 2**40]
FRAMES, READINGS = 16, 8


def _value(random: Random) -> tuple[int | None, int]:
    """Wh and status: nine times in ten a value, now and then suspect."""
    chance = random.random()
    if chance < 0.04:
        return random.choice(_BAD_WH), 0
    if chance < 0.06:
        return random.choice(_GOOD_WH), random.choice(_BAD_STATUS)
    if chance < 0.12:
        return None, 1
    return random.choice(_GOOD_WH), int(random.random() < 0.2)


def _sending(random: Random, slots: list[int]) -> Sending:
    dctu = random.choices(["DA", "DB", "DC", "DX"], (12, 6, 8, 1))[0]
    readings = _good_readings(random, dctu, slots) if random.random() < 0.5 else _any_readings(random, dctu, slots)
    newest = max((reading.start for reading in readings), default=0) + 15
    chance = random.random()
    if chance < 0.45:
        sent = newest + random.choice((0, 0, 1, 5, 6))
    elif chance < 0.93:
        sent = random.choice([at for at in (0, 45, 100, 145, 190, 235, 240, 245) if at >= newest] or [END])
    elif chance < 0.98:
        sent = newest - random.choice((1, 15, 60))
    else:
        sent = END + 60
    return Sending(dctu, random.randint(0, 2), min(max(sent, -45), END + 60), tuple(readings))


def _good_readings(random: Random, dctu: str, slots: list[int]) -> list[Reading]:
    """Some intervals of some channels, nothing wrong and nothing twice."""
    cells = [
        (slot, channel)
        for slot in random.sample(slots, min(len(slots), random.choice((1, 1, 2, 3))))
        for channel in CHANNELS
        if (held := world_with(()).assigned(channel, ZERO + slot)) is not None and held.dctu == dctu
    ]
    return [Reading(15 * slot, channel, random.choice(_GOOD_WH), 0) for slot, channel in cells[:READINGS]]


def _any_readings(random: Random, dctu: str, slots: list[int]) -> list[Reading]:
    readings = []
    for _ in range(random.randint(1, READINGS)):
        slot = random.choice(slots)
        start = 15 * slot + (1 if random.random() < 0.02 else 0) if random.random() < 0.98 else -15_000_000
        channel = random.choice(_OWN[dctu]) if random.random() < 0.93 else random.choice([*CHANNELS, *ELSEWHERE])
        readings.append(Reading(start, channel, *_value(random)))
    return readings


def _again(random: Random, old: Sending) -> Sending:
    """The readings of a frame once more: by a later frame, an earlier one, or (CONFLICT) one of the same number."""
    change = random.choice((0.0, 0.3, 1.0))

    def changed(reading: Reading) -> Reading:
        if random.random() >= change:
            return reading
        if random.random() < 0.3 and reading.wh is not None and reading.status in (0, 1):
            return reading._replace(wh=random.choice(_GOOD_WH), status=1 - reading.status)
        wh, status = _value(random)
        return reading._replace(wh=wh, status=status)

    readings = [changed(reading) for reading in old.readings]
    seq = max(0, old.seq + random.choice((-1, 0, 0, 1)))
    sent = random.choice((old.sent, old.sent, END)) if old.sent < END else old.sent
    return old._replace(seq=seq, sent=sent, readings=tuple(readings))


def _sendings(random: Random) -> list[Sending]:
    # Few intervals, so that versions meet: often near enough to be in the ring together, often not.
    first, last = (FIRST, LAST) if random.random() < 0.5 else random.choice(((FIRST, 2), (3, 6), (4, 8), (7, LAST)))
    slots = random.sample(range(first, last + 1), random.randint(1, 4))
    found: list[Sending] = []
    for _ in range(FRAMES):
        again = found and random.random() < 0.4
        found.append(_again(random, random.choice(found)) if again else _sending(random, slots))
    return found


def _kept(size: int) -> st.SearchStrategy[list[bool]]:
    """What is kept of so many: most; when a failure is made small, less."""
    return st.lists(st.sampled_from([False, *[True] * 9]), min_size=size, max_size=size)


@st.composite
def histories(draw: st.DrawFn, *, imports: bool) -> History:
    """Histories of the small power system, with or without imports."""
    whole = any_history(Random(draw(st.integers(0, 2**32 - 1))), imports=imports)
    sendings = []
    kept = _kept(READINGS)
    for sending, keep in zip(whole.sendings, draw(_kept(FRAMES)), strict=True):
        if keep:
            some = zip(sending.readings, draw(kept), strict=False)
            sendings.append(sending._replace(readings=tuple(reading for reading, keep in some if keep)))
    return whole._replace(sendings=sendings)


def any_history(random: Random, *, imports: bool = True) -> History:
    """A whole history."""
    sendings = _sendings(random)
    ticks = sorted(random.sample(range(-10, END, 5), random.randint(0, 10)))
    garbage = random.sample(GARBAGE, random.choice((0, 0, 1, 2)))
    if not imports:
        return History(sendings, ticks, garbage, [], [])
    keys = {(random.choice(("UG", "UC", "UE", "UX")), random.randint(-1, 3), random.randint(1, 3)) for _ in range(5)}
    plans = [
        Planned(*key, random.choice((-10, -1, 0, 3) if key[0] == "UE" else (0, 1, 10, 4003))) for key in sorted(keys)
    ]
    changes = sorted(random.sample(range(len(CHANGES)), random.randint(0, 4)))
    return History(sendings, ticks, garbage, plans, changes)


def in_order(history: History, random: Random) -> dict[int, list[Arriving]]:
    """The reference: everything once, as it was sent."""
    waiting: dict[int, list[tuple[float, Arriving]]] = {p: [] for p in range(PARTITIONS)}
    for sending in history.sendings:
        message = encode(sending, random)
        waiting[partition_of(sending.dctu, PARTITIONS)].append((sending.sent + 0.5, Arriving(message, sending)))
    for partition in waiting:
        for at in [*history.ticks, END]:
            waiting[partition].append((at, Arriving(tick(at), tick=at)))
    for message in history.garbage:
        waiting[0].append((END, Arriving(message)))
    return {p: possible([one for _, one in sorted(found, key=lambda pair: pair[0])]) for p, found in waiting.items()}


def in_any_order(history: History, random: Random) -> dict[int, list[Arriving]]:
    """Everything at least once: shuffled, split, repeated, delayed, now and then in the wrong partition."""
    waiting: dict[int, list[Arriving]] = {p: [] for p in range(PARTITIONS)}
    for sending in history.sendings:
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            for part in split(sending, random):
                right = partition_of(sending.dctu, PARTITIONS)
                # A frame that runs ahead must come after a tick: forwarded, it does anyway.
                partition = right if random.random() < 0.9 else 1 - right
                waiting[partition].append(Arriving(encode(part, random), part))
    for found in waiting.values():
        found += [Arriving(tick(at), tick=at) for at in [*history.ticks, END] for _ in range(random.choice((1, 1, 2)))]
    for message in history.garbage:
        waiting[random.randrange(PARTITIONS)].append(Arriving(message))
    for found in waiting.values():
        random.shuffle(found)
    return {partition: possible(found) for partition, found in waiting.items()}


def split(sending: Sending, random: Random) -> list[Sending]:
    """A frame as one to three frames of the same number."""
    parts: list[list[Reading]] = [[] for _ in range(random.choice((1, 1, 2, 3)))]
    for reading in sending.readings:
        random.choice(parts).append(reading)
    return [sending._replace(readings=tuple(part)) for part in parts]


def possible(messages: list[Arriving]) -> list[Arriving]:
    """The order in which the messages of a partition can come: a frame that came before it was sent waits for a tick."""
    came: list[Arriving] = []
    waiting: list[Arriving] = []
    now: int | None = None
    for message in messages:
        if message.tick is not None:
            now = message.tick if now is None else max(now, message.tick)
            came.append(message)
            came += [one for one in waiting if _believable(one, now)]
            waiting = [one for one in waiting if not _believable(one, now)]
        elif _believable(message, now):
            came.append(message)
        else:
            waiting.append(message)
    return came + waiting


def _believable(message: Arriving, now: int | None) -> bool:
    if message.frame is None:
        return True
    if message.frame.is_ahead:
        return now is not None
    return now is None or message.frame.sent <= now + AHEAD_MINUTES


class Batch(NamedTuple):
    """Messages that are processed at once, as (partition, offset, bytes)."""

    messages: list[tuple[int, int, bytes]]


def batches(streams: dict[int, list[Arriving]], random: Random) -> list[Batch]:
    """Messages of all partitions with their offsets, interleaved and cut at random."""
    left = {p: list(enumerate(found)) for p, found in streams.items()}
    sequence: list[tuple[int, int, bytes]] = []
    while any(left.values()):
        partition = random.choice([p for p, found in left.items() if found])
        offset, arriving = left[partition].pop(0)
        sequence.append((partition, offset, arriving.message))
    cut: list[Batch] = []
    while sequence:
        size = random.choice((1, 1, 2, 2, 3, 5, 40))
        cut.append(Batch(sequence[:size]))
        sequence = sequence[size:]
    return cut


def slot_at(minutes: int) -> int:
    """The slot of a start that is on the grid."""
    return ZERO + minutes // 15


assert slot_start(ZERO) == minute(0)
