-- The plan of a node by the hour, also of hours that lie ahead, for which there is no balance yet.

create function node_plan(of_kind text, of_node text, begin_ts timestamptz, end_ts timestamptz) returns table (
    ts timestamptz, gen_plan_wh bigint, cons_plan_wh bigint, exch_plan_wh bigint, schedule_version integer
) language sql stable parallel safe as $$
    select s.hour, sum(s.wh) filter (where m.kind = 'generation')::bigint,
           sum(s.wh) filter (where m.kind = 'consumption')::bigint,
           sum(s.wh) filter (where m.kind = 'interchange')::bigint, max(s.version)
    from node wanted
    join membership m on wanted.node_id in (
        m.unit_id, m.facility_id, m.entity_id, m.provider_id, m.hub_id, m.region_id, m.branch_id, m.zone_id, m.system_id
    )
    join node u on u.node_id = m.unit_id
    cross join lateral (
        select distinct on (d.hour) d.hour, d.version, d.wh from daily_schedule d
        where d.unit = u.node and d.hour >= begin_ts and d.hour < end_ts and d.hour >= m.from_ts and d.hour < m.to_ts
        order by d.hour, d.version desc
    ) s
    where wanted.kind = of_kind and wanted.node = of_node
    group by s.hour order by s.hour
$$;
comment on function node_plan is
    'The plan of a node by the hour, by the schedule in force: ts is the start of the hour, energy in Wh; NULL: none.';
