"""The load of the whole system on an operating day: what everybody may know."""

from datetime import date
from typing import Any

import psycopg
from psycopg.rows import dict_row

from schemas.time import FIRST_SLOT, day_slots, operating_day, slot_start

# The stream's time, and the newest interval that is closed: just after midnight the day before is what there is.
_NOW = """
select known.at, coalesce((select ts from v_node_now where node_kind = 'system'), known.at)
from (select case when isfinite(watermark()) then watermark() else now() end as at) known
"""
_FACT = """
select ts, cons_plan_wh, cons_fact_wh, closed from v_balance_15m
where node_kind = 'system' and node = 'system' and ts >= %s and ts < %s and closed order by ts
"""
_PLAN = "select ts, cons_plan_wh from node_plan('system', 'system', %s, %s)"


def read_load_profile(connection: psycopg.Connection, day: date | None) -> dict[str, Any] | None:
    """Closed intervals and the plan by the hour, in Wh; None: of a day that has not begun.

    `day`: local; None: the one of the newest closed interval.
    """
    row = connection.execute(_NOW).fetchone()
    assert row is not None
    today, newest = map(operating_day, row)
    if day is not None and not operating_day(slot_start(FIRST_SLOT)) <= day <= today:
        return None
    day = day or newest
    slots = day_slots(day)
    bounds = [slot_start(slots.start), slot_start(slots.stop)]
    with connection.cursor(row_factory=dict_row) as cursor:
        return {
            "day": day.isoformat(), "begin": bounds[0], "end": bounds[1],
            "data": cursor.execute(_FACT, bounds).fetchall(), "plan": cursor.execute(_PLAN, bounds).fetchall(),
        }  # fmt: skip
