-- What the archive would have said at a moment: everything here asks the inputs (readings, schedules, master data)
-- and none of the sums that the agents keep, so at 'infinity' it is also an independent check on them.

create function watermark() returns timestamptz language sql stable as $$
    select coalesce(min(coalesce(watched_until, '-infinity')), '-infinity') from ingest_offset where agent = 'collect'
$$;
comment on function watermark is 'The time to which every partition of the frames has been watched.';

-- Every version of every reading that had come, the one in force first (place 1).
create function version_as_of(known_at timestamptz, from_ts timestamptz, to_ts timestamptz) returns table (
    emc text, code text, channel_id integer, ts timestamptz, wh bigint, quality smallint, rank smallint,
    sent_at timestamptz, seq bigint, received_at timestamptz, place bigint, versions bigint
) language sql stable parallel safe as $$
    select k.emc, k.code, channel_id, v.ts, v.wh, v.quality, v.rank, v.sent_at, v.seq, v.received_at,
           row_number() over (partition by k.emc, channel_id, v.ts
                              order by v.rank desc, v.sent_at desc, v.seq desc, v.quality desc, v.wh desc),
           count(*) over (partition by k.emc, channel_id, v.ts)
    from (
        select channel_id, ts, wh, quality, rank, sent_at, seq, received_at from reading
        where ts >= from_ts and ts < to_ts and received_at <= known_at
        union all
        select channel_id, ts, wh, quality, rank, sent_at, seq, received_at from reading_revision
        where ts >= from_ts and ts < to_ts and received_at <= known_at
    ) v join channel_key k using (channel_id)
$$;

create function reading_as_of(known_at timestamptz, from_ts timestamptz, to_ts timestamptz) returns table (
    emc text, code text, ts timestamptz, wh bigint, quality smallint, revision smallint, received_at timestamptz
) language sql stable parallel safe as $$
    select emc, code, ts, wh, quality, least(versions - 1, 32767)::smallint, received_at
    from version_as_of(known_at, from_ts, to_ts) where place = 1
$$;
comment on function reading_as_of is 'v_reading as it was known at a moment, intervals from from_ts to before to_ts.';

create function revision_as_of(known_at timestamptz, from_ts timestamptz, to_ts timestamptz) returns table (
    emc text, code text, ts timestamptz, wh bigint, quality smallint, rank smallint, sent_at timestamptz, seq bigint,
    received_at timestamptz
) language sql stable parallel safe as $$
    select emc, code, ts, wh, quality, rank, sent_at, seq, received_at
    from version_as_of(known_at, from_ts, to_ts) where place > 1
$$;
comment on function revision_as_of is 'v_revision as it was known at a moment.';

create function schedule_as_of(known_at timestamptz) returns table (
    unit text, hour timestamptz, version integer, wh bigint, received_at timestamptz, in_force boolean
) language sql stable parallel safe as $$
    select unit, hour, version, wh, received_at, version = max(version) over (partition by unit, hour)
    from daily_schedule where received_at <= known_at
$$;
comment on function schedule_as_of is 'v_schedule as it was known at a moment.';

create function quarantine_as_of(known_at timestamptz) returns setof v_quarantine
language sql stable parallel safe as $$
    select quarantine_id, received_at, rule, detail, dctu, channel, start, wh, status, sent_at, seq,
           case when replayed_at <= known_at then replayed_at end
    from v_quarantine where received_at <= known_at
$$;
comment on function quarantine_as_of is 'v_quarantine as it was known at a moment.';

-- A run reached, at that moment, as far as deadlines had passed.
create function gap_as_of(known_at timestamptz, grace interval) returns setof v_gap
language sql stable parallel safe as $$
    select dctu, first_start,
           case when isfinite(known_at)
                then greatest(first_start + interval '15 minutes',
                              least(last_end, time_bucket('15 minutes', known_at - grace)))
                else last_end end,
           channels, opened_at, case when healed_at <= known_at then healed_at end,
           case when healed_at <= known_at then late_by end, declared
    from v_gap where opened_at <= known_at
$$;
comment on function gap_as_of is 'v_gap as it was known at a moment (channels and declared are of the whole run: what they were by then is not kept); grace is how long after its end an interval is late.';

