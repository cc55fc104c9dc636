"""Where a deviation from the plan begins to be an alarm: the band that is drawn around a plan."""

from collections.abc import Sequence

import numpy as np

from alerts.conditions import thresholds
from alerts.master import BalanceRule
from schemas.time import SLOTS_PER_HOUR


def limits_of(rule: BalanceRule, plan_wh: Sequence[int | None], capacity_w: int) -> list[int | None]:
    """How far from the plan of each hour, in Wh, the lowest level of a rule is reached; None where there is no plan."""
    base = np.abs(np.array([[wh or 0 for wh in plan_wh]], float)) / SLOTS_PER_HOUR
    lowest = thresholds(rule, base, np.array([capacity_w // SLOTS_PER_HOUR]))[0, 0]
    hours = np.rint(lowest * SLOTS_PER_HOUR).astype(np.int64).tolist()
    return [None if wh is None else limit for wh, limit in zip(plan_wh, hours, strict=True)]
