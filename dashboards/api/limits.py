"""How far from its plan a node may be before somebody is called, hour by hour."""

from typing import Any

import psycopg

from alerts.limits import limits_of
from alerts.master import BalanceRule, Master

_CAPACITY = """
select facility, sum(capacity_w) filter (where unit_kind = 'generation')::bigint from v_node
where node_kind = 'unit' and (node = %(node)s and %(kind)s = 'unit' or facility = %(node)s and %(kind)s = 'facility')
group by facility
"""


def with_limits(
    connection: psycopg.Connection, master: Master, kind: str, node: str, plan: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows of a plan with gen_limit_wh, cons_limit_wh and imbalance_limit_wh; None where no rule looks.

    A unit, which no rule looks at by itself, has those of its facility.
    """
    row = connection.execute(_CAPACITY, {"kind": kind, "node": node}).fetchone()
    facility, capacity = row or (None, None)
    types = master.types
    found = []
    for rule, energy in ((types.DEV_GEN, "gen"), (types.DEV_CONS, "cons")):
        own = _rule_of(rule, kind, node, facility)
        wh = [hour[f"{energy}_plan_wh"] for hour in plan]
        found.append(limits_of(own, wh, capacity or 0) if own is not None else [None] * len(plan))
    zone = _rule_of(types.ZONE_IMB, kind, node, None)
    whole = [sum(abs(hour[f"{name}_plan_wh"] or 0) for name in ("gen", "cons", "exch")) for hour in plan]
    found.append(limits_of(zone, whole, 0) if zone is not None else [None] * len(plan))
    return [
        {**hour, "gen_limit_wh": gen, "cons_limit_wh": cons, "imbalance_limit_wh": imbalance}
        for hour, gen, cons, imbalance in zip(plan, *found, strict=True)
    ]


def _rule_of(rule: BalanceRule, kind: str, node: str, facility: str | None) -> BalanceRule | None:
    if kind not in rule.kinds and kind == "unit" and facility is not None:
        kind, node = "facility", facility
    own = rule.of(kind, node)
    return own if own.enabled and kind in own.kinds else None
