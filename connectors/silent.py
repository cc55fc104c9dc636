"""Who is silent, as people look at it: gaps that are open or have just healed, and what came of late."""

from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from connectors.scope import Scope

_SILENT = """
with gone as (
    select dctu_id, min(first_start) as since, max(last_end) as until, max(channels) as channels,
           bool_or(declared) as declared, case when bool_and(healed_at is not null) then max(healed_at) end as healed_at
    from gap where healed_at is null or healed_at > watermark() - %(healed)s group by dctu_id
)
select k.dctu, f.facility, f.name as facility_name, f.entity, f.zone, g.since, g.until, g.channels, g.declared,
       g.healed_at, strip.starts_at, strip.on_time, strip.present
from gone g join dctu_key k using (dctu_id)
left join lateral (
    select f.* from dctu_period('infinity') d join facility_period('infinity') f using (facility)
    where d.dctu = k.dctu and d.valid_from <= g.since and d.valid_to > g.since
      and f.valid_from <= g.since and f.valid_to > g.since
) f on true
cross join lateral (
    select min(t.ts) as starts_at,
           array_agg(round(100.0 * least(p.on_time, p.expected) / p.expected)::int order by t.ts) as on_time,
           array_agg(round(100.0 * least(p.present, p.expected) / p.expected)::int order by t.ts) as present
    -- Before anybody has been heard of there is no time to look back from.
    from nullif(watermark(), '-infinity') w (now) cross join generate_series(
        date_bin('15 minutes', w.now - %(strip)s, 'epoch'), w.now - interval '15 minutes', '15 minutes'
    ) t (ts)
    left join lateral (
        select nullif(sum(expected), 0) as expected, sum(on_time) as on_time, sum(present) as present from partial
        where dctu_id = g.dctu_id and partial.ts = t.ts
    ) p on true
) strip
where {own}
order by g.healed_at is not null, g.since, k.dctu
"""


def list_silent(
    connection: psycopg.Connection, scope: Scope, strip: timedelta, healed: timedelta
) -> list[dict[str, Any]]:
    """DCTUs of theirs with a gap that is open or healed within `healed`, the longest first.

    `on_time`, `present`: per cent of what is expected of each interval of the last `strip`, from `starts_at` on; None:
    nothing is.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            sql.SQL(_SILENT).format(own=scope.clause("dctu")), {"strip": strip, "healed": healed}
        ).fetchall()
