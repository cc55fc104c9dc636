-- Master data joined for use: which channel adds to which unit when, and which nodes lie above a unit when.

create function assignment_at(known_at timestamptz) returns table (
    channel_id integer, dctu_id integer, unit_id integer, sign smallint, max_wh bigint,
    from_ts timestamptz, to_ts timestamptz, registered_at timestamptz
) language sql stable as $$
    select k.channel_id, d.dctu_id, case when p.sign = 0 then 0 else coalesce(n.node_id, 0) end,
           case when n.node_id is null then 0::smallint else p.sign end, p.max_wh,
           p.valid_from, p.valid_to, k.registered_at
    from channel_period(known_at) p
    join channel_key k using (emc, code)
    join dctu_key d using (dctu)
    left join node n on n.kind = 'unit' and n.node = p.unit
$$;
comment on function assignment_at is 'unit_id 0: measured but not summed.';

create function membership_at(known_at timestamptz) returns table (
    unit_id integer, kind text, from_ts timestamptz, to_ts timestamptz,
    facility_id integer, entity_id integer, provider_id integer, hub_id integer, region_id integer,
    branch_id integer, zone_id integer, system_id integer
) language sql stable as $$
    select nu.node_id, u.kind,
           greatest(u.valid_from, f.valid_from, e.valid_from), least(u.valid_to, f.valid_to, e.valid_to),
           nf.node_id, ne.node_id, np.node_id, nh.node_id, nr.node_id, nb.node_id, nz.node_id, ns.node_id
    from unit_period(known_at) u
    join facility_period(known_at) f
      on f.facility = u.facility and f.valid_from < u.valid_to and u.valid_from < f.valid_to
    join entity_period(known_at) e
      on e.entity = f.entity and e.valid_from < least(u.valid_to, f.valid_to)
     and greatest(u.valid_from, f.valid_from) < e.valid_to
    join node nu on nu.kind = 'unit' and nu.node = u.unit
    join node nf on nf.kind = 'facility' and nf.node = f.facility
    join node ne on ne.kind = 'entity' and ne.node = e.entity
    join node np on np.kind = 'provider' and np.node = e.provider
    left join node nh on nh.kind = 'hub' and nh.node = f.hub
    left join node nr on nr.kind = 'region' and nr.node = f.region
    left join node nb on nb.kind = 'branch' and nb.node = f.branch
    left join node nz on nz.kind = 'zone' and nz.node = f.zone
    join node ns on ns.kind = 'system'
$$;
comment on function membership_at is 'A unit exists while its facility and its entity do.';

-- The same as known now, kept by refresh_registry() in the transaction of an import.
create table assignment as select * from assignment_at('infinity');
create index assignment_dctu on assignment (dctu_id);
create index assignment_channel on assignment (channel_id);
create table membership as select * from membership_at('infinity');

create function refresh_registry() returns void language sql as $$
    delete from assignment;
    insert into assignment select * from assignment_at('infinity');
    delete from membership;
    insert into membership select * from membership_at('infinity');
$$;

-- What partial must hold for a DCTU and a period, from the readings alone: the mechanism for everything older than
-- the memory of the agents, and the check on them.
create function partial_rows(
    of_dctu integer, first_ts timestamptz, end_ts timestamptz, watched timestamptz, grace interval
) returns table (
    ts timestamptz, unit_id integer, wh bigint, present integer, expected integer, on_time integer
) language sql stable as $$
    with cell as (
        select a.unit_id, a.sign, g.ts, r.wh, g.ts >= a.registered_at as expected,
               least(r.received_at, v.first_at) < g.ts + interval '15 minutes' + grace as on_time
        from assignment a
        join generate_series(first_ts, end_ts - interval '15 minutes', interval '15 minutes') g (ts)
          on g.ts >= a.from_ts and g.ts < a.to_ts
        left join reading r on r.channel_id = a.channel_id and r.ts = g.ts
                           and r.ts >= first_ts and r.ts < end_ts
        left join (
            select channel_id, ts, min(received_at) as first_at from reading_revision
            where ts >= first_ts and ts < end_ts
              and channel_id in (select channel_id from assignment where dctu_id = of_dctu)
            group by 1, 2
        ) v on v.channel_id = a.channel_id and v.ts = g.ts
        where a.dctu_id = of_dctu
    )
    select ts, unit_id, coalesce(sum(sign * wh), 0)::bigint, count(wh)::integer,
           (count(*) filter (where expected))::integer, (count(*) filter (where wh is not null and on_time))::integer
    from cell
    group by ts, unit_id
    having count(wh) > 0
        or (count(*) filter (where expected) > 0 and ts + interval '15 minutes' + grace <= watched)
$$;
