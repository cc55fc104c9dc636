-- Access to the archive: what is whose, and who did what.

create function objects_of(of_entity text) returns table (object_kind text, object text)
language sql stable as $$
    with own as materialized (
        select node_kind, node from v_node where entity = of_entity
    ), device as materialized (
        select dctu from (select distinct on (dctu) dctu, facility from dctu_period('infinity')
                          order by dctu, valid_from desc) newest
        where facility in (select node from own where node_kind = 'facility')
    )
    select node_kind, node from own
    union all
    select 'dctu', dctu from device
    union all
    select distinct 'emc', emc from (select distinct on (emc, code) emc, dctu, unit from channel_period('infinity')
                                     order by emc, code, valid_from desc) newest
    where dctu in (select dctu from device) or unit in (select node from own where node_kind = 'unit')
$$;
comment on function objects_of is
    'What is an entity''s by the newest master data: itself, its facilities and units, the DCTUs there, the metering complexes that these gather or that its units are summed from.';
