"""The rows of `node_now`, and the same as the live state."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.balances import NULL
from connectors.membership import KINDS
from connectors.node_now import COLUMNS, Row
from schemas.time import slot_start
from streams.balancing import Balance
from streams.projection import Now, project

States = dict[str, dict[str, dict[str, object]]]


def share(present: int, expected: int) -> float:
    """Completeness: what is present of what is expected, 0 to 1."""
    if expected > 0:
        return min(present / expected, 1.0)
    return 1.0 if present > 0 else 0.0


def rows_now(balance: Balance, hour: int, now: datetime, which: NDArray[np.bool_] | None) -> list[Row]:
    """Rows of the nodes that are asked for (None: all), in the order of `node_now.COLUMNS`."""
    projected = project(balance, hour)
    nodes = range(len(balance.structure.node_id)) if which is None else np.flatnonzero(which).tolist()
    return [_row(balance, projected, hour, now, node) for node in nodes]


def _row(balance: Balance, projected: Now, hour: int, now: datetime, node: int) -> Row:
    newest = int(projected.newest[node])
    interval: list[Any] = [None] * 9
    if newest >= 0:
        interval = []
        for kind in range(len(KINDS)):
            plan = int(balance.plan[kind, node, newest]) if balance.has_plan[kind, node, newest] else None
            interval += [plan, int(balance.fact[kind, node, newest]) if balance.has_kind[kind, node] else None]
        version = int(balance.version[node, newest])
        interval += [
            int(balance.imbalance[node, newest]),
            share(int(balance.present[node, newest]), int(balance.expected[node, newest])),
            None if version == NULL else version,
        ]
    hours: list[Any] = []
    for kind in range(len(KINDS)):
        values = (projected.plan, projected.to_date, projected.naive, projected.persistence)
        hours += [int(value[kind, node]) if balance.has_kind[kind, node] else None for value in values]
    return (
        int(balance.structure.node_id[node]),
        now,
        slot_start(int(balance.slots[newest])) if newest >= 0 else None,
        slot_start(hour),
        int(projected.closed_intervals[node]),
        *interval,
        *hours,
        int(projected.naive_imbalance[node]),
        int(projected.persistence_imbalance[node]),
    )


def states_of(names: dict[int, tuple[str, str]], rows: Sequence[Row]) -> States:
    """The rows by kind and code of the node, instants as ISO text."""
    states: States = {}
    for row in rows:
        kind, code = names[row[0]]
        state = {
            column: value.isoformat() if isinstance(value, datetime) else value
            for column, value in zip(COLUMNS[1:], row[1:], strict=True)
        }
        states.setdefault(kind, {})[code] = state
    return states
