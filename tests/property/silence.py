"""Gaps, said message by message in plain Python: the reference for any way of cutting a stream into batches."""

from dataclasses import dataclass

from schemas.partitioning import partition_of
from tests.property.histories import GRACE_MINUTES, Arriving, slot_at
from tests.property.oracle import rule_of
from tests.property.world import CHANNELS, DCTUS, PARTITIONS, World


@dataclass
class Silence:
    """A run of slots of a DCTU with anything missing; minutes of opening and healing."""

    dctu: str
    first: int
    last: int
    channels: int
    opened: int
    healed: int | None = None


def gaps_of(world: World, streams: dict[int, list[Arriving]]) -> set[tuple[object, ...]]:
    """What every partition's sequence of messages makes of its DCTUs' gaps."""
    found: list[Silence] = []
    for partition, messages in streams.items():
        found += _of_partition(world, [d for d in DCTUS if partition_of(d, PARTITIONS) == partition], messages)
    return {(gap.dctu, gap.first, gap.last, gap.channels, gap.opened, gap.healed) for gap in found}


def _of_partition(world: World, dctus: list[str], messages: list[Arriving]) -> list[Silence]:
    filled: set[tuple[str, int]] = set()
    found: list[Silence] = []
    now: int | None = None
    next_slot = slot_at(0)

    def missing(dctu: str, slot: int) -> int:
        held = [(c, one) for c in CHANNELS if (one := world.assigned(c, slot)) is not None and one.dctu == dctu]
        return sum(one.expected and (channel, slot) not in filled for channel, one in held)

    for message in messages:
        if message.tick is not None and (now is None or message.tick > now):
            now = message.tick
            while next_slot <= slot_at(now - GRACE_MINUTES) - 1:
                for dctu in dctus:
                    if count := missing(dctu, next_slot):
                        _note(found, dctu, next_slot, count, now)
                next_slot += 1
        if message.frame is not None and message.frame.dctu in dctus:
            for reading in message.frame.readings:
                if rule_of(world, message.frame, reading) is None and reading.wh is not None:
                    filled.add((reading.channel, slot_at(reading.start)))
            for gap in found:
                if gap.healed is None and not any(missing(gap.dctu, slot) for slot in range(gap.first, gap.last + 1)):
                    gap.healed = message.frame.sent if now is None else now
    return found


def _note(found: list[Silence], dctu: str, slot: int, count: int, now: int) -> None:
    for gap in found:
        if gap.dctu == dctu and gap.healed is None and gap.last == slot - 1:
            gap.last, gap.channels = slot, max(gap.channels, count)
            return
    found.append(Silence(dctu, slot, slot, count, now))
