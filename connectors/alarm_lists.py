"""Alarms and their journal as they are read by people: filtered, in order, as dictionaries."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from connectors.scope import ALL, Scope


@dataclass(frozen=True)
class Wanted:
    """Which alarms; what is not named does not matter. `normal`: also those that are. `scope`: of whose objects."""

    alarm_id: int | None = None
    type: str | None = None
    priority: str | None = None
    state: str | None = None
    kind: str | None = None
    object: str | None = None
    zone: str | None = None
    normal: bool = False
    scope: Scope = ALL


_NOW = """
select a.alarm_id, a.priority, a.state, a.type, a.object_kind, a.object, a.raised_at, a.since_ts as since, a.value,
       a.limit_value, a.unit, a.interval_start, a.condition, a.acked_at, nullif(a.acked_by, '') as acked_by,
       a.escalated, a.shelved_until,
       nullif(concat_ws('; ', nullif(a.rule_reason, ''), nullif(a.order_reason, '')), '') as suppressed_by,
       nullif(a.out_of_service, '') as out_of_service, a.completeness, a.schedule_version, a.detail, a.changed_at
from alarm a where {}
order by case when a.state in ('UNACK', 'LUNACK') then 0 when a.state = 'RTNUN' then 1
              when a.state in ('ACKED', 'LACK') then 2 else 3 end,
         array_position(array['high', 'medium', 'low'], a.priority), a.raised_at desc nulls last, a.alarm_id
"""
_ZONE = """
(a.object_kind, a.object) in (
    select node_kind, node from v_node where zone = {zone}
    union all
    select 'dctu', d.dctu from dctu_period('infinity') d join facility_period('infinity') f using (facility)
    where f.zone = {zone}
    union all
    select 'emc', c.emc from channel_period('infinity') c join dctu_period('infinity') d using (dctu)
    join facility_period('infinity') f using (facility) where f.zone = {zone}
)
"""


def list_alarms(connection: psycopg.Connection, wanted: Wanted) -> list[dict[str, Any]]:
    """Alarms, those that ask for somebody first, then by priority, the newest first."""
    conditions: list[sql.Composable] = [sql.SQL("true") if wanted.normal else sql.SQL("a.state <> 'NORM'")]
    pairs = (
        ("alarm_id", wanted.alarm_id), ("type", wanted.type), ("priority", wanted.priority), ("state", wanted.state),
        ("object_kind", wanted.kind), ("object", wanted.object),
    )  # fmt: skip
    for column, value in pairs:
        if value is not None:
            conditions.append(sql.SQL("a.{} = {}").format(sql.Identifier(column), sql.Literal(value)))
    conditions.append(wanted.scope.clause("object_kind", "object"))
    if wanted.zone is not None:
        conditions.append(sql.SQL(_ZONE).format(zone=sql.Literal(wanted.zone)))
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(sql.SQL(_NOW).format(sql.SQL(" and ").join(conditions))).fetchall()


def journal_of(
    connection: psycopg.Connection,
    wanted: Wanted,
    begin: datetime | None = None,
    end: datetime | None = None,
    newest: int | None = None,
) -> Generator[dict[str, Any]]:
    """The journal in order; `newest`: at most so many, the last ones."""
    conditions: list[sql.Composable] = [sql.SQL("true")]
    pairs = (
        ("alarm_id", wanted.alarm_id), ("type", wanted.type), ("priority", wanted.priority),
        ("object_kind", wanted.kind), ("object", wanted.object),
    )  # fmt: skip
    for column, value in pairs:
        if value is not None:
            conditions.append(sql.SQL("a.{} = {}").format(sql.Identifier(column), sql.Literal(value)))
    for operator, at in ((">=", begin), ("<", end)):
        if at is not None:
            conditions.append(sql.SQL("a.at {} {}").format(sql.SQL(operator), sql.Literal(at)))
    conditions.append(wanted.scope.clause("object_kind", "object"))
    if wanted.zone is not None:
        conditions.append(sql.SQL(_ZONE).format(zone=sql.Literal(wanted.zone)))
    where = sql.SQL(" and ").join(conditions)
    query = sql.SQL(
        "select * from (select * from v_alarm_event a where {} order by at desc, event_id desc limit {}) newest"
        " order by at, event_id"
    ).format(where, sql.Literal(newest))
    with connection.cursor("journal", row_factory=dict_row) as cursor:
        cursor.execute(query)
        yield from cursor
