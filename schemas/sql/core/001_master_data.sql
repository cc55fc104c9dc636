-- Master data: who is who, from when. Append-only.
--
-- Every row is a version: it says what holds of a code from valid_from. A version with the same code and the same
-- valid_from replaces the earlier one, an empty one (valid_to = valid_from) withdraws it; a version ends at its valid_to
-- or where the next one starts. So what was known at T is the same query over rows received until T, and nothing is
-- ever closed by being absent.

create table registry_import (
    version     integer generated always as identity primary key,
    received_at timestamptz not null,
    imported_at timestamptz not null default now()
);
comment on table registry_import is 'One row an import of master data; the greatest version is the version in force.';

-- One row: agents hold it in share, an import exclusively, so nobody writes by master data that has just changed.
create table registry_version (
    only_row boolean primary key default true check (only_row),
    version  integer not null
);
insert into registry_version (version) values (0);

create table channel_key (
    channel_id    integer generated always as identity primary key,
    emc           text not null,
    code          text not null,
    registered_at timestamptz not null,
    unique (emc, code)
);
comment on column channel_key.registered_at is 'When the channel first became known: it is expected from then on, not before.';

create table dctu_key (
    dctu_id       integer generated always as identity primary key,
    dctu          text not null unique,
    registered_at timestamptz not null
);

create table node (
    node_id       integer generated always as identity primary key,
    kind          text not null check (kind in
                  ('unit', 'facility', 'entity', 'provider', 'hub', 'region', 'branch', 'zone', 'system')),
    node          text not null,
    registered_at timestamptz not null,
    unique (kind, node)
);
comment on table node is 'Whatever has plan and fact: a unit, or a sum of units.';

create table entity_version (
    entity text not null, name text not null, bin text not null, provider text not null,
    valid_from timestamptz not null, valid_to timestamptz not null,
    version integer not null references registry_import, received_at timestamptz not null,
    primary key (entity, valid_from, version)
);
create table facility_version (
    facility text not null, name text not null, entity text not null, zone text not null, region text not null,
    branch text not null, hub text not null, lat double precision, lon double precision,
    valid_from timestamptz not null, valid_to timestamptz not null,
    version integer not null references registry_import, received_at timestamptz not null,
    primary key (facility, valid_from, version)
);
create table unit_version (
    unit text not null, name text not null, facility text not null,
    kind text not null check (kind in ('generation', 'consumption', 'interchange')),
    fuel text not null, capacity_w bigint,
    valid_from timestamptz not null, valid_to timestamptz not null,
    version integer not null references registry_import, received_at timestamptz not null,
    primary key (unit, valid_from, version)
);
create table dctu_version (
    dctu text not null, name text not null, facility text not null,
    valid_from timestamptz not null, valid_to timestamptz not null,
    version integer not null references registry_import, received_at timestamptz not null,
    primary key (dctu, valid_from, version)
);
create table channel_version (
    emc text not null, code text not null, dctu text not null, unit text not null,
    sign smallint not null check (sign between -1 and 1), max_wh bigint not null check (max_wh >= 0),
    valid_from timestamptz not null, valid_to timestamptz not null,
    version integer not null references registry_import, received_at timestamptz not null,
    primary key (emc, code, valid_from, version)
);
comment on column channel_version.unit is 'The unit whose fact the channel is part of; empty: of none.';
create table emc_version (
    emc text not null, connection text not null, role text not null, voltage_kv numeric,
    ct_ratio text not null, vt_ratio text not null, ct_class text not null, vt_class text not null,
    meter_class text not null, serial text not null, verification_due date,
    valid_from timestamptz not null, valid_to timestamptz not null,
    version integer not null references registry_import, received_at timestamptz not null,
    primary key (emc, valid_from, version)
);

-- The periods that hold, as known at a moment: versions cut to one another, empty ones left out.
create function entity_period(known_at timestamptz) returns table (
    entity text, name text, bin text, provider text, valid_from timestamptz, valid_to timestamptz
) language sql stable parallel safe as $$
    select entity, name, bin, provider, valid_from, least(valid_to, next_from) from (
        select *, lead(valid_from, 1, 'infinity') over (partition by entity order by valid_from) as next_from
        from (select distinct on (entity, valid_from) * from entity_version
              where received_at <= known_at order by entity, valid_from, version desc) latest
        where valid_from < valid_to
    ) cut where valid_from < least(valid_to, next_from)
$$;
create function facility_period(known_at timestamptz) returns table (
    facility text, name text, entity text, zone text, region text, branch text, hub text,
    lat double precision, lon double precision, valid_from timestamptz, valid_to timestamptz
) language sql stable parallel safe as $$
    select facility, name, entity, zone, region, branch, hub, lat, lon, valid_from, least(valid_to, next_from) from (
        select *, lead(valid_from, 1, 'infinity') over (partition by facility order by valid_from) as next_from
        from (select distinct on (facility, valid_from) * from facility_version
              where received_at <= known_at order by facility, valid_from, version desc) latest
        where valid_from < valid_to
    ) cut where valid_from < least(valid_to, next_from)
$$;
create function unit_period(known_at timestamptz) returns table (
    unit text, name text, facility text, kind text, fuel text, capacity_w bigint,
    valid_from timestamptz, valid_to timestamptz
) language sql stable parallel safe as $$
    select unit, name, facility, kind, fuel, capacity_w, valid_from, least(valid_to, next_from) from (
        select *, lead(valid_from, 1, 'infinity') over (partition by unit order by valid_from) as next_from
        from (select distinct on (unit, valid_from) * from unit_version
              where received_at <= known_at order by unit, valid_from, version desc) latest
        where valid_from < valid_to
    ) cut where valid_from < least(valid_to, next_from)
$$;
create function dctu_period(known_at timestamptz) returns table (
    dctu text, name text, facility text, valid_from timestamptz, valid_to timestamptz
) language sql stable parallel safe as $$
    select dctu, name, facility, valid_from, least(valid_to, next_from) from (
        select *, lead(valid_from, 1, 'infinity') over (partition by dctu order by valid_from) as next_from
        from (select distinct on (dctu, valid_from) * from dctu_version
              where received_at <= known_at order by dctu, valid_from, version desc) latest
        where valid_from < valid_to
    ) cut where valid_from < least(valid_to, next_from)
$$;
create function channel_period(known_at timestamptz) returns table (
    emc text, code text, dctu text, unit text, sign smallint, max_wh bigint,
    valid_from timestamptz, valid_to timestamptz
) language sql stable parallel safe as $$
    select emc, code, dctu, unit, sign, max_wh, valid_from, least(valid_to, next_from) from (
        select *, lead(valid_from, 1, 'infinity') over (partition by emc, code order by valid_from) as next_from
        from (select distinct on (emc, code, valid_from) * from channel_version
              where received_at <= known_at order by emc, code, valid_from, version desc) latest
        where valid_from < valid_to
    ) cut where valid_from < least(valid_to, next_from)
$$;
