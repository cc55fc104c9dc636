"""What the tables must hold after a history, said in plain Python from the history alone, in no order at all."""

from collections.abc import Iterable
from datetime import UTC
from functools import cache
from hashlib import blake2b
from typing import NamedTuple

from schemas.energy import quarter
from tests.property.histories import END, GRACE_MINUTES, History, Reading, Sending, slot_at
from tests.property.world import CHANNELS, DCTUS, MAX_WH, World, minute, world_with

Cell = tuple[str, int]
"""A channel and a slot."""


class Version(NamedTuple):
    """A version of a reading, in the order in which versions are compared."""

    rank: int
    sent: int
    seq: int
    quality: int
    wh: int


Refused = tuple[str, ...]
"""Rule and the texts of a refused reading, or rule and digest of a message."""


class BalanceRow(NamedTuple):
    """A row of v_balance_15m, and what its completeness is made of."""

    present: int
    expected: int
    schedule_version: int | None
    closed: bool
    gen_plan_wh: int | None
    gen_fact_wh: int | None
    cons_plan_wh: int | None
    cons_fact_wh: int | None
    exch_plan_wh: int | None
    exch_fact_wh: int | None
    imbalance_wh: int


class Tables(NamedTuple):
    """The tables that the order of arrival must not change, arrival columns left out, by codes and slots."""

    reading: dict[Cell, Version]
    revision: dict[Cell, frozenset[Version]]
    declared: frozenset[Cell]
    quarantine: frozenset[Refused]
    partial: dict[tuple[int, str, str], tuple[int, int, int]]
    balance: dict[tuple[str, str, int], BalanceRow]


KINDS = {"generation": -1, "consumption": 1, "interchange": 1}


def tables_after(history: History) -> Tables:
    """The end state."""
    world, admitted_by = world_with(tuple(history.changes)), world_with(())
    versions: dict[Cell, set[Version]] = {}
    declared: set[Cell] = set()
    refused: set[Refused] = {("MALFORMED", _digest(message)) for message in history.garbage}
    for sending in history.sendings:
        for reading in sending.readings:
            rule = rule_of(admitted_by, sending, reading)
            cell = (reading.channel, slot_at(reading.start))
            if rule is not None:
                refused.add(refusal(rule, sending, reading))
            elif reading.wh is None:
                declared.add(cell)
            else:
                quality = 4 if reading.status == 0 else 2
                versions.setdefault(cell, set()).add(Version(0, sending.sent, sending.seq, quality, reading.wh))
    refused.update(conflicts(admitted_by, versions))
    winners = {cell: max(found) for cell, found in versions.items()}
    losers = {cell: frozenset(found - {winners[cell]}) for cell, found in versions.items() if len(found) > 1}
    values = {cell: winner.wh for cell, winner in winners.items()}
    return Tables(
        winners,
        losers,
        frozenset(declared),
        frozenset(refused),
        partials(world, values),
        balances(world, values, history),
    )


def rule_of(world: World, sending: Sending, reading: Reading) -> str | None:
    """The rule by which a reading is refused: the first that holds."""
    slot = slot_at(reading.start)
    held = world.assigned(reading.channel, slot) if reading.channel in CHANNELS else None
    if sending.is_ahead:
        return "FUTURE"
    if reading.start % 15 or minute(reading.start).year < 2000:
        return "GRID"
    if sending.dctu not in DCTUS or reading.channel not in CHANNELS:
        return "UNKNOWN"
    if held is None or held.dctu != sending.dctu:
        return "FOREIGN"
    if reading.status not in (0, 1):
        return "STATUS"
    if reading.wh is None and reading.status == 0:
        return "EMPTY"
    if reading.wh is not None and reading.wh < 0:
        return "NEGATIVE"
    if reading.wh is not None and reading.wh > MAX_WH:
        return "OVER_MAX"
    if reading.start + 15 > sending.sent:
        return "FUTURE"
    return None


def refusal(rule: str, sending: Sending, reading: Reading) -> Refused:
    """A refused reading as its row of the quarantine says it."""
    return (
        rule, sending.dctu, reading.channel.replace("\0", "\ufffd"), _text(reading.start), str(reading.wh),
        str(reading.status), _text(sending.sent), str(sending.seq),
    )  # fmt: skip


