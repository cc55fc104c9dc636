"""The rows of `node_now`, and the same as the live state."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.balances import NULL
from connectors.membership import KINDS
from connectors.node_now import COLUMNS, Row
from schemas.time import slot_start
from streams.balancing import Balance
from streams.projection import project

Ints = NDArray[np.int64]
States = dict[str, dict[str, dict[str, object]]]

_INSTANTS = ("now", "ts", "hour")


def share(present: int, expected: int) -> float:
    """Completeness: what is present of what is expected, 0 to 1."""
    if expected > 0:
        return min(present / expected, 1.0)
    return 1.0 if present > 0 else 0.0


def rows_now(balance: Balance, hour: int, now: datetime, which: NDArray[np.bool_] | None) -> list[Row]:
    """Rows of the nodes that are asked for (None: all), in the order of `node_now.COLUMNS`."""
    projected = project(balance, hour)
    node = np.arange(len(balance.structure.node_id)) if which is None else np.flatnonzero(which)
    newest = projected.newest[node]
    known = newest >= 0
    starts = [slot_start(slot) for slot in balance.slots.tolist()]
    share_of = [share(*pair) for pair in _pairs(balance, node, newest)]
    has_kind = balance.has_kind[:, node]
    interval: list[list[Any]] = []
    hours: list[list[Any]] = []
    for kind in range(len(KINDS)):
        interval += [
            _or_none(balance.plan[kind, node, newest], known & balance.has_plan[kind, node, newest]),
            _or_none(balance.fact[kind, node, newest], known & has_kind[kind]),
        ]
        values = (projected.plan, projected.to_date, projected.naive, projected.persistence)
        hours += [_or_none(value[kind, node], has_kind[kind]) for value in values]
    version = balance.version[node, newest]
    columns: list[list[Any]] = [
        balance.structure.node_id[node].tolist(),
        [now] * len(node),
        [starts[column] if column >= 0 else None for column in newest.tolist()],
        [slot_start(hour)] * len(node),
        projected.closed_intervals[node].tolist(),
        *interval,
        _or_none(balance.imbalance[node, newest], known),
        [value if column >= 0 else None for value, column in zip(share_of, newest.tolist(), strict=True)],
        _or_none(version, known & (version != NULL)),
        *hours,
        projected.naive_imbalance[node].tolist(),
        projected.persistence_imbalance[node].tolist(),
    ]
    return list(zip(*columns, strict=True))


def _pairs(balance: Balance, node: Ints, column: Ints) -> Iterable[tuple[int, int]]:
    return zip(balance.present[node, column].tolist(), balance.expected[node, column].tolist(), strict=True)


def _or_none(values: Ints, there: NDArray[np.bool_]) -> list[int | None]:
    if there.all():
        return list(values.tolist())
    return [value if is_there else None for value, is_there in zip(values.tolist(), there.tolist(), strict=True)]


def states_of(names: dict[int, tuple[str, str]], rows: Iterable[Row]) -> States:
    """The rows by kind and code of the node, instants as ISO text."""
    states: States = {}
    for row in rows:
        kind, code = names[row[0]]
        state: dict[str, Any] = dict(zip(COLUMNS[1:], row[1:], strict=True))
        for column in _INSTANTS:
            if (at := state[column]) is not None:
                state[column] = at.isoformat()
        states.setdefault(kind, {})[code] = state
    return states
