-- The plan: energy of each hour of each unit, in numbered versions. Append-only.
create table daily_schedule (
    unit        text not null,
    hour        timestamptz not null,
    version     integer not null check (version > 0),
    wh          bigint not null,
    received_at timestamptz not null,
    primary key (unit, hour, version)
);
create index daily_schedule_hour on daily_schedule (hour);
comment on table daily_schedule is 'In force is, per unit and hour, the highest version that has the hour.';

-- The plan of one interval of an hour: the floor of its quarter, the remainder one Wh each to the first intervals.
create function quarter_wh(hour_wh bigint, start timestamptz) returns bigint
language sql immutable parallel safe as $$
    select (hour_wh - ((hour_wh % 4) + 4) % 4) / 4
         + (extract(minute from start at time zone 'UTC')::int / 15 < ((hour_wh % 4) + 4) % 4)::int
$$;
