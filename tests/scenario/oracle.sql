-- What the archive must hold, by definition: from what was sent and nothing else, in sets, without state or order of
-- processing. Nothing of the product is used here, so that the two can be compared.
--
-- Given: the tables of the master data (`entities` … `channels`, as in the files), what was sent (`tick`, `frame`,
-- `sent`, `malformed`, `plan`, numbered by `n` in the order of sending), and the variables registered, known_at, grace
-- and ahead. All instants are UTC.

-- Master data -------------------------------------------------------------------------------------------------------

create table channel as
select emc || '/' || code as channel, emc, code, dctu, nullif(unit, '') as unit, coalesce(sign::integer, 0) as sign,
       (max_kwh::decimal(18, 3) * 1000)::bigint as max_wh
from channels;

create table place as
select unit, kind, facility, entity, coalesce(provider, entity) as provider, hub, region, branch, zone
from units join facilities using (facility) join entities using (entity);

-- Every unit with every node above it, itself included.
create table above as
select unit, kind, node_kind, node
from (select *, unit as unit_, 'system' as system from place)
unpivot (node for node_kind in (unit_ as 'unit', facility, entity, provider, hub, region, branch, zone, system));

-- The stream --------------------------------------------------------------------------------------------------------

-- The time of a message: the greatest tick before it; before the first one the sender's.
create table arrival as
select n, coalesce(time, sent_at) as received_at, time
from (
    select n, sent_at, now, max(now) over (order by n) as time
    from (select n, sent_at, null::timestamptz as now from frame
          union all select n, null, null from malformed
          union all select n, null, now from tick)
)
where now is null and coalesce(time, sent_at) <= getvariable('known_at');

create table watched as
select least(max(now), getvariable('known_at')) as until from tick where now <= getvariable('known_at');

-- The deadlines that have passed, and the tick that passed each.
create table deadline as
select ts, min(n) as n, arg_min(now, n) as at
from (select unnest(generate_series(getvariable('registered'), until, interval 15 minutes)) as ts from watched)
join tick on now >= ts + interval 15 minutes + getvariable('grace') and now <= getvariable('known_at')
group by ts;

-- Readings ----------------------------------------------------------------------------------------------------------

-- Every reading that was sent, with the first rule that refuses it; no rule: accepted, or declared missing.
create table judged as
select s.*, a.received_at, c.channel is not null as known,
       case
           when f.sent_at > a.time + getvariable('ahead') then 'FUTURE'
           when time_bucket(interval 15 minutes, s.start) <> s.start
             or s.start < '2000-01-01 00:00Z' or s.start >= '2100-01-01 00:00Z' then 'GRID'
           when c.channel is null or not exists (from dctus d where d.dctu = f.dctu) then 'UNKNOWN'
           when c.dctu <> f.dctu then 'FOREIGN'
           when s.status not in (0, 1) then 'STATUS'
           when s.wh is null and s.status = 0 then 'EMPTY'
           when s.wh < 0 then 'NEGATIVE'
           when s.wh > c.max_wh then 'OVER_MAX'
           when s.start + interval 15 minutes > f.sent_at then 'FUTURE'
       end as rule,
       f.dctu, f.seq, f.sent_at
from sent s join frame f using (n) join arrival a using (n) left join channel c using (channel);

create table accepted as
select n, received_at, dctu, channel, start as ts, wh, if(status = 0, 4, 2) as quality, sent_at, seq
from judged where rule is null and wh is not null;

create table declared as
select distinct channel, start as ts from judged where rule is null and wh is null;

-- The same version twice is one that came when it first came. The greatest is in force, place 1.
create table version as
select *, row_number() over (cell order by sent_at desc, seq desc, quality desc, wh desc) as place,
       count(*) over (cell) - 1 as others
from (select channel, ts, sent_at, seq, quality, wh, min(received_at) as received_at
      from accepted group by channel, ts, sent_at, seq, quality, wh)
window cell as (partition by channel, ts);

create table reading as
select emc, code, ts, wh, quality, others as revision, received_at
from version join channel using (channel) where place = 1;

create table revision as
select emc, code, ts, wh, quality, 0 as rank, sent_at, seq, received_at
from version join channel using (channel) where place > 1;

create table quarantine as
select rule, dctu, channel, start, wh, status, sent_at, seq, min(received_at) as received_at
from judged where rule is not null
group by rule, dctu, channel, start, wh, status, sent_at, seq
union all
select 'CONFLICT', dctu, channel, ts, null, null, sent_at, seq, null
from accepted group by dctu, channel, ts, sent_at, seq having count(distinct (quality, wh)) > 1
union all
select 'MALFORMED', null, null, null, null, null, null, null, min(received_at)
from malformed join arrival using (n) group by text;

-- Silence -----------------------------------------------------------------------------------------------------------

create table cell as
select dctu, channel, ts, min(n) as n, min(received_at) as first_at from accepted group by dctu, channel, ts;

-- Intervals of DCTUs of which anything was missing when their deadline passed, and when the last of it came.
create table missing as
select c.dctu, d.ts, d.n as judged_n, d.at as judged_at,
       count(*) filter (where cell.n is null or cell.n > d.n) as channels,
       max(coalesce(cell.n, 'infinity'::double)) as filled_n,
       bool_or(declared.channel is not null) as declared
from channel c cross join deadline d
left join cell on cell.channel = c.channel and cell.ts = d.ts
left join declared on declared.channel = c.channel and declared.ts = d.ts
group by c.dctu, d.ts, d.n, d.at
having count(*) filter (where cell.n is null or cell.n > d.n) > 0;

