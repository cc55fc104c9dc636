"""Units and the nodes above them, read for the agent `balance`."""

from dataclasses import dataclass

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from connectors.columns import read_columns
from connectors.snapshot import as_slot, read_version

Ints = NDArray[np.int64]

# In the order of the columns of `membership`; a unit is a node as well.
ABOVE = ("facility_id", "entity_id", "provider_id", "hub_id", "region_id", "branch_id", "zone_id", "system_id")
KINDS = ("generation", "consumption", "interchange")


@dataclass(frozen=True, slots=True)
class Membership:
    """One version: rows of units with their period, kind (index into KINDS) and the nodes above (0: none)."""

    version: int
    nodes: dict[int, tuple[str, str]]
    registered_slot: dict[int, int]
    unit_id: Ints
    kind: Ints
    from_slot: Ints
    to_slot: Ints
    above: Ints
    assigned_unit: Ints
    assigned_from: Ints
    assigned_to: Ints


async def read_membership(cursor: psycopg.AsyncCursor, *, hold: bool = True) -> Membership:
    """Read it whole; `hold`: no import commits before the transaction ends."""
    version = await read_version(cursor, hold=hold)
    await cursor.execute(f"select node_id, kind, node, {as_slot('registered_at', 'ceil')} from node")
    rows = await cursor.fetchall()
    nodes = {node_id: (kind, node) for node_id, kind, node, _ in rows}
    registered = {node_id: slot for node_id, _, _, slot in rows}
    kinds = " ".join(f"when '{kind}' then {i}" for i, kind in enumerate(KINDS))
    above = ", ".join(f"coalesce({name}, 0)" for name in ABOVE)
    columns = await read_columns(
        cursor,
        sql.SQL(
            f"select unit_id, case kind {kinds} end, {as_slot('from_ts', 'ceil')}, {as_slot('to_ts', 'ceil')}, {above} "
            "from membership"
        ),
        ("int4",) * (4 + len(ABOVE)),
    )
    assigned = await read_columns(
        cursor,
        sql.SQL(
            f"select unit_id, {as_slot('greatest(from_ts, registered_at)', 'ceil')}, {as_slot('to_ts', 'ceil')} "
            "from assignment where unit_id <> 0"
        ),
        ("int4",) * 3,
    )
    unit_id, kind, from_slot, to_slot, *nodes_above = columns
    assigned_unit, assigned_from, assigned_to = assigned
    return Membership(
        version, nodes, registered, unit_id, kind, from_slot, to_slot, np.stack(nodes_above, axis=1),
        assigned_unit, assigned_from, assigned_to,
    )  # fmt: skip
