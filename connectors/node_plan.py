"""The plan of a node by the hour, also of hours that lie ahead."""

from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from connectors.scope import Scope

_PLAN = """
select plan.* from node_plan(%(kind)s, %(node)s, %(begin)s, %(end)s) plan
cross join (select %(kind)s::text as object_kind, %(node)s::text as object) whose where {own}
"""


def read_node_plan(
    connection: psycopg.Connection, scope: Scope, kind: str, node: str, begin: datetime, end: datetime
) -> list[dict[str, Any]]:
    """By the schedule in force: ts (start of the hour), gen_plan_wh, cons_plan_wh, exch_plan_wh, schedule_version."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            sql.SQL(_PLAN).format(own=scope.clause("object_kind", "object")),
            {"kind": kind, "node": node, "begin": begin, "end": end},
        ).fetchall()