def conflicts(world: World, versions: dict[Cell, set[Version]]) -> Iterable[Refused]:
    """One frame number with different values of one reading."""
    for (channel, slot), found in versions.items():
        held = world.assigned(channel, slot)
        assert held is not None
        for number in {(version.sent, version.seq) for version in found}:
            if sum((version.sent, version.seq) == number for version in found) > 1:
                start = (slot - slot_at(0)) * 15
                yield ("CONFLICT", held.dctu, channel, _text(start), "None", "None", _text(number[0]), str(number[1]))


def _text(minutes: int) -> str:
    return minute(minutes).astimezone(UTC).isoformat()


def partials(world: World, values: dict[Cell, int]) -> dict[tuple[int, str, str], tuple[int, int, int]]:
    """What the channels of each DCTU that have a value add to each unit: Wh, present, expected."""
    sums: dict[tuple[int, str, str], tuple[int, int, int]] = {}
    for (channel, slot), wh in values.items():
        held = world.assigned(channel, slot)
        assert held is not None
        total, present, _ = sums.get((slot, held.dctu, held.unit), (0, 0, 0))
        added = held.sign * wh if held.unit else 0
        sums[slot, held.dctu, held.unit] = (total + added, present + 1, _expected(world, slot, held.unit, held.dctu))
    return sums


@cache
def _expected(world: World, slot: int, unit: str, dctu: str | None = None) -> int:
    held = [one for channel in CHANNELS if (one := world.assigned(channel, slot)) is not None]
    return sum(one.expected and one.unit == unit and dctu in (None, one.dctu) for one in held)


def balances(world: World, values: dict[Cell, int], history: History) -> dict[tuple[str, str, int], BalanceRow]:
    """Plan against fact of every node that has a row."""
    due = slot_at(END - GRACE_MINUTES) - 1
    first = min([slot_at(0), *(slot for _, slot in values)])
    rows = {}
    for slot in range(first, due + 1):
        members = {unit: member for unit in world.units if (member := world.member(unit, slot)) is not None}
        units = {unit: _unit(world, values, history, unit, slot) for unit in members}
        for node in {node for member in members.values() for node in member.nodes if node}:
            below = [(members[unit].kind, units[unit]) for unit in members if node in members[unit].nodes]
            row = _row(below)
            if world.registered[node] <= slot or row.present > 0:
                rows[*node, slot] = row
    return rows


class _Unit(NamedTuple):
    fact: int
    present: int
    expected: int
    plan: int | None
    version: int | None


def _unit(world: World, values: dict[Cell, int], history: History, unit: str, slot: int) -> _Unit:
    fact = present = 0
    for channel in CHANNELS:
        held, wh = world.assigned(channel, slot), values.get((channel, slot))
        if held is not None and held.unit == unit and wh is not None:
            fact, present = fact + held.sign * wh, present + 1
    hour, index = divmod(slot - slot_at(0), 4)
    planned = [(row.version, row.wh) for row in history.plans if (row.unit, row.hour) == (unit, hour)]
    version, wh_of_hour = max(planned, default=(None, 0))
    plan = None if version is None else quarter(wh_of_hour, index)
    return _Unit(fact, present, _expected(world, slot, unit), plan, version)


def _row(below: list[tuple[str, _Unit]]) -> BalanceRow:
    present, expected = sum(unit.present for _, unit in below), sum(unit.expected for _, unit in below)
    energies: list[int | None] = []
    imbalance = 0
    for kind, sign in KINDS.items():
        of_kind = [unit for its_kind, unit in below if its_kind == kind]
        plans = [unit.plan for unit in of_kind if unit.plan is not None]
        plan = sum(plans) if plans else None
        fact = sum(unit.fact for unit in of_kind) if of_kind else None
        energies += [plan, fact]
        imbalance += sign * ((fact or 0) - (plan or 0))
    versions = [unit.version for _, unit in below if unit.version is not None]
    return BalanceRow._make((present, expected, max(versions, default=None), True, *energies, imbalance))


def _digest(message: bytes) -> str:
    return blake2b(b"MALFORMED\0" + message, digest_size=16).hexdigest()
