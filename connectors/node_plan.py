"""The plan of a node by the hour, also of hours that lie ahead."""

from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row


def read_node_plan(
    connection: psycopg.Connection, kind: str, node: str, begin: datetime, end: datetime
) -> list[dict[str, Any]]:
    """By the schedule in force: ts (start of the hour), gen_plan_wh, cons_plan_wh, exch_plan_wh, schedule_version."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from node_plan(%s, %s, %s, %s)", [kind, node, begin, end]).fetchall()
