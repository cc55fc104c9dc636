"""What people call the objects of alarms, and where they lie."""

from collections.abc import Collection
from typing import NamedTuple

import psycopg


class Facts(NamedTuple):
    """Of a node, DCTU or EMC. `projected_wh`: the imbalance to which its running hour is heading."""

    name: str = ""
    zone: str = ""
    entity: str = ""
    projected_wh: int | None = None


_NODES = """
select v.node_kind, v.node, v.name, coalesce(v.zone, ''), coalesce(v.entity, ''), w.hour_imbalance_persist_wh
from v_node v join node n on n.kind = v.node_kind and n.node = v.node left join node_now w using (node_id)
where (v.node_kind, v.node) in (select * from unnest(%s::text[], %s::text[]))
"""
_DCTUS = """
select distinct on (d.dctu) 'dctu', d.dctu, d.name, f.zone, f.entity, null::bigint
from dctu_period('infinity') d left join facility_period('infinity') f using (facility)
where d.dctu = any (%s) order by d.dctu, d.valid_from desc, f.valid_from desc
"""
_EMCS = """
select distinct on (c.emc) 'emc', c.emc, c.emc, f.zone, f.entity, null::bigint
from channel_period('infinity') c left join dctu_period('infinity') d using (dctu)
left join facility_period('infinity') f using (facility)
where c.emc = any (%s) order by c.emc, c.valid_from desc, d.valid_from desc, f.valid_from desc
"""


async def describe(cursor: psycopg.AsyncCursor, objects: Collection[tuple[str, str]]) -> dict[tuple[str, str], Facts]:
    """Facts by kind and code; of what nobody knows, none."""
    nodes = sorted({o for o in objects if o[0] not in ("dctu", "emc")})
    found = []
    if nodes:
        await cursor.execute(_NODES, [[kind for kind, _ in nodes], [code for _, code in nodes]])
        found += await cursor.fetchall()
    for kind, query in (("dctu", _DCTUS), ("emc", _EMCS)):
        if codes := sorted({code for of, code in objects if of == kind}):
            await cursor.execute(query, [codes])
            found += await cursor.fetchall()
    return {
        (kind, code): Facts(name or "", zone or "", entity or "", projected)
        for kind, code, name, zone, entity, projected in found
    }
