"""The pure core driven as collect drives it, with a plain-Python archive in the database's place.

The archive applies what a batch writes by the rules and nothing else; it refuses what the real one would refuse.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

import numpy as np
from numpy.typing import NDArray

from connectors.balances import NULL
from connectors.cells import Partials, Versions
from schemas.partitioning import partition_of
from schemas.rules import Rule
from schemas.time import INTERVAL_US, SLOTS_PER_HOUR, to_us
from streams import batch
from streams.balancing import balance
from streams.batch import Rules, Writes
from streams.matrix import Block, Stored
from streams.nodes import Nodes
from streams.registry import Registry
from tests.property.histories import AHEAD_MINUTES, END, GRACE_MINUTES, Arriving, Planned, batches, slot_at
from tests.property.oracle import BalanceRow, Refused, Tables, Version
from tests.property.world import CHANNELS, DCTUS, PARTITIONS, World, minute

Ints = NDArray[np.int64]
# A short ring, so that much is older than it; a long one, so that nothing is.
RINGS = (4, 6, 20)
_START_US = to_us(minute(0))


def rules_with(ring: int) -> Rules:
    """The rules, with so many intervals in memory."""
    return Rules(PARTITIONS, GRACE_MINUTES * 60_000_000, AHEAD_MINUTES * 60_000_000, ring)


@dataclass(slots=True)
class Archive:
    """Versions of cells with the time when each first came, partial sums, declared cells, refusals."""

    versions: dict[tuple[int, int], dict[tuple[int, ...], int]] = field(default_factory=dict)
    partials: dict[tuple[int, int, int], tuple[int, int, int]] = field(default_factory=dict)
    declared: set[tuple[int, int]] = field(default_factory=set)
    refused: set[Refused] = field(default_factory=set)

    def add_new(self, cells: Versions) -> None:
        """Cells that are believed to be empty: a unique violation otherwise."""
        for cell, version, received in _versions(cells):
            assert cell not in self.versions, f"unique violation: {cell} is filled"
            self.versions[cell] = {version: received}

    def merge(self, cells: Versions) -> set[tuple[int, int, int, int]]:
        """Versions of any cells; gives channel, slot, sent_us and seq of conflicts that they are part of."""
        found = set()
        for cell, version, received in _versions(cells):
            self.versions.setdefault(cell, {}).setdefault(version, received)
        for cell, version, _ in _versions(cells):
            number = version[:3]
            if sum(known[:3] == number for known in self.versions[cell]) > 1:
                found.add((*cell, version[1], version[2]))
        return found

    def set_partials(self, rows: Partials) -> None:
        """Rows of `partial`, each key once."""
        keys = list(
            zip((rows.ts_us // INTERVAL_US).tolist(), rows.dctu_id.tolist(), rows.unit_id.tolist(), strict=True)
        )
        assert len(set(keys)) == len(keys), "one key twice in one statement"
        values = zip(rows.wh.tolist(), rows.present.tolist(), rows.expected.tolist(), strict=True)
        self.partials |= dict(zip(keys, values, strict=True))

    def recompute(self, world: World, dctu: str, slots: Iterable[int]) -> None:
        """Partial sums of a DCTU from the winners."""
        for slot in slots:
            dctu_id = world.ids["dctu", dctu]
            for key in [key for key in self.partials if key[:2] == (slot, dctu_id)]:
                del self.partials[key]
            for channel in CHANNELS:
                held = world.assigned(channel, slot)
                if held is None or held.dctu != dctu:
                    continue
                unit = world.ids["unit", held.unit] if held.unit else 0
                version = max(self.versions.get((world.ids["channel", channel], slot), {}), default=None)
                wh, present, expected = self.partials.get((slot, dctu_id, unit), (0, 0, 0))
                added = held.sign * version[4] if version and unit else 0
                self.partials[slot, dctu_id, unit] = (wh + added, present + bool(version), expected + held.expected)

    def cells_of(self, ids: Ints, first: int, end: int) -> Stored:
        """What a block loads."""
        rows = [
            (channel, slot, version[4], version[3], *version[:3], min(versions.values()))
            for (channel, slot), versions in self.versions.items()
            if channel in ids and first <= slot < end
            for version in [max(versions)]
        ]
        return Stored(*np.array(rows, np.int64).reshape(-1, 8).T)


def _versions(cells: Versions) -> list[tuple[tuple[int, int], tuple[int, ...], int]]:
    rows = zip(*(column.tolist() for column in cells.columns()), strict=True)
    return [
        ((channel, ts // INTERVAL_US), (rank, sent, seq, quality, wh), received)
        for ts, wh, sent, seq, received, channel, quality, rank in rows
    ]


class Core:
    """Collect without a database, over a world that may change between batches."""

    def __init__(self, world: World, ring: int) -> None:
        self.rules = rules_with(ring)
        self.archive = Archive()
        self.times: dict[int, int | None] = {}
        self.forwards: list[tuple[str, bytes]] = []
        self.take_over(world)

    def take_over(self, world: World) -> None:
        """Other master data: what they touch is computed anew from the archive, memory is discarded."""
        self.world = world
        self._registry = Registry(world.snapshot, PARTITIONS)
        self.forget()
        slots = {slot for _, slot in self.archive.versions} | {slot for slot, _, _ in self.archive.partials}
        for dctu in DCTUS:
            self.archive.recompute(world, dctu, slots)

    def forget(self) -> None:
        """Discard the blocks, as after a restart."""
        self._blocks: dict[str, Block] = {}

    def process(self, messages: list[tuple[int, int, bytes]]) -> None:
        """One batch."""
        sorted_ = batch.sort_messages(messages, self.times, self._registry, self.rules)
        first = {p: slot_at(0) for p in sorted_.ticks if self.times.get(p) is None}
        deadlines = batch.deadlines_of(sorted_, self.times, first, self.rules)
        needed = {*sorted_.arrivals, *self._registry.dctus_of(deadlines)}
        for dctu in sorted(needed - set(self._blocks)):
            self._load(dctu, sorted_)
        writes = batch.compute(sorted_, deadlines, self._registry, self._blocks, set(), self.rules)
        self._write(sorted_, writes)
        self.times |= sorted_.times
        self.forwards += sorted_.forwards

    def _load(self, dctu: str, sorted_: batch.Sorted) -> None:
        layout = self._registry.layout(dctu)
        if layout is None:
            return
        known = [us for us in sorted_.times.values() if us is not None]
        sent = [arrival.frame.sent_us for found in sorted_.arrivals.values() for arrival in found]
        newest = max([max(known or sent) // INTERVAL_US, *(slot for _, slot in self.archive.versions)])
        block = Block(layout, self.rules.ring, newest)
        block.load(self.archive.cells_of(layout.channel_id, block.oldest, newest + 1), self.rules.grace_us)
        self._blocks[dctu] = block

    def _write(self, sorted_: batch.Sorted, writes: Writes) -> None:
        if writes.new:
            self.archive.add_new(batch.join(writes.new))
        conflicts = {found for staged in writes.staged.values() for found in self.archive.merge(batch.join(staged))}
        for ts_us, channel_id in writes.declared:
            self.archive.declared |= set(zip(channel_id.tolist(), (ts_us // INTERVAL_US).tolist(), strict=True))
        self.archive.set_partials(writes.partials(self._blocks))
        for dctu, slots in writes.cold.items():
            self.archive.recompute(self.world, dctu, slots)
        channels = {number: channel for channel in CHANNELS for number in [self.world.ids["channel", channel]]}
        for conflicting, slot, sent_us, seq in conflicts:
            held = self.world.assigned(channels[conflicting], slot)
            assert held is not None
            start, sent = (minute((us - _START_US) // 60_000_000).isoformat() for us in (slot * INTERVAL_US, sent_us))
            row = ("CONFLICT", held.dctu, channels[conflicting], start, "None", "None", sent, str(seq))
            self.archive.refused.add(row)
        for refusal in sorted_.refusals:
            if refusal.rule is Rule.MALFORMED:
                self.archive.refused.add(("MALFORMED", refusal.digest.hex()))
            else:
                channel = (refusal.channel or "").replace("\0", "\ufffd")
                texts = (refusal.dctu, channel, refusal.start, refusal.wh, refusal.status, refusal.sent_at, refusal.seq)
                self.archive.refused.add((refusal.rule.value, *(str(text) for text in texts)))

    def tables(self, plans: list[Planned]) -> Tables:
        """The end state, by codes."""
        archive, world = self.archive, self.world
        names = {number: code for (kind, code), number in world.ids.items() if kind in ("channel", "dctu", "unit")}
        winners = {cell: max(versions) for cell, versions in archive.versions.items()}
        return Tables(
            {(names[channel], slot): _plain(winner) for (channel, slot), winner in winners.items()},
            {
                (names[cell[0]], cell[1]): frozenset(_plain(one) for one in versions if one != winners[cell])
                for cell, versions in archive.versions.items()
                if len(versions) > 1
            },
            frozenset((names[channel], slot) for channel, slot in archive.declared),
            frozenset(archive.refused),
            {
                (slot, names[dctu], names.get(unit, "")): row
                for (slot, dctu, unit), row in archive.partials.items()
                if row[1] > 0
            },
            self._balances(plans),
        )

    def _balances(self, plans: list[Planned]) -> dict[tuple[str, str, int], BalanceRow]:
        nodes = Nodes(self.world.membership)
        due = slot_at(END - GRACE_MINUTES) - 1
        slots = np.arange(min([slot_at(0), *(slot for slot, _, _ in self.archive.partials)]), due + 1, dtype=np.int64)
        sums: dict[tuple[int, int], tuple[int, int]] = {}
        for (slot, _, unit), (wh, present, _) in self.archive.partials.items():
            if unit:
                before = sums.get((slot, unit), (0, 0))
                sums[slot, unit] = (before[0] + wh, before[1] + present)
        in_force = {(plan.hour, plan.unit): plan for plan in sorted(plans, key=lambda plan: plan.version)}
        planned = [
            (slot_at(0) + SLOTS_PER_HOUR * plan.hour, nodes.unit_ids[plan.unit], plan.version, plan.wh)
            for plan in in_force.values()
        ]
        rows = {}
        for structure, of_period in nodes.by_structure(slots):
            computed = balance(
                structure,
                of_period,
                list(np.array([(*key, *value) for key, value in sums.items()], np.int64).reshape(-1, 4).T),
                list(np.array(planned, np.int64).reshape(-1, 4).T),
                to_us(minute(END)),
                self.rules.grace_us,
            )
            out = computed.rows(computed.exists)
            for index, (slot, node) in enumerate(zip(out.slot.tolist(), out.node_id.tolist(), strict=True)):
                version, *energies = (
                    None if value == NULL else value
                    for value in (int(out.schedule_version[index]), *out.energies[index].tolist())
                )
                counts = int(out.present[index]), int(out.expected[index])
                closed, imbalance = bool(out.closed[index]), int(out.imbalance[index])
                rows[*nodes.names[node], slot] = BalanceRow._make((*counts, version, closed, *energies, imbalance))
        return rows


def _plain(version: tuple[int, ...]) -> Version:
    rank, sent_us, *rest = version
    return Version(rank, (sent_us - _START_US) // 60_000_000, *rest)


def run(world: World, streams: dict[int, list[Arriving]], worlds: list[World], random: Random) -> Core:
    """Process the messages of all partitions, cut at random; between batches memory is lost and master data change."""
    core = Core(world, random.choice(RINGS))
    found = batches(streams, random)
    when = sorted(random.randrange(len(found) + 1) for _ in worlds)
    left = list(worlds)
    for number, one in enumerate(found):
        while when and when[0] <= number:
            when.pop(0)
            core.take_over(left.pop(0))
        if random.random() < 0.1:
            core.forget()
        core.process(one.messages)
    for other in left:
        core.take_over(other)
    ends = {partition: len(of_partition) for partition, of_partition in streams.items()}
    while core.forwards:
        dctu, message = core.forwards.pop(0)
        partition = partition_of(dctu, PARTITIONS)
        core.process([(partition, ends[partition], message)])
        ends[partition] += 1
    return core
