"""The journal of alarms against the oracle: what was true past its delay has its alarm, each transition stands once."""

from collections import defaultdict
from collections.abc import Mapping

import psycopg

from tests.chaos.balances import Row
from tests.chaos.ledger import Verdict
from tests.chaos.oracle import STEP_US, Oracle

# As the shipped master alarm database has them.
SILENT_SHARE = 0.8
LIMIT_WH, LIMIT_SHARE, ON_DELAY = 14_000_000 // 4, 0.05, 2
# What says nothing of the state.
ASIDE = ("notified", "not notified", "would have alarmed", "refused", "comment")

Key = tuple[str, str]
# At which interval it was, when, and whether the condition has begun or ended.
Turn = tuple[int, int, str]


def judge_alarms(
    verdict: Verdict,
    connection: psycopg.Connection,
    oracle: Oracle,
    rows: Mapping[tuple[str, str, int], Row],
    *,
    alarmed: bool,
) -> None:
    """Whether the journal says what follows from the log.

    `rows`: the balances that there must be. `alarmed`: whether anything can have alarmed.
    """
    turns = _judge_chains(verdict, connection)
    clock = connection.execute(
        "select (extract(epoch from max(watched_until)) * 1000000)::bigint from ingest_offset where agent = 'alarm'"
    ).fetchone()
    firsts = [found[0][0] for found in turns.values()]
    if clock is None or clock[0] is None or not firsts:
        verdict.expect("nothing alarmed at all", holds=not alarmed)
        return
    due = range(min(firsts), oracle.due_slot(clock[0]) + 1)
    _judge_silence(verdict, oracle, turns, due)
    _judge_deviations(verdict, oracle, turns, due, rows)


def _judge_chains(verdict: Verdict, connection: psycopg.Connection) -> dict[Key, list[Turn]]:
    """Every entry begins in the state in which the one before ended; conditions begin and end by turns."""
    states = {
        (type_, code): state for type_, code, state in connection.execute("select type, object, state from alarm")
    }
    journal = connection.execute(
        "select type, object, event, state_before, state, (extract(epoch from interval_start) / 900)::int,"
        " (extract(epoch from at) * 1000000)::bigint from alarm_event where event <> all (%s) order by event_id",
        [list(ASIDE)],
    )
    now: dict[Key, str] = {}
    turns: dict[Key, list[Turn]] = defaultdict(list)
    for type_, code, event, before, after, slot, at_us in journal:
        key = (type_, code)
        stood = now.get(key, "NORM")
        verdict.expect(f"{key}: {event} from {before}, but it was {stood}", holds=before == stood)
        now[key] = after
        if event in ("raise", "clear"):
            last = turns[key][-1][2] if turns[key] else "clear"
            verdict.expect(f"{key}: {event} after {event}", holds=last != event)
            turns[key].append((slot, at_us, event))
    for key, state in states.items():
        verdict.expect(f"{key} is {state}, but the journal ends in {now.get(key)}", holds=now.get(key, "NORM") == state)
    return turns


def _judge_silence(verdict: Verdict, oracle: Oracle, turns: Mapping[Key, list[Turn]], due: range) -> None:
    for dctu, channels in oracle.fleet.channels.items():
        found = turns.get(("GAP_DCTU", dctu), [])
        silent = {
            slot
            for slot in due
            if sum((channel, slot) not in oracle.on_time for channel in channels) >= SILENT_SHARE * len(channels)
        }
        for slot in silent:
            deadline = (slot + 1) * STEP_US + oracle.grace_us
            # What was missed may be handed over at the very deadline.
            ends = [at_us for _, at_us, event in found if event == "clear"] + [deadline] * (len(found) % 2)
            begins = [at_us for _, at_us, event in found if event == "raise"]
            stood = any(begin <= deadline <= end for begin, end in zip(begins, ends, strict=True))
            verdict.expect(f"{dctu} was silent at {slot}, and nothing stood", holds=stood)
        for slot, _, event in found:
            verdict.expect(f"{dctu} alarmed at {slot}, but was not silent", holds=event != "raise" or slot in silent)


def _judge_deviations(
    verdict: Verdict,
    oracle: Oracle,
    turns: Mapping[Key, list[Turn]],
    due: range,
    rows: Mapping[tuple[str, str, int], Row],
) -> None:
    """Of intervals whose values all came in time and once, so that nobody could have seen others."""
    for dctu, channels in oracle.fleet.channels.items():
        facility = f"F{dctu[2:]}"
        summed = [channel for channel in channels if oracle.fleet.assigned[channel][1]]
        for kind in ("DEV_GEN", "DEV_CONS"):
            run = 0
            for slot in due:
                stable = all(
                    (c, slot) in oracle.on_time and len(oracle.versions.get((c, slot), ())) == 1 for c in summed
                )
                run = run + 1 if stable and _deviates(rows.get(("facility", facility, slot)), kind) else 0
                if run > ON_DELAY:
                    told = [event for at, _, event in turns.get((kind, facility), []) if at <= slot]
                    verdict.expect(
                        f"{kind} of {facility} was true at {slot}, and nothing stood",
                        holds=bool(told) and told[-1] == "raise",
                    )


def _deviates(row: Row | None, kind: str) -> bool:
    if row is None:
        return False
    plan, fact = (row.gen_plan, row.gen_fact) if kind == "DEV_GEN" else (row.cons_plan, row.cons_fact)
    if plan is None or fact is None:
        return False
    return abs(fact - plan) >= max(LIMIT_WH, LIMIT_SHARE * abs(plan))
