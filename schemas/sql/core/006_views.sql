-- The public contract: people and files speak codes.

create view v_reading as
select k.emc, k.code, r.ts, r.wh, r.quality, r.revision, r.received_at
from reading r join channel_key k using (channel_id);
comment on view v_reading is 'The reading in force of every channel and interval.';
comment on column v_reading.emc is 'Code of the metering complex.';
comment on column v_reading.code is 'Channel: 01 A+, 02 A-, 03 R+, 04 R-.';
comment on column v_reading.ts is 'Start of the interval, UTC.';
comment on column v_reading.wh is 'Energy of the interval, Wh (varh for 03 and 04).';
comment on column v_reading.quality is 'Quality: 1 temporary, 2 suspect, 3 estimated, 4 measured, 5 validated, 6 substituted, 7 edited, 8 accepted.';
comment on column v_reading.revision is 'How many other versions of it ever came (see v_revision).';
comment on column v_reading.received_at is 'The stream''s time when this version came.';

create view v_revision as
select k.emc, k.code, v.ts, v.wh, v.quality, v.rank, v.sent_at, v.seq, v.received_at
from reading_revision v join channel_key k using (channel_id);
comment on view v_revision is 'All versions of readings that are not in force: corrected values and late, older ones.';
comment on column v_revision.emc is 'Code of the metering complex.';
comment on column v_revision.code is 'Channel: 01 A+, 02 A-, 03 R+, 04 R-.';
comment on column v_revision.ts is 'Start of the interval, UTC.';
comment on column v_revision.wh is 'Energy of the interval, Wh.';
comment on column v_revision.quality is 'Quality, as in v_reading.';
comment on column v_revision.rank is 'Rank of the source: 0 a device.';
comment on column v_revision.sent_at is 'When its frame was sent, by the DCTU''s clock.';
comment on column v_revision.seq is 'Running number of its frame.';
comment on column v_revision.received_at is 'The stream''s time when it came.';

create function share_of(present bigint, expected bigint) returns double precision
language sql immutable parallel safe as $$
    select case when expected > 0 then least(present::double precision / expected, 1)
                else (present > 0)::integer::double precision end
$$;
comment on function share_of is 'Completeness: the share of what is expected that is present, 0 to 1.';

create view v_balance_15m as
select n.kind as node_kind, n.node, b.ts,
       b.gen_plan_wh, b.gen_fact_wh, b.cons_plan_wh, b.cons_fact_wh, b.exch_plan_wh, b.exch_fact_wh, b.imbalance_wh,
       share_of(b.present, b.expected) as completeness,
       b.closed, b.schedule_version
from balance b join node n using (node_id);
comment on view v_balance_15m is 'Plan against fact of every node and interval.';

create view v_balance_1h as
select n.kind as node_kind, n.node, time_bucket('1 hour', b.ts) as ts,
       sum(b.gen_plan_wh)::bigint as gen_plan_wh, sum(b.gen_fact_wh)::bigint as gen_fact_wh,
       sum(b.cons_plan_wh)::bigint as cons_plan_wh, sum(b.cons_fact_wh)::bigint as cons_fact_wh,
       sum(b.exch_plan_wh)::bigint as exch_plan_wh, sum(b.exch_fact_wh)::bigint as exch_fact_wh,
       sum(b.imbalance_wh)::bigint as imbalance_wh,
       share_of(sum(b.present), sum(b.expected)) as completeness,
       count(*) = 4 and bool_and(b.closed) as closed,
       max(b.schedule_version) as schedule_version
from balance b join node n using (node_id)
group by n.kind, n.node, time_bucket('1 hour', b.ts);
comment on view v_balance_1h is 'Plan against fact of every node and hour: the sum of its intervals so far.';

