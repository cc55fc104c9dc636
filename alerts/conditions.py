"""Conditions over balances: which limit each node passes in each interval, for all nodes and intervals at once.

Values and limits come out in W (mean power of the interval) or, of the projected hour, in Wh. Sources of the types:
the master alarm database; imbalance and projection as in docs/design.md.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from alerts.frame import CONSUMPTION, GENERATION, LEAD, SIGNS, Bools, Frame, Ints
from alerts.master import BalanceRule, EnergyLevel, HourRule, Master
from schemas.alarm import AlarmType, Unit
from schemas.time import SLOTS_PER_HOUR

Levels = NDArray[np.int8]
Floats = NDArray[np.float64]

# Further than this the last interval's ratio of fact to plan is not carried on, as in the projection of the hour.
_CLIP = 0.5


class Why(IntEnum):
    """Why a condition that is true is nobody's fault."""

    NOTHING = 0
    INCOMPLETE = 1  # too little of the data is there
    MISSING = 2  # what is missing may explain it
    CORRECTED = 3  # the plan has just been corrected


@dataclass(slots=True)
class Judged:
    """One type, for some nodes of a frame (`row`) and its intervals after the lead: arrays `(rows, slots)`."""

    type: AlarmType
    unit: Unit
    row: Ints
    first: int
    value: Ints
    limit: Ints  # of the level reached, else of the lowest
    beyond: Levels  # the level whose limit is passed; 0: none
    within: Levels  # the same less the deadband
    looked: Bools  # where there was anything to judge
    why: Levels
    place_of: dict[int, int] = field(init=False)
    rows_beyond: list[set[int]] = field(init=False)  # by slot, rows of the frame beyond a limit

    def __post_init__(self) -> None:
        """Index the places by row of the frame, and who is beyond a limit by slot."""
        self.place_of = {row: place for place, row in enumerate(self.row.tolist())}
        self.rows_beyond = [set() for _ in range(self.beyond.shape[1])]
        for place, column in np.argwhere(self.beyond).tolist():
            self.rows_beyond[column].add(int(self.row[place]))


BALANCE_TYPES = (AlarmType.TRIP, AlarmType.ZONE_IMB, AlarmType.HOUR_PROJ, AlarmType.DEV_GEN, AlarmType.DEV_CONS)


def judge(master: Master, frame: Frame) -> list[Judged]:
    """Every type that looks at balances. The first LEAD intervals of the frame are only looked back at."""
    found = []
    for type_ in BALANCE_TYPES:
        rule = master.rule(type_)
        assert isinstance(rule, BalanceRule | HourRule)
        of_kind = np.isin(frame.kinds, rule.kinds)
        names = [f"{kind}/{code}" for kind, code in zip(frame.kinds, frame.codes, strict=True)]
        own = np.array([name in rule.overrides for name in names], np.bool_)
        groups = [(rule, of_kind & ~own)]
        groups += [
            (rule.of(frame.kinds[row], frame.codes[row]), np.arange(len(names)) == row)
            for row in np.flatnonzero(of_kind & own).tolist()
        ]
        for variant, which in groups:
            if variant.enabled and which.any():
                found.append(_judge(type_, variant, frame.rows(which), np.flatnonzero(which)))
    return found


def _judge(type_: AlarmType, rule: BalanceRule | HourRule, frame: Frame, row: Ints) -> Judged:
    value, known, base, looked = _MEASURES[type_](frame)
    limits = thresholds(rule, base, frame.capacity_wh)
    hold = 1.0 - rule.deadband_percent / 100
    beyond, within = _reached(np.abs(value), limits), _reached(np.abs(value), limits * hold)
    explained = (within > 0) & (_reached(np.abs(known) * (np.sign(known) == np.sign(value)), limits * hold) == 0)
    why = np.zeros(value.shape, np.int8)
    why[_corrected(frame, rule.after_correction)] = Why.CORRECTED
    why[explained] = Why.MISSING
    why[_least_completeness(type_, frame) * 100 < rule.completeness_percent] = Why.INCOMPLETE
    shown = np.clip(beyond.astype(np.int64), 1, None) - 1
    limit = np.take_along_axis(limits, shown[None], axis=0)[0]
    if isinstance(rule, HourRule):
        quarter = (frame.first + np.arange(frame.width)) % SLOTS_PER_HOUR
        looked = looked & (SLOTS_PER_HOUR - 1 - quarter >= rule.least_left)[None, :]
    unit, factor = (Unit.WH, 1) if isinstance(rule, HourRule) else (Unit.W, SLOTS_PER_HOUR)
    after = slice(LEAD, None)
    return Judged(
        type_, unit, row, frame.first + LEAD, (value * factor)[:, after],
        np.rint(limit * factor).astype(np.int64)[:, after], beyond[:, after], within[:, after], looked[:, after],
        why[:, after],
    )  # fmt: skip


