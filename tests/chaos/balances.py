"""Plan against fact of every node, from the readings that rule: plain sums over everything, nothing of the product."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tests.chaos.fleet import KINDS, Fleet
from tests.chaos.oracle import Oracle

Node = tuple[str, str]
# Wh of units and hours (the hour's first interval), by version of the schedule.
Plan = Mapping[tuple[str, int], Mapping[int, int]]


class Row(NamedTuple):
    """A row of v_balance_15m without its key."""

    gen_plan: int | None
    gen_fact: int | None
    cons_plan: int | None
    cons_fact: int | None
    exch_plan: int | None
    exch_fact: int | None
    imbalance: int
    completeness: float
    closed: bool
    version: int | None


def balances(oracle: Oracle, plan: Plan) -> dict[tuple[str, str, int], Row]:
    """Every row that v_balance_15m must have, by kind and code of the node and interval."""
    fleet = oracle.fleet
    fact, present = _facts(oracle)
    expected: dict[str, int] = defaultdict(int)
    for code, sign in fleet.assigned.values():
        expected[code] += sign != 0
    below: dict[Node, list[str]] = defaultdict(list)
    for unit in fleet.units.values():
        for node in (("unit", unit.code), *unit.above):
            below[node].append(unit.code)
    due = oracle.due_slot(oracle.watched_us)
    slots = {*range(oracle.first_slot, due + 1), *(slot for _, slot in fact)}
    rows = {}
    for slot in sorted(slots):
        planned = {unit: _quarter(plan.get((unit, slot - slot % 4), {}), slot) for unit in fleet.units}
        for node, units in below.items():
            there = sum(present[unit, slot] for unit in units)
            if slot > due and not there:
                continue
            wanted = sum(expected[unit] for unit in units)
            complete = wanted > 0 and there >= wanted
            rows[*node, slot] = _row(
                fleet, units, planned, {unit: fact[unit, slot] for unit in units},
                min(there / wanted, 1.0) if wanted else float(there > 0), slot <= due or complete,
            )  # fmt: skip
    return rows


def _facts(oracle: Oracle) -> tuple[dict[tuple[str, int], int], dict[tuple[str, int], int]]:
    fact: dict[tuple[str, int], int] = defaultdict(int)
    present: dict[tuple[str, int], int] = defaultdict(int)
    for (channel, slot), versions in oracle.versions.items():
        unit, sign = oracle.fleet.assigned[channel]
        if sign:
            fact[unit, slot] += sign * max(versions).wh
            present[unit, slot] += 1
    return fact, present


def _quarter(versions: Mapping[int, int], slot: int) -> tuple[int, int] | None:
    """The version in force and the Wh of an interval of its hour: the remainder goes to the first ones."""
    if not versions:
        return None
    version = max(versions)
    return version, versions[version] // 4 + (slot % 4 < versions[version] % 4)


def _row(
    fleet: Fleet,
    units: list[str],
    planned: Mapping[str, tuple[int, int] | None],
    fact: Mapping[str, int],
    completeness: float,
    closed: bool,
) -> Row:
    plans: list[int | None] = []
    facts: list[int | None] = []
    for kind in KINDS:
        of_kind = [unit for unit in units if fleet.units[unit].kind == kind]
        plans.append(_sum(found[1] for unit in of_kind if (found := planned[unit])))
        facts.append(_sum(fact[unit] for unit in of_kind))
    deviation = [(facts[i] or 0) - (plans[i] or 0) for i in range(len(KINDS))]
    versions = [found[0] for unit in units if (found := planned[unit])]
    return Row(
        plans[0], facts[0], plans[1], facts[1], plans[2], facts[2], deviation[1] - deviation[0] + deviation[2],
        completeness, closed, max(versions, default=None),
    )  # fmt: skip


def _sum(values: Iterable[int]) -> int | None:
    """The sum, None where there is nothing to add."""
    found = list(values)
    return sum(found) if found else None
