"""Which readings are accepted, and by which rule the others are refused."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connectors.refusals import Refusal
from schemas.rules import Rule
from schemas.time import INTERVAL_US, from_us
from streams.incoming import Arrival, Incoming
from streams.layout import DctuLayout
from streams.registry import FOREIGN, UNKNOWN

Ints = NDArray[np.int64]

# In the order in which they are asked: a reading is refused by the first that holds.
_ORDER = (Rule.GRID, Rule.UNKNOWN, Rule.FOREIGN, Rule.STATUS, Rule.EMPTY, Rule.NEGATIVE, Rule.OVER_MAX, Rule.FUTURE)


@dataclass(slots=True)
class Verdict:
    """Indexes of accepted readings, of declared missing ones, and the refused with their rule."""

    accepted: Ints
    declared: Ints
    refused: list[tuple[int, Rule]]


def is_ahead(arrival: Arrival, ahead_us: int) -> bool:
    """Whether a sender's clock runs ahead of the stream's time by more than the tolerance.

    What waited while no worker, and so no clock, was there is not ahead: the last tick before it is merely old.
    """
    if arrival.time_us is None:
        return False
    return arrival.frame.sent_us > max(arrival.time_us, arrival.clock_us or arrival.time_us) + ahead_us


def validate(incoming: Incoming, layout: DctuLayout | None) -> Verdict:
    """Judge every reading by the rules, each with the master data valid at its interval."""
    row, slot = incoming.row, incoming.slot
    n = len(row)
    valid = np.zeros(n, np.bool_)
    max_wh = np.zeros(n, np.int64)
    known = (row >= 0) & incoming.on_grid[incoming.part]
    if layout is not None:
        number = layout.period_numbers(slot)
        for period in np.unique(number[known]).tolist():
            of_period = known & (number == period)
            at = layout.at(int(slot[np.argmax(of_period)]))
            valid[of_period] = at.valid[row[of_period]]
            max_wh[of_period] = at.max_wh[row[of_period]]
    sent_us = np.array([arrival.frame.sent_us for arrival in incoming.arrivals], np.int64)
    broken = {
        Rule.GRID: ~incoming.on_grid[incoming.part],
        Rule.UNKNOWN: row == UNKNOWN,
        Rule.FOREIGN: (row == FOREIGN) | ~valid,
        Rule.STATUS: (incoming.status != 0) & (incoming.status != 1),
        Rule.EMPTY: ~incoming.has_value & (incoming.status == 0),
        Rule.NEGATIVE: incoming.wh < 0,
        Rule.OVER_MAX: incoming.wh > max_wh,
        Rule.FUTURE: (slot + 1) * INTERVAL_US > sent_us[incoming.frame],
    }
    good = ~np.logical_or.reduce(list(broken.values()))
    bad = np.flatnonzero(~good).tolist()
    refused = [(index, next(rule for rule in _ORDER if broken[rule][index])) for index in bad]
    return Verdict(np.flatnonzero(good & incoming.has_value), np.flatnonzero(good & ~incoming.has_value), refused)


def _detail(rule: Rule, incoming: Incoming, index: int, layout: DctuLayout | None) -> str:
    match rule:
        case Rule.OVER_MAX if layout is not None:
            limit = layout.at(int(incoming.slot_of_part[incoming.part[index]])).max_wh[incoming.row[index]]
            return f"{incoming.wh[index]} Wh is over the channel's maximum of {limit} Wh"
        case Rule.NEGATIVE:
            return f"{incoming.wh[index]} Wh is below zero"
        case Rule.FUTURE:
            sent = from_us(incoming.arrival(index).frame.sent_us)
            return f"the interval ends after the frame was sent, {sent:%Y-%m-%dT%H:%M:%SZ}"
        case Rule.UNKNOWN if layout is None:
            return f"DCTU {incoming.dctu} is not in the master data"
        case Rule.UNKNOWN:
            return f"channel {incoming.channel(index)} is not in the master data"
        case Rule.FOREIGN:
            return f"channel {incoming.channel(index)} is not of DCTU {incoming.dctu} at this interval"
        case Rule.STATUS:
            return "the status is neither 0 nor 1"
        case Rule.EMPTY:
            return "status 0 without a value"
        case _:
            return "the start is not the start of a quarter-hour of the archive's calendar"


def refusals(incoming: Incoming, verdict: Verdict, layout: DctuLayout | None) -> list[Refusal]:
    """The refused readings as rows of the quarantine."""
    return [_refusal(rule, _detail(rule, incoming, index, layout), incoming, index) for index, rule in verdict.refused]


def _refusal(rule: Rule, detail: str, incoming: Incoming, index: int) -> Refusal:
    part, arrival = int(incoming.part[index]), incoming.arrival(index)
    return Refusal(
        rule, detail, arrival.received_us, arrival.message, incoming.dctu, incoming.channel(index),
        from_us(incoming.slices[part].start_us).isoformat(),
        str(incoming.wh[index]) if incoming.has_value[index] else None,
        str(incoming.status[index]), from_us(arrival.frame.sent_us).isoformat(), arrival.frame.seq,
    )  # fmt: skip


def refuse_ahead(incoming: Incoming) -> list[Refusal]:
    """Every reading of frames whose sender's clock runs ahead, refused."""
    rows = []
    for index in range(len(incoming.row)):
        time_us = incoming.arrival(index).time_us
        time = from_us(time_us) if time_us is not None else None
        detail = f"the sender's clock runs ahead: it was {time:%Y-%m-%dT%H:%M:%SZ}"
        rows.append(_refusal(Rule.FUTURE, detail, incoming, index))
    return rows