def thresholds(rule: BalanceRule | HourRule, base: Floats, capacity_wh: Ints) -> Floats:
    """The limit of each level, Wh, `(levels, nodes, slots)`: of an entry the greatest figure, of several the least."""
    priorities = rule.priorities
    found = np.full((len(priorities), *base.shape), np.inf)
    for level in rule.levels:
        if isinstance(level, EnergyLevel):
            limit = np.full(base.shape, level.mwh * 1e6)
        else:
            limit = np.maximum(level.mw * 1e6 / SLOTS_PER_HOUR, level.percent / 100 * base)
            limit = np.maximum(limit, level.capacity_percent / 100 * capacity_wh[:, None])
        place = priorities.index(level.priority)
        found[place] = np.minimum(found[place], limit)
    # Who reaches a higher priority has reached the lower ones.
    lowest: Floats = np.minimum.accumulate(found[::-1], axis=0)[::-1]
    return lowest


def _reached(size: Ints | Floats, thresholds: Floats) -> Levels:
    """How many levels a value reaches. A limit of nothing is reached by nothing."""
    reached: Levels = ((size >= thresholds) & (size > 0)).sum(axis=0).astype(np.int8)
    return reached


_Measure = tuple[Ints, Ints, Floats, Bools]


def _deviation_of(kind: int) -> Callable[[Frame], _Measure]:
    def measure(frame: Frame) -> _Measure:
        """Fact less plan of one kind; relative to the plan. Without a plan there is nothing to deviate from."""
        looked = frame.has_plan[kind] & frame.has_fact[kind] & frame.closed
        value = np.where(looked, frame.deviation[kind], 0)
        return value, frame.known[kind], np.abs(frame.plan[kind]).astype(float), frame.closed

    return measure


def _imbalance(frame: Frame) -> _Measure:
    """As in the balance. Positive = deficit."""
    value = (SIGNS * frame.deviation).sum(axis=0)
    base = np.abs(frame.plan).sum(axis=0).astype(float)
    return value, (SIGNS * frame.known).sum(axis=0), base, frame.closed


def _projected(frame: Frame) -> _Measure:
    """The imbalance of the hour so far, and as in the last interval for the rest of it."""
    done = frame.closed[None]
    value, known = (_to_hour(frame, np.where(done, part, 0)) for part in (frame.deviation, frame.known))
    return value, known, np.abs(frame.plan).sum(axis=0).astype(float), frame.closed


def _to_hour(frame: Frame, deviation: Ints) -> Ints:
    hours = -(-frame.width // SLOTS_PER_HOUR)
    padding = hours * SLOTS_PER_HOUR - frame.width
    imbalance = (SIGNS * deviation).sum(axis=0)
    by_hour = np.pad(imbalance, ((0, 0), (0, padding))).reshape(len(imbalance), hours, SLOTS_PER_HOUR)
    to_date = by_hour.cumsum(axis=2).reshape(len(imbalance), -1)[:, : frame.width]
    most = np.rint(_CLIP * np.abs(frame.plan)).astype(np.int64)
    going_on = (SIGNS * np.clip(deviation, -most, most)).sum(axis=0)
    left = SLOTS_PER_HOUR - 1 - np.arange(frame.width) % SLOTS_PER_HOUR
    projected: Ints = to_date + left[None, :] * going_on
    return projected


def _drop(frame: Frame) -> _Measure:
    """Generation lost between two intervals that the plan does not give up; relative to the plan before.

    No more than what was lost counts, whatever the plan does, and no more than what was not planned.
    """
    looked = frame.closed & frame.has_fact[GENERATION]
    looked[:, 1:] &= looked[:, :-1]
    looked[:, 0] = False
    lost = _fall(frame.fact[GENERATION], looked)
    unplanned, known = (_fall(part[GENERATION], looked) for part in (frame.deviation, frame.known))
    base = np.zeros(lost.shape)
    base[:, 1:] = np.abs(frame.plan[GENERATION][:, :-1])
    value = np.maximum(np.minimum(lost, unplanned), 0)
    return value, np.clip(known, 0, value), base, frame.closed


def _fall(energy: Ints, looked: Bools) -> Ints:
    fall = np.zeros_like(energy)
    fall[:, 1:] = energy[:, :-1] - energy[:, 1:]
    return np.where(looked, fall, 0)


_MEASURES: dict[AlarmType, Callable[[Frame], _Measure]] = {
    AlarmType.DEV_GEN: _deviation_of(GENERATION),
    AlarmType.DEV_CONS: _deviation_of(CONSUMPTION),
    AlarmType.ZONE_IMB: _imbalance,
    AlarmType.HOUR_PROJ: _projected,
    AlarmType.TRIP: _drop,
}


def _least_completeness(type_: AlarmType, frame: Frame) -> Floats:
    """Of the interval; of a drop, of the one before as well."""
    least = frame.completeness.copy()
    if type_ is AlarmType.TRIP:
        least[:, 1:] = np.minimum(least[:, 1:], frame.completeness[:, :-1])
    return least


def _corrected(frame: Frame, intervals: int) -> Bools:
    """Where the version of the plan is another than shortly before, within an operating day's numbering or not."""
    changed = np.zeros(frame.closed.shape, np.bool_)
    changed[:, 1:] = (frame.version[:, 1:] != frame.version[:, :-1]) & (frame.version[:, :-1] > 0)
    recent = changed.copy()
    for back in range(1, intervals):
        recent[:, back:] |= changed[:, :-back]
    return recent if intervals else np.zeros_like(changed)
