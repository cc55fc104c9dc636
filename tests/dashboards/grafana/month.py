"""An archive of many days, filled by SQL: what the dashboards ask of a fleet and a month."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from connectors.registry import import_registry
from tests.connectors.fleet import write_files

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

_SLOTS = "generate_series(%(begin)s::timestamptz, %(end)s::timestamptz - interval '15 minutes', '15 minutes') ts"
_FILL = (
    f"""
    insert into balance (ts, node_id, present, expected, schedule_version, closed, gen_plan_wh, gen_fact_wh, cons_plan_wh,
                         cons_fact_wh, imbalance_wh, computed_at)
    select ts, node_id, 10, 10, 1, true, 25000000, 25000000 + dev, 20000000, 20000000 - dev, -2 * dev, ts
    from (select ts, node_id, ((random() - 0.5) * 1500000)::bigint as dev from node, {_SLOTS}) made""",
    f"""
    insert into partial (ts, wh, dctu_id, unit_id, present, expected, on_time)
    select ts, 25000000, dctu_id, unit_id, n, n, n - (hashtext(dctu_id::text || ts::text) %% 50 = 0)::int
    from (select dctu_id, unit_id, count(*)::int as n from assignment group by 1, 2) a, {_SLOTS}""",
    f"""
    insert into reading (ts, wh, sent_at, seq, received_at, channel_id, quality, rank, revision)
    select ts, 2500000, ts, 1, ts + interval '16 minutes', channel_id, 4, 0, 0 from channel_key, {_SLOTS}""",
    """
    insert into gap (first_start, last_end, dctu_id, channels, declared, opened_at, healed_at)
    select ts, ts + interval '1 hour', dctu_id, 5, false, ts + interval '20 minutes', ts + interval '3 hours'
    from dctu_key, generate_series(%(begin)s::timestamptz, %(end)s::timestamptz - interval '1 day', '5 days') ts""",
    """
    insert into alarm_event (at, alarm_id, type, object_kind, object, event, state_before, state, annunciated, priority, unit,
                             rules, actor, reason, detail)
    select ts, n, 'DEV_GEN', 'facility', 'F' || n, e.event, 'NORM', 'UNACK', e.event = 'raise', 'low', 'W', 'x', '', '', '{}'
    from generate_series(%(begin)s::timestamptz, %(end)s::timestamptz, '1 hour') ts,
         lateral (select (extract(epoch from ts) / 3600)::int %% 50 as n) o,
         (values ('raise'), ('acknowledge'), ('clear'), ('notified')) e (event)""",
    """
    insert into quarantine (received_at, rule, detail, digest, frame_digest)
    select ts, 'UNKNOWN', 'x', '', ''
    from generate_series(%(begin)s::timestamptz, %(end)s::timestamptz, '20 minutes') ts""",
    """
    insert into daily_schedule (unit, hour, version, wh, received_at)
    select node, ts, 1, 100000000, ts - interval '1 day'
    from node, generate_series(%(begin)s::timestamptz, %(end)s::timestamptz, '1 hour') ts where kind = 'unit'""",
    """
    insert into node_now (node_id, now, ts, hour, closed_intervals, gen_plan_wh, gen_fact_wh, cons_plan_wh, cons_fact_wh,
                          imbalance_wh, completeness, hour_imbalance_naive_wh, hour_imbalance_persist_wh)
    select node_id, %(end)s, %(end)s::timestamptz - interval '30 minutes', %(end)s, 0, 25000000, 24000000, 2000000, 2100000,
           1000000, 1, 0, 0 from node""",
)  # fmt: skip


def fleet(plants: int, channels: int) -> dict[str, list[str]]:
    """Plants of one unit and one DCTU with so many channels, ten an entity."""
    return {
        "entities": [f"E{n},Entity {n},," for n in range(-(-plants // 10))],
        "facilities": [
            f"F{n},Plant {n},E{n // 10},Z{n % 3},R{n % 14},B{n % 9},H{n % 10},{45 + n % 9},{55 + n % 25}"
            for n in range(plants)
        ],
        "units": [f"U{n},Unit {n},F{n},generation,coal,120" for n in range(plants)],
        "dctus": [f"D{n},Dctu {n},F{n}" for n in range(plants)],
        "channels": [f"M{n}-{c},01,D{n},U{n},1,900000" for n in range(plants) for c in range(channels)],
    }


def fill(connection: psycopg.Connection, folder: Path, plants: int, channels: int, days: int) -> datetime:
    """Fill an empty archive from BEGIN on, and let the database count what it has; gives the end."""
    end = BEGIN + timedelta(days=days)
    import_registry(connection, write_files(folder / "registry", fleet(plants, channels)), BEGIN, "month")
    for statement in _FILL:
        connection.execute(statement.encode(), {"begin": BEGIN, "end": end})
    connection.commit()
    connection.autocommit = True
    connection.execute("vacuum analyze")
    connection.autocommit = False
    return end
