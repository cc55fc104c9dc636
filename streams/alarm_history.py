"""Late history: what it would have alarmed of goes into the journal, and nobody is called.

Conditions see only a node's newest closed interval. When an earlier one changes, its alarms are followed again on a
scratch copy, from a little before; what raises there and never did is written down, once.
"""

from dataclasses import replace

import numpy as np
import psycopg

from alerts.backtest import Inputs as Nothing
from alerts.backtest import Occurrence, Replay
from alerts.book import Basis, Book
from connectors import alarms
from schemas.alarm import Unit
from schemas.time import from_us, slot_of
from streams.dirty import CHUNK
from streams.frames import Frames

# Further back nobody looks for what would have been: a back-test tells.
REACH = 7 * CHUNK


async def follow_history(
    cursor: psycopg.AsyncCursor, book: Book, frames: Frames, changed: dict[int, set[int]], now_us: int
) -> None:
    """Follow the intervals that changed late, given as rows of the frames by slot."""
    newest = max(changed, default=0)
    slots = sorted(slot for slot in changed if slot > newest - REACH)
    # From where an alarm could begin that is raised in them, to where one could end.
    before = max(rule.on_delay for rule in book.master.balance_rules())
    after = 1 + max(rule.off_delay for rule in book.master.balance_rules())
    while slots:
        first = slots[0]
        some = [slot for slot in slots if slot < first + CHUNK]
        slots = slots[len(some) :]
        rows = set().union(*(changed[slot] for slot in some))
        frame = await frames.read(cursor, first - before, some[-1] + 1 + after, book.master.node_kinds())
        which = np.zeros(len(frame.kinds), np.bool_)
        which[sorted(rows)] = True
        replay = Replay(book.master)
        replay.follow(frame.rows(which), Nothing())
        found = [one for one in replay.occurrences if one.annunciated and _slot(one) in changed]
        known = await alarms.known_occurrences(
            cursor, [(*one.key, one.since) for one in found if one.since is not None]
        )
        for one in found:
            if (*one.key, one.since) not in known:
                _write_down(book, one, now_us)


def _slot(one: Occurrence) -> int:
    return slot_of(one.since) if one.since is not None else 0


def _write_down(book: Book, one: Occurrence, now_us: int) -> None:
    now = from_us(now_us)
    instance = book.open(one.key, now)
    held, alarm = instance.basis, instance.alarm
    cleared = one.cleared_at.isoformat() if one.cleared_at is not None else None
    detail = {"would_have": {"raised_at": one.raised_at.isoformat(), "cleared_at": cleared}}
    instance.basis = Basis(Unit(one.unit), one.value, None, _slot(one), detail=detail)
    instance.alarm = replace(alarm, priority=one.priority)
    book.write_down(instance, "would have alarmed", now)
    instance.basis, instance.alarm = held, alarm
    book.note(instance)
