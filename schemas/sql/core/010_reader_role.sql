-- For readers who may ask the public views and nothing beneath them (connectors/reader_role.py makes their role).

-- What a view calls runs as whoever asks, and a reader may read no table: these two run as their owner instead.
alter function node_as_of(timestamptz) security definer set search_path = public, pg_temp;
alter function node_plan(text, text, timestamptz, timestamptz) security definer set search_path = public, pg_temp;
revoke execute on function node_as_of(timestamptz), node_plan(text, text, timestamptz, timestamptz) from public;

create view v_completeness_15m as
select d.dctu, p.ts, sum(p.expected)::bigint as expected, sum(p.on_time)::bigint as on_time,
       sum(p.present - p.on_time)::bigint as late, sum(greatest(p.expected - p.present, 0))::bigint as missing
from partial p join dctu_key d using (dctu_id)
group by d.dctu, p.ts;
comment on view v_completeness_15m is 'Cells (channels) of every DCTU and interval, all channels.';
comment on column v_completeness_15m.dctu is 'Code of the DCTU.';
comment on column v_completeness_15m.ts is 'Start of the interval, UTC.';
comment on column v_completeness_15m.expected is 'Cells expected.';
comment on column v_completeness_15m.on_time is 'Cells whose first version came before the deadline.';
comment on column v_completeness_15m.late is 'Cells that came after it.';
comment on column v_completeness_15m.missing is 'Cells still empty.';

-- The same rows as before, without a function that would read tables as whoever asks.
create or replace view v_completeness as
select dctu, (ts at time zone 'Asia/Almaty')::date as day, sum(expected)::bigint as expected,
       sum(on_time)::bigint as on_time, sum(late)::bigint as late, sum(missing)::bigint as missing
from v_completeness_15m
group by dctu, (ts at time zone 'Asia/Almaty')::date;

create view v_channel as
select distinct on (k.emc, k.code)
       k.emc, k.code, d.dctu, u.node as unit, a.sign, a.max_wh, k.registered_at
from assignment a
join channel_key k using (channel_id)
join dctu_key d using (dctu_id)
left join node u on u.node_id = a.unit_id
order by k.emc, k.code, a.from_ts desc;
comment on view v_channel is 'Every channel by its newest master data: who transmits it, and what it adds to.';
comment on column v_channel.emc is 'Code of the metering complex.';
comment on column v_channel.code is 'Channel: 01 A+, 02 A-, 03 R+, 04 R-.';
comment on column v_channel.dctu is 'The DCTU that transmits it.';
comment on column v_channel.unit is 'The unit whose fact it is part of; NULL: of none.';
comment on column v_channel.sign is '1 adds to the unit, -1 subtracts, 0 is measured but not summed.';
comment on column v_channel.max_wh is 'The most that it can measure in a quarter-hour, Wh.';
comment on column v_channel.registered_at is 'When it first became known; it is expected from then on.';