do $$
declare view_name text;
begin
    foreach view_name in array array['v_balance_15m', 'v_balance_1h'] loop
        execute format('comment on column %I.node_kind is %L', view_name, 'unit, facility, entity, provider, hub, region, branch, zone or system.');
        execute format('comment on column %I.node is %L', view_name, 'Code of the node within its kind.');
        execute format('comment on column %I.ts is %L', view_name, 'Start of the interval or hour, UTC.');
        execute format('comment on column %I.gen_plan_wh is %L', view_name, 'Planned generation, Wh; NULL: the node has none, or none is planned.');
        execute format('comment on column %I.gen_fact_wh is %L', view_name, 'Actual generation, Wh: the sum of what is present; NULL: the node has no generation.');
        execute format('comment on column %I.cons_plan_wh is %L', view_name, 'Planned consumption, Wh.');
        execute format('comment on column %I.cons_fact_wh is %L', view_name, 'Actual consumption, Wh.');
        execute format('comment on column %I.exch_plan_wh is %L', view_name, 'Planned interchange, Wh, export positive.');
        execute format('comment on column %I.exch_fact_wh is %L', view_name, 'Actual interchange, Wh, export positive.');
        execute format('comment on column %I.imbalance_wh is %L', view_name, '(C_fact - C_plan) - (G_fact - G_plan) + (E_fact - E_plan), Wh, positive = deficit; what is absent counts 0.');
        execute format('comment on column %I.completeness is %L', view_name, 'Share of the expected summed channels that are present, 0 to 1.');
        execute format('comment on column %I.closed is %L', view_name, 'Complete, or past its deadline.');
        execute format('comment on column %I.schedule_version is %L', view_name, 'Version of the daily schedule in force; of a sum, the highest within.');
    end loop;
end $$;
comment on column v_balance_1h.closed is 'All its intervals are there and closed.';

create view v_node_now as
select n.kind as node_kind, n.node, w.now, w.ts, w.gen_plan_wh, w.gen_fact_wh, w.cons_plan_wh, w.cons_fact_wh,
       w.exch_plan_wh, w.exch_fact_wh, w.imbalance_wh, w.completeness, w.schedule_version,
       w.hour, w.closed_intervals,
       w.hour_gen_plan_wh, w.hour_gen_fact_wh, w.hour_gen_naive_wh, w.hour_gen_persist_wh,
       w.hour_cons_plan_wh, w.hour_cons_fact_wh, w.hour_cons_naive_wh, w.hour_cons_persist_wh,
       w.hour_exch_plan_wh, w.hour_exch_fact_wh, w.hour_exch_naive_wh, w.hour_exch_persist_wh,
       w.hour_imbalance_naive_wh, w.hour_imbalance_persist_wh
from node_now w join node n using (node_id);
comment on view v_node_now is 'Every node now: its newest closed interval, the running hour to date and projected.';
comment on column v_node_now.node_kind is 'Kind of the node.';
comment on column v_node_now.node is 'Code of the node within its kind.';
comment on column v_node_now.now is 'The stream''s time.';
comment on column v_node_now.ts is 'Start of the newest closed interval; the columns up to schedule_version are of it.';
comment on column v_node_now.gen_plan_wh is 'Planned generation of that interval, Wh.';
comment on column v_node_now.gen_fact_wh is 'Actual generation, Wh.';
comment on column v_node_now.cons_plan_wh is 'Planned consumption, Wh.';
comment on column v_node_now.cons_fact_wh is 'Actual consumption, Wh.';
comment on column v_node_now.exch_plan_wh is 'Planned interchange, Wh, export positive.';
comment on column v_node_now.exch_fact_wh is 'Actual interchange, Wh, export positive.';
comment on column v_node_now.imbalance_wh is 'Imbalance of that interval, Wh, positive = deficit.';
comment on column v_node_now.completeness is 'Share of the expected channels present in that interval.';
comment on column v_node_now.schedule_version is 'Version of the daily schedule in force at that interval.';
comment on column v_node_now.hour is 'The running hour of the stream''s time, UTC.';
comment on column v_node_now.closed_intervals is 'How many of its four intervals are closed.';
comment on column v_node_now.hour_gen_plan_wh is 'Generation planned for the whole running hour, Wh.';
comment on column v_node_now.hour_gen_fact_wh is 'Generation in its closed intervals, Wh.';
comment on column v_node_now.hour_gen_naive_wh is 'Projected generation if the rest of the hour goes by plan, Wh.';
comment on column v_node_now.hour_gen_persist_wh is 'Projected generation if the last fact-to-plan ratio (0.5 to 1.5) persists, Wh.';
comment on column v_node_now.hour_cons_plan_wh is 'Consumption planned for the whole running hour, Wh.';
comment on column v_node_now.hour_cons_fact_wh is 'Consumption in its closed intervals, Wh.';
comment on column v_node_now.hour_cons_naive_wh is 'Projected consumption, rest by plan, Wh.';
comment on column v_node_now.hour_cons_persist_wh is 'Projected consumption, ratio persisting, Wh.';
comment on column v_node_now.hour_exch_plan_wh is 'Interchange planned for the whole running hour, Wh, export positive.';
comment on column v_node_now.hour_exch_fact_wh is 'Interchange in its closed intervals, Wh.';
comment on column v_node_now.hour_exch_naive_wh is 'Projected interchange, rest by plan, Wh.';
comment on column v_node_now.hour_exch_persist_wh is 'Projected interchange, ratio persisting, Wh.';
comment on column v_node_now.hour_imbalance_naive_wh is 'Projected imbalance of the hour, rest by plan, Wh, positive = deficit.';
comment on column v_node_now.hour_imbalance_persist_wh is 'Projected imbalance of the hour, ratio persisting, Wh.';

