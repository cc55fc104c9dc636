"""The tables against the oracle: nothing missing, nothing more, nothing else."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import psycopg

from tests.chaos.alarms import judge_alarms
from tests.chaos.balances import Plan, Row, balances
from tests.chaos.ledger import Verdict
from tests.chaos.load import Entry, digest
from tests.chaos.oracle import Oracle, Refused

_SLOT = "(extract(epoch from {}) / 900)::int"
_US = "(extract(epoch from {}) * 1000000)::bigint"


def judge_log(verdict: Verdict, entries: Iterable[Entry], logs: list[dict[int, list[bytes]]]) -> None:
    """Whether everything acknowledged is in the log where the broker said."""
    for entry in entries:
        if entry.offset is not None:
            messages = logs[entry.log][entry.partition]
            if entry.offset >= len(messages) or digest(messages[entry.offset]) != entry.digest:
                verdict.lost += 1
                verdict.words.append(f"the broker itself has lost {entry}")


def judge(verdict: Verdict, connection: psycopg.Connection, oracle: Oracle, plan: Plan, *, alarmed: bool) -> None:
    """Whether the archive holds what follows from the log; `alarmed`: whether anything can have alarmed."""
    _judge_readings(verdict, connection, oracle)
    _judge_quarantine(verdict, connection, oracle)
    _judge_tally(verdict, connection, oracle)
    _judge_gaps(verdict, connection, oracle)
    expected = balances(oracle, plan)
    _judge_balances(verdict, connection, oracle, expected)
    judge_alarms(verdict, connection, oracle, expected, alarmed=alarmed)
    connection.rollback()


def _judge_readings(verdict: Verdict, connection: psycopg.Connection, oracle: Oracle) -> None:
    rows = connection.execute(
        f"select emc || '/' || code, {_SLOT.format('ts')}, wh, quality, revision, {_US.format('received_at')}"
        " from v_reading".encode()
    )
    found = {(channel, slot): tuple(rest) for channel, slot, *rest in rows}
    expected = {
        cell: ((best := max(versions)).wh, best.quality, len(versions) - 1, versions[best])
        for cell, versions in oracle.versions.items()
    }
    verdict.compare("readings", expected, found, kept=True)
    rows = connection.execute(
        f"select emc || '/' || code, {_SLOT.format('ts')}, {_US.format('sent_at')}, seq, quality, wh, rank,"
        f" {_US.format('received_at')} from v_revision".encode()
    )
    revisions = {(channel, slot, tuple(version)): tuple(rest) for channel, slot, *version, rest in _split(rows)}
    others = {
        (*cell, tuple(version)): (0, received_us)
        for cell, versions in oracle.versions.items()
        if len(versions) > 1
        for version, received_us in versions.items()
        if version != max(versions)
    }
    verdict.compare("revisions", others, revisions, kept=True)


def _split(rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    for row in rows:
        yield (*row[:6], row[6:])


def _judge_quarantine(verdict: Verdict, connection: psycopg.Connection, oracle: Oracle) -> None:
    rows = connection.execute(
        "select rule, message, dctu, channel, start, wh, status, sent_at, seq, "
        f"{_US.format('received_at')} from quarantine join quarantine_frame f on f.digest = frame_digest".encode()
    ).fetchall()
    found: dict[Refused, int] = {}
    for rule, message, *rest, received_us in rows:
        # Of two frames with one number either may be kept.
        found[Refused(rule, b"" if rule == "CONFLICT" else bytes(message), *rest)] = received_us
    verdict.compare("quarantine", _keyed(oracle.refused), _keyed(found), kept=True)
    verdict.expect(f"{len(rows) - len(found)} rows of the quarantine stand there twice", holds=len(rows) == len(found))


def _keyed(refused: Mapping[Refused, int]) -> dict[str, int]:
    return {repr(row): received_us for row, received_us in refused.items()}


def _judge_tally(verdict: Verdict, connection: psycopg.Connection, oracle: Oracle) -> None:
    rows = connection.execute("select partition, outcome, n from tally where agent = 'collect'").fetchall()
    expected = {key: n for key, n in (oracle.messages + oracle.tally).items() if n}
    verdict.compare("tally", expected, {(partition, outcome): n for partition, outcome, n in rows})


def _judge_gaps(verdict: Verdict, connection: psycopg.Connection, oracle: Oracle) -> None:
    rows = connection.execute(
        f"select dctu, {_SLOT.format('first_start')}, {_SLOT.format('last_end')}, channels,"
        f" {_US.format('opened_at')}, {_US.format('healed_at')}, declared from v_gap".encode()
    )
    found = {(dctu, first): tuple(rest) for dctu, first, *rest in rows}
    expected = {
        (dctu, gap.first): (gap.end, gap.channels, gap.opened_us, gap.healed_us, oracle.is_declared(dctu, gap))
        for dctu, gaps in oracle.gaps.items()
        for gap in gaps
    }
    verdict.compare("gaps", expected, found)
    counts = connection.execute(
        f"select dctu, {_SLOT.format('ts')}, sum(expected)::int, sum(present)::int, sum(on_time)::int"
        " from partial join dctu_key using (dctu_id) group by 1, 2".encode()
    )
    verdict.compare("completeness", _completeness(oracle), {(dctu, slot): tuple(rest) for dctu, slot, *rest in counts})


def _completeness(oracle: Oracle) -> dict[tuple[str, int], tuple[int, int, int]]:
    dctu_of = {channel: dctu for dctu, channels in oracle.fleet.channels.items() for channel in channels}
    present = Counter((dctu_of[channel], slot) for channel, slot in oracle.versions)
    on_time = Counter((dctu_of[channel], slot) for channel, slot in oracle.on_time)
    keys = set(present)
    for partition, now_us in oracle.now_us.items():
        due = range(oracle.first_slot, oracle.due_slot(now_us) + 1)
        keys.update((dctu, slot) for dctu in oracle.of_partition(partition) for slot in due)
    return {key: (len(oracle.fleet.channels[key[0]]), present[key], on_time[key]) for key in keys}


def _judge_balances(
    verdict: Verdict, connection: psycopg.Connection, oracle: Oracle, expected: Mapping[tuple[str, str, int], Row]
) -> None:
    rows = connection.execute(
        f"select node_kind, node, {_SLOT.format('ts')}, gen_plan_wh, gen_fact_wh, cons_plan_wh, cons_fact_wh,"
        " exch_plan_wh, exch_fact_wh, imbalance_wh, completeness, closed, schedule_version from v_balance_15m".encode()
    )
    found = {(kind, node, slot): tuple(rest) for kind, node, slot, *rest in rows}
    verdict.compare("balances", {key: tuple(row) for key, row in expected.items()}, found)
    difference = connection.execute(
        """
        with bounds as (select min(ts) as first, max(ts) + interval '15 minutes' as last from balance),
        defined as (
            select f.* from bounds, balance_15m_as_of(
                'infinity', first, last, %(grace)s * interval '1 microsecond',
                (select watched_until from ingest_offset where agent = 'balance')) f
        )
        select count(*) from ((table v_balance_15m except all table defined)
                              union all (table defined except all table v_balance_15m)) d
        """,
        {"grace": oracle.grace_us},
    ).fetchone()
    assert difference is not None
    verdict.expect(f"{difference[0]} rows differ from balance_15m_as_of", holds=difference[0] == 0)
