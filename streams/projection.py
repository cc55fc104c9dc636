"""The running hour: to date, and projected to its end in two ways.

Naive: the rest of the hour goes by plan. Persistence: the rest goes by plan times the fact-to-plan ratio of the last
closed interval, held between 0.5 and 1.5 (without a plan there is no ratio, and it is 1).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connectors.membership import KINDS
from schemas.time import SLOTS_PER_HOUR
from streams.balancing import Balance

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

RATIO_LIMITS = (0.5, 1.5)


@dataclass(slots=True)
class Now:
    """One entry a node; energies are `(3 kinds, nodes)` in Wh."""

    newest: Ints  # column of the newest closed interval, −1: none
    closed_intervals: Ints
    plan: Ints
    to_date: Ints
    naive: Ints
    persistence: Ints
    naive_imbalance: Ints
    persistence_imbalance: Ints


def project(balance: Balance, hour: int) -> Now:
    """Project the hour that begins with slot `hour`; the balance holds its four slots, and earlier ones perhaps."""
    closed = balance.closed & balance.exists
    width = len(balance.slots)
    newest = np.where(closed.any(axis=1), width - 1 - np.argmax(closed[:, ::-1], axis=1), -1)
    column = int(np.searchsorted(balance.slots, hour))
    hours = slice(column, column + SLOTS_PER_HOUR)
    done = closed[:, hours]
    plan, fact = balance.plan[:, :, hours], balance.fact[:, :, hours]
    to_date = np.where(done, fact, 0).sum(axis=2)
    rest = np.where(done, 0, plan).sum(axis=2)
    ratio = _ratio(balance, newest)
    naive = to_date + rest
    persistence = to_date + np.rint(rest * ratio).astype(np.int64)
    whole = plan.sum(axis=2)
    return Now(
        newest,
        done.sum(axis=1),
        whole,
        to_date,
        naive,
        persistence,
        _imbalance(naive - whole),
        _imbalance(persistence - whole),
    )


def _ratio(balance: Balance, newest: Ints) -> NDArray[np.float64]:
    nodes = np.arange(len(newest))
    plan, fact = balance.plan[:, nodes, newest], balance.fact[:, nodes, newest]
    usable = (newest >= 0)[None, :] & (plan != 0)
    ratio = np.divide(fact, plan, out=np.ones(plan.shape), where=usable)
    return np.clip(ratio, *RATIO_LIMITS)


def _imbalance(deviation: Ints) -> Ints:
    generation, consumption, interchange = (deviation[k] for k in range(len(KINDS)))
    total: Ints = consumption - generation + interchange
    return total