create view v_gap as
select d.dctu, g.first_start, g.last_end, g.channels, g.opened_at, g.healed_at,
       g.healed_at - (g.first_start + interval '15 minutes') as late_by, g.declared
from gap g join dctu_key d using (dctu_id);
comment on view v_gap is 'Runs of intervals of a DCTU with anything missing past the deadline.';
comment on column v_gap.dctu is 'Code of the data collection and transmission unit.';
comment on column v_gap.first_start is 'Start of the first interval of the run, UTC.';
comment on column v_gap.last_end is 'End of the last one, UTC.';
comment on column v_gap.channels is 'The most channels that were missing in any one interval of it at its deadline.';
comment on column v_gap.opened_at is 'The stream''s time when the first deadline passed.';
comment on column v_gap.healed_at is 'The stream''s time when the last empty cell was filled; NULL: still open.';
comment on column v_gap.late_by is 'From the end of the first interval to healing.';
comment on column v_gap.declared is 'Whether the device itself said of any of it that it has no value.';

-- Of local days [first_day, end_day); a function, so that the days find their chunks.
create function completeness(first_day date, end_day date) returns table (
    dctu text, day date, expected bigint, on_time bigint, late bigint, missing bigint
) language sql stable parallel safe as $$
    select d.dctu, (p.ts at time zone 'Asia/Almaty')::date as day, sum(p.expected)::bigint as expected,
           sum(p.on_time)::bigint as on_time, sum(p.present - p.on_time)::bigint as late,
           sum(greatest(p.expected - p.present, 0))::bigint as missing
    from partial p join dctu_key d using (dctu_id)
    where p.ts >= first_day::timestamp at time zone 'Asia/Almaty'
      and p.ts < end_day::timestamp at time zone 'Asia/Almaty'
    group by d.dctu, (p.ts at time zone 'Asia/Almaty')::date
$$;
create view v_completeness as select * from completeness('-infinity', 'infinity');
comment on view v_completeness is 'Cells (channel x interval) of every DCTU and operating day, all channels.';
comment on column v_completeness.dctu is 'Code of the DCTU.';
comment on column v_completeness.day is 'Operating day, local time.';
comment on column v_completeness.expected is 'Cells expected so far.';
comment on column v_completeness.on_time is 'Cells whose first version came before the deadline.';
comment on column v_completeness.late is 'Cells that came after it.';
comment on column v_completeness.missing is 'Cells still empty.';