-- A run goes on to the next interval unless all of it was filled before that one's deadline.
create table gap as
with recursive run as (
    select *, ts as first_start from missing m
    where not exists (from missing p where p.dctu = m.dctu and p.ts = m.ts - interval 15 minutes)
    union all
    select m.dctu, m.ts, m.judged_n, m.judged_at, m.channels,
           if(r.filled_n > m.judged_n, greatest(r.filled_n, m.filled_n), m.filled_n),
           m.declared, if(r.filled_n > m.judged_n, r.first_start, m.ts)
    from run r join missing m on m.dctu = r.dctu and m.ts = r.ts + interval 15 minutes
), whole as (
    select dctu, first_start, max(ts) + interval 15 minutes as last_end, max(channels) as channels,
           min(judged_at) as opened_at, max(filled_n) as filled_n, bool_or(declared) as declared
    from run group by dctu, first_start
)
select dctu, first_start, last_end, channels, opened_at, received_at as healed_at,
       epoch(received_at - first_start)::bigint - 900 as late_by_s, declared
from whole left join arrival on n = filled_n;

-- Cells of a DCTU's interval count as soon as any of them came, or the deadline passed.
create table completeness as
select dctu, (ts at time zone 'Asia/Almaty')::date as day, sum(expected)::bigint as expected,
       sum(on_time)::bigint as on_time, sum(present - on_time)::bigint as late,
       sum(greatest(expected - present, 0))::bigint as missing
from (
    select c.dctu, t.ts, if(t.ts >= getvariable('registered'), count(*), 0) as expected, count(cell.channel) as present,
           count(*) filter (where first_at < t.ts + interval 15 minutes + getvariable('grace')) as on_time
    from channel c
    join (select dctu, ts from cell union select dctu, ts from deadline, (select distinct dctu from channel)) t
      on t.dctu = c.dctu
    left join cell on cell.channel = c.channel and cell.ts = t.ts
    group by c.dctu, t.ts
)
group by all;

-- Plan against fact -------------------------------------------------------------------------------------------------

-- In force is, per unit and hour, the highest version; its quarters are the floor, the remainder first.
create table quarter as
select unit, hour + q * interval 15 minutes as ts, version,
       (wh - (wh % 4 + 4) % 4) // 4 + if(q < (wh % 4 + 4) % 4, 1, 0) as wh
from (select unit, hour, max(version) as version, arg_max(wh, version) as wh
      from plan where received_at <= getvariable('known_at') group by unit, hour)
cross join unnest([0, 1, 2, 3]) quarters (q);

create table fact as
select unit, ts, sum(sign * wh)::bigint as wh, count(*) as present
from reading join channel using (emc, code) where sign <> 0 and unit is not null
group by unit, ts;

create table summed as
select unit, count(*) as channels from channel where sign <> 0 and unit is not null group by unit;

create table balance as
select node_kind, node, ts, past, sum(coalesce(f.present, 0)) as present,
       if(ts >= getvariable('registered'), sum(coalesce(s.channels, 0)), 0) as expected, max(q.version) as version,
       sum(q.wh) filter (kind = 'generation') as g_plan, sum(coalesce(f.wh, 0)) filter (kind = 'generation') as g_fact,
       sum(q.wh) filter (kind = 'consumption') as c_plan, sum(coalesce(f.wh, 0)) filter (kind = 'consumption') as c_fact,
       sum(q.wh) filter (kind = 'interchange') as e_plan, sum(coalesce(f.wh, 0)) filter (kind = 'interchange') as e_fact
from above
cross join (select ts, coalesce(ts + interval 15 minutes + getvariable('grace') <= until, false) as past
            from (select ts from deadline union select ts from fact), watched) moment
left join fact f using (unit, ts)
left join quarter q using (unit, ts)
left join summed s using (unit)
group by node_kind, node, ts, past
having (past and ts >= getvariable('registered')) or sum(coalesce(f.present, 0)) > 0;

create macro share(present, expected) as
    if(expected > 0, least(present::double / expected::double, 1), if(present > 0, 1, 0)::double);

create table balance_15m as
select node_kind, node, ts, g_plan::bigint as gen_plan_wh, g_fact::bigint as gen_fact_wh,
       c_plan::bigint as cons_plan_wh, c_fact::bigint as cons_fact_wh,
       e_plan::bigint as exch_plan_wh, e_fact::bigint as exch_fact_wh,
       ((coalesce(c_fact, 0) - coalesce(c_plan, 0)) - (coalesce(g_fact, 0) - coalesce(g_plan, 0))
        + (coalesce(e_fact, 0) - coalesce(e_plan, 0)))::bigint as imbalance_wh,
       share(present, expected) as completeness, past or (expected > 0 and present >= expected) as closed,
       version as schedule_version
from balance;

create table balance_1h as
select node_kind, node, time_bucket(interval 1 hour, ts) as ts, sum(gen_plan_wh)::bigint as gen_plan_wh,
       sum(gen_fact_wh)::bigint as gen_fact_wh, sum(cons_plan_wh)::bigint as cons_plan_wh,
       sum(cons_fact_wh)::bigint as cons_fact_wh, sum(exch_plan_wh)::bigint as exch_plan_wh,
       sum(exch_fact_wh)::bigint as exch_fact_wh, sum(imbalance_wh)::bigint as imbalance_wh,
       share(sum(present), sum(expected)) as completeness, count(*) = 4 and bool_and(closed) as closed,
       max(schedule_version) as schedule_version
from balance_15m join balance using (node_kind, node, ts)
group by node_kind, node, time_bucket(interval 1 hour, ts);
