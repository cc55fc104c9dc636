"""Whether what was missed has been handed over: silences that stand are looked at again, by what is there by now.

A meter may be dead for months. So the ends of a silence are asked first, of all silences at once: while either is
missing, the rest of it does not matter.
"""

from collections.abc import Sequence
from datetime import datetime

import psycopg

from alerts import silence
from alerts.book import Book, Instance
from alerts.silence import HandedOver, Presence
from connectors import alarm_inputs
from connectors.alarm_inputs import Arrived
from schemas.time import INTERVAL_US, slot_start, to_us

# An instance, and the slots `[first, end)` in which it was silent.
Run = tuple[Instance, int, int]


async def heal_silences(cursor: psycopg.AsyncCursor, book: Book, until: datetime) -> None:
    """Let the alarms of silences return to normal whose missed values have come by an instant."""
    runs = silence.silent_runs(book)
    if not runs:
        return
    owners = await alarm_inputs.read_owners(cursor, slot_start(max(end for _, _, end in runs)))
    of_entity: dict[str, list[str]] = {}
    for dctu, entity in owners.items():
        of_entity.setdefault(entity, []).append(dctu)
    for run, dctus in await _promising(cursor, book, runs, of_entity):
        instance, first, end = run
        if instance.key.kind == "emc":
            mended = await _of_emc(cursor, instance.key.code, first, end)
        else:
            mended = await _of_dctus(cursor, book, dctus, first, end)
        if mended is not None and mended.at <= until:
            silence.heal(book, instance, mended)


async def _promising(
    cursor: psycopg.AsyncCursor, book: Book, runs: Sequence[Run], of_entity: dict[str, list[str]]
) -> list[tuple[Run, list[str]]]:
    """The silences whose first and last interval are there by now, with their DCTUs."""
    dctus: list[list[str]] = []
    for instance, _, _ in runs:
        kind, code = instance.key.kind, instance.key.code
        dctus.append([code] if kind == "dctu" else of_entity.get(code, []) if kind == "entity" else [])
    ends = {
        (dctu, slot_start(slot))
        for (_, first, end), of_run in zip(runs, dctus, strict=True)
        for dctu in of_run
        for slot in (first, end - 1)
    }
    there = await alarm_inputs.read_arrived_at(cursor, sorted(ends))
    emcs = sorted(
        (i.key.code, slot_start(slot)) for i, first, end in runs if i.key.kind == "emc" for slot in (first, end - 1)
    )
    missing = await alarm_inputs.missing_emcs(cursor, emcs)
    found = []
    for run, of_run in zip(runs, dctus, strict=True):
        instance, first, end = run
        starts = (slot_start(first), slot_start(end - 1))
        if instance.key.kind == "emc":
            promising = not any((instance.key.code, start) in missing for start in starts)
        else:
            silent = (_is_silent(book, dctu, there.get((dctu, start))) for dctu in of_run for start in starts)
            promising = bool(of_run) and not any(silent)
        if promising:
            found.append((run, of_run))
    return found


async def _of_dctus(
    cursor: psycopg.AsyncCursor, book: Book, dctus: Sequence[str], first: int, end: int
) -> HandedOver | None:
    """What has come of the missed intervals of DCTUs; None while any is still missing as when the alarm came."""
    points = missing = 0
    intervals: set[datetime] = set()
    begin, stop = slot_start(first), slot_start(end)
    for dctu, by_start in (await alarm_inputs.read_arrived(cursor, dctus, begin, stop)).items():
        for start, of in by_start.items():
            if _is_silent(book, dctu, of):
                return None
            if of.on_time < of.expected:
                points += of.present - of.on_time
                missing += of.expected - of.present
                intervals.add(start)
    if not points:
        return None
    arrivals = [await alarm_inputs.last_arrival(cursor, begin, stop, dctu=dctu) for dctu in dctus]
    return _summary([at for at in arrivals if at is not None], first, len(intervals), points, missing)


async def _of_emc(cursor: psycopg.AsyncCursor, emc: str, first: int, end: int) -> HandedOver | None:
    begin, stop = slot_start(first), slot_start(end)
    expected, present = await alarm_inputs.count_emc(cursor, emc, begin, stop)
    if not present or present < expected:
        return None
    at = await alarm_inputs.last_arrival(cursor, begin, stop, emc=emc)
    return _summary([at] if at is not None else [], first, end - first, present, 0)


def _is_silent(book: Book, dctu: str, of: Arrived | None) -> bool:
    return of is not None and silence.is_silent(book, dctu, Presence(of.expected, of.present))


def _summary(arrivals: Sequence[datetime], first: int, intervals: int, points: int, missing: int) -> HandedOver | None:
    if not arrivals:
        return None
    at = max(arrivals)
    return HandedOver(at, (to_us(at) - (first + 1) * INTERVAL_US) // 1_000_000, intervals, points, missing)