-- The rows of the table balance, by definition: the facts and plans of the units, summed to every node above them, or
-- to one. An interval is past its deadline when its end plus grace is not after `watched`. Without statistics (an
-- archive just filled) nested loops would take for ever, so they are ruled out where there is another way.
create function balance_as_of(
    known_at timestamptz, from_ts timestamptz, to_ts timestamptz, grace interval, watched timestamptz,
    of_node integer default null
) returns table (
    ts timestamptz, node_id integer, present integer, expected integer, schedule_version integer, closed boolean,
    gen_plan_wh bigint, gen_fact_wh bigint, cons_plan_wh bigint, cons_fact_wh bigint,
    exch_plan_wh bigint, exch_fact_wh bigint, imbalance_wh bigint
) language sql stable set enable_nestloop = off set work_mem = '64MB' as $$
    with slot as materialized (
        select ts, coalesce(ts + interval '15 minutes' + grace <= watched, false) as late
        from generate_series(
            time_bucket('15 minutes', from_ts + interval '15 minutes' - interval '1 microsecond'),
            to_ts - interval '1 microsecond', interval '15 minutes') series (ts)
    ), member as materialized (
        select *, array[unit_id, facility_id, entity_id, provider_id, hub_id, region_id, branch_id, zone_id,
                        system_id] as nodes
        from membership_at(known_at)
    ), fact as materialized (
        select a.unit_id, s.ts, coalesce(sum(a.sign * r.wh), 0)::bigint as wh, count(r.wh) as present,
               count(*) filter (where a.registered_at <= s.ts) as expected
        from assignment_at(known_at) a
        join slot s on s.ts >= a.from_ts and s.ts < a.to_ts
        left join (select channel_id, ts, wh from version_as_of(known_at, from_ts, to_ts) where place = 1) r
               on r.channel_id = a.channel_id and r.ts = s.ts
        where a.unit_id in (select unit_id from member where of_node is null or of_node = any(nodes))
        group by a.unit_id, s.ts
    ), plan as materialized (
        select n.node_id as unit_id, s.ts, quarter_wh(p.wh, s.ts) as wh, p.version
        from (select distinct on (unit, hour) unit, hour, wh, version from daily_schedule
              where received_at <= known_at and hour > from_ts - interval '1 hour' and hour < to_ts
              order by unit, hour, version desc) p
        join node n on n.kind = 'unit' and n.node = p.unit
        join slot s on time_bucket('1 hour', s.ts) = p.hour
    ), unit as materialized (
        select m.nodes, m.kind, s.ts, s.late, coalesce(f.wh, 0) as fact, coalesce(f.present, 0) as present,
               coalesce(f.expected, 0) as expected, p.wh as plan, p.version
        from member m
        join slot s on s.ts >= m.from_ts and s.ts < m.to_ts
        left join fact f on f.unit_id = m.unit_id and f.ts = s.ts
        left join plan p on p.unit_id = m.unit_id and p.ts = s.ts
        where (of_node is null or of_node = any(m.nodes))
          and (s.late or s.ts in (select ts from fact where present > 0))
    ), total as (
        select u.ts, u.late, above.node_id, sum(u.present)::integer as present, sum(u.expected)::integer as expected,
               max(u.version) as schedule_version,
               (sum(u.plan) filter (where u.kind = 'generation'))::bigint as gen_plan_wh,
               (sum(u.fact) filter (where u.kind = 'generation'))::bigint as gen_fact_wh,
               (sum(u.plan) filter (where u.kind = 'consumption'))::bigint as cons_plan_wh,
               (sum(u.fact) filter (where u.kind = 'consumption'))::bigint as cons_fact_wh,
               (sum(u.plan) filter (where u.kind = 'interchange'))::bigint as exch_plan_wh,
               (sum(u.fact) filter (where u.kind = 'interchange'))::bigint as exch_fact_wh
        from unit u
        cross join lateral unnest(u.nodes) above (node_id)
        where above.node_id = coalesce(of_node, above.node_id)
        group by u.ts, u.late, above.node_id
    )
    select ts, node_id, present, expected, schedule_version, late or (expected > 0 and present >= expected),
           gen_plan_wh, gen_fact_wh, cons_plan_wh, cons_fact_wh, exch_plan_wh, exch_fact_wh,
           coalesce(cons_fact_wh, 0) - coalesce(cons_plan_wh, 0) - coalesce(gen_fact_wh, 0) + coalesce(gen_plan_wh, 0)
         + coalesce(exch_fact_wh, 0) - coalesce(exch_plan_wh, 0)
    from total join node n using (node_id)
    where present > 0 or (late and ts >= n.registered_at)
$$;

create function balance_15m_as_of(
    known_at timestamptz, from_ts timestamptz, to_ts timestamptz, grace interval, watched timestamptz,
    of_node integer default null
) returns setof v_balance_15m language sql stable as $$
    select n.kind, n.node, b.ts, b.gen_plan_wh, b.gen_fact_wh, b.cons_plan_wh, b.cons_fact_wh,
           b.exch_plan_wh, b.exch_fact_wh, b.imbalance_wh, share_of(b.present, b.expected), b.closed, b.schedule_version
    from balance_as_of(known_at, from_ts, to_ts, grace, watched, of_node) b join node n using (node_id)
$$;
comment on function balance_15m_as_of is 'v_balance_15m as it was known at a moment, intervals closed to `watched`; of one node, or of all.';

-- Of the hours that start from from_ts to before to_ts.
create function balance_1h_as_of(
    known_at timestamptz, from_ts timestamptz, to_ts timestamptz, grace interval, watched timestamptz,
    of_node integer default null
) returns setof v_balance_1h language sql stable as $$
    select n.kind, n.node, time_bucket('1 hour', b.ts), sum(b.gen_plan_wh)::bigint, sum(b.gen_fact_wh)::bigint,
           sum(b.cons_plan_wh)::bigint, sum(b.cons_fact_wh)::bigint, sum(b.exch_plan_wh)::bigint,
           sum(b.exch_fact_wh)::bigint, sum(b.imbalance_wh)::bigint, share_of(sum(b.present), sum(b.expected)),
           count(*) = 4 and bool_and(b.closed), max(b.schedule_version)
    from balance_as_of(known_at,
                       time_bucket('1 hour', from_ts + interval '1 hour' - interval '1 microsecond'),
                       time_bucket('1 hour', to_ts + interval '1 hour' - interval '1 microsecond'),
                       grace, watched, of_node) b
    join node n using (node_id)
    group by n.kind, n.node, time_bucket('1 hour', b.ts)
$$;
comment on function balance_1h_as_of is 'v_balance_1h as it was known at a moment, intervals closed to `watched`; of one node, or of all.';