create view v_quarantine as
select quarantine_id, received_at, rule, detail, dctu, channel, start, wh, status, sent_at, seq, replayed_at
from quarantine;
comment on view v_quarantine is 'What was refused, and why.';
comment on column v_quarantine.quarantine_id is 'Number to replay it by.';
comment on column v_quarantine.received_at is 'The stream''s time when it first came.';
comment on column v_quarantine.rule is 'Name of the rule that refused it.';
comment on column v_quarantine.detail is 'What is wrong, in words.';
comment on column v_quarantine.dctu is 'The DCTU it says it comes from.';
comment on column v_quarantine.channel is 'The channel, as it was written.';
comment on column v_quarantine.start is 'The interval, as it was written.';
comment on column v_quarantine.wh is 'The value, as it was written.';
comment on column v_quarantine.status is 'The status, as it was written.';
comment on column v_quarantine.sent_at is 'When its frame was sent, as it was written.';
comment on column v_quarantine.seq is 'Running number of its frame.';
comment on column v_quarantine.replayed_at is 'When it was last replayed; NULL: never.';

create view v_schedule as
select unit, hour, version, wh, received_at,
       version = max(version) over (partition by unit, hour) as in_force
from daily_schedule;
comment on view v_schedule is 'The daily schedule in all its versions.';
comment on column v_schedule.unit is 'Code of the unit.';
comment on column v_schedule.hour is 'The hour, UTC.';
comment on column v_schedule.version is 'Number of the version.';
comment on column v_schedule.wh is 'Planned energy of the hour, Wh.';
comment on column v_schedule.received_at is 'When it came.';
comment on column v_schedule.in_force is 'Whether it is the highest version that has the hour.';

create function node_as_of(known_at timestamptz) returns table (
    node_kind text, node text, name text, unit_kind text, fuel text, capacity_w bigint, facility text, entity text,
    provider text, zone text, region text, branch text, hub text, lat double precision, lon double precision,
    registered_at timestamptz
) language sql stable parallel safe as $$
    with u as (select distinct on (unit) * from unit_period(known_at) order by unit, valid_from desc),
    f as (select distinct on (facility) * from facility_period(known_at) order by facility, valid_from desc),
    e as (select distinct on (entity) * from entity_period(known_at) order by entity, valid_from desc)
    select n.kind, n.node,
           coalesce(case n.kind when 'unit' then u.name when 'facility' then f.name else e.name end, n.node),
           u.kind, u.fuel, u.capacity_w, f.facility,
           case when n.kind in ('unit', 'facility', 'entity') then e.entity end,
           case when n.kind = 'provider' then n.node else e.provider end,
           case when n.kind = 'zone' then n.node else f.zone end,
           case when n.kind = 'region' then n.node else f.region end,
           case when n.kind = 'branch' then n.node else f.branch end,
           case when n.kind = 'hub' then n.node else f.hub end,
           f.lat, f.lon, n.registered_at
    from node n
    left join u on n.kind = 'unit' and u.unit = n.node
    left join f on f.facility = case n.kind when 'unit' then u.facility when 'facility' then n.node end
    left join e on e.entity = case when n.kind in ('unit', 'facility') then f.entity
                                   when n.kind in ('entity', 'provider') then n.node end
    where n.registered_at <= known_at
$$;
comment on function node_as_of is 'v_node as it was known at a moment.';
create view v_node as select * from node_as_of('infinity');
comment on view v_node is 'Every node by its newest master data.';
comment on column v_node.node_kind is 'Kind of the node.';
comment on column v_node.node is 'Code within its kind.';
comment on column v_node.name is 'Name; where none is kept, the code.';
comment on column v_node.unit_kind is 'generation, consumption or interchange.';
comment on column v_node.fuel is 'Fuel of a generating unit; empty: none is given.';
comment on column v_node.capacity_w is 'Installed capacity, W.';
comment on column v_node.facility is 'Facility of a unit, or the facility itself.';
comment on column v_node.entity is 'Entity it belongs to, or the entity itself.';
comment on column v_node.provider is 'Balance provider of that entity, or the provider itself.';
comment on column v_node.zone is 'Balancing zone of the facility, or the zone itself.';
comment on column v_node.region is 'Region of the facility, or the region itself.';
comment on column v_node.branch is 'Branch of the system operator of the facility, or the branch itself.';
comment on column v_node.hub is 'Energy hub of the facility, or the hub itself.';
comment on column v_node.lat is 'Latitude of the facility, degrees.';
comment on column v_node.lon is 'Longitude of the facility, degrees.';
comment on column v_node.registered_at is 'When it first became known.';
