-- What was measured, what it sums up to, and what is missing.

create table reading (
    ts          timestamptz not null,
    wh          bigint not null,
    sent_at     timestamptz not null,
    seq         bigint not null,
    received_at timestamptz not null,
    channel_id  integer not null,
    quality     smallint not null,
    rank        smallint not null,
    revision    smallint not null
);
comment on table reading is 'The version in force of every reading: the greatest (rank, sent_at, seq, quality, wh).';
comment on column reading.received_at is 'The stream''s time when this version came. It orders nothing.';
comment on column reading.revision is 'How many other versions stand in reading_revision.';
select create_hypertable('reading', by_range('ts', interval '1 day'), create_default_indexes => false);
create unique index reading_key on reading (channel_id, ts);

create table reading_revision (like reading);
alter table reading_revision drop column revision;
comment on table reading_revision is 'All other versions that ever came of a reading.';
select create_hypertable('reading_revision', by_range('ts', interval '7 days'), create_default_indexes => false);
create unique index reading_revision_key on reading_revision (channel_id, ts, rank, sent_at, seq, quality, wh);

create table declared_missing (
    ts         timestamptz not null,
    channel_id integer not null
);
comment on table declared_missing is 'Intervals of which the device itself said that it has no value.';
select create_hypertable('declared_missing', by_range('ts', interval '7 days'), create_default_indexes => false);
create unique index declared_missing_key on declared_missing (channel_id, ts);

create table partial (
    ts       timestamptz not null,
    wh       bigint not null,
    dctu_id  integer not null,
    unit_id  integer not null,
    present  integer not null,
    expected integer not null,
    on_time  integer not null
);
comment on table partial is 'What the channels of one DCTU add to one unit (unit_id 0: channels that are not summed).';
select create_hypertable('partial', by_range('ts', interval '7 days'), create_default_indexes => false);
create unique index partial_key on partial (ts, unit_id, dctu_id);
create index partial_dctu on partial (dctu_id, ts);

create table balance (
    ts               timestamptz not null,
    node_id          integer not null,
    present          integer not null,
    expected         integer not null,
    schedule_version integer,
    closed           boolean not null,
    gen_plan_wh      bigint,
    gen_fact_wh      bigint,
    cons_plan_wh     bigint,
    cons_fact_wh     bigint,
    exch_plan_wh     bigint,
    exch_fact_wh     bigint,
    imbalance_wh     bigint not null,
    computed_at      timestamptz not null
);
comment on table balance is 'Plan against fact of every node and interval, always recomputed, never incremented.';
select create_hypertable('balance', by_range('ts', interval '7 days'), create_default_indexes => false);
create unique index balance_key on balance (node_id, ts);
create index balance_ts on balance (ts);

create table node_now (
    node_id                 integer primary key,
    now                     timestamptz not null,
    ts                      timestamptz,
    hour                    timestamptz not null,
    closed_intervals        smallint not null,
    gen_plan_wh             bigint,
    gen_fact_wh             bigint,
    cons_plan_wh            bigint,
    cons_fact_wh            bigint,
    exch_plan_wh            bigint,
    exch_fact_wh            bigint,
    imbalance_wh            bigint,
    completeness            double precision,
    schedule_version        integer,
    hour_gen_plan_wh        bigint,
    hour_gen_fact_wh        bigint,
    hour_gen_naive_wh       bigint,
    hour_gen_persist_wh     bigint,
    hour_cons_plan_wh       bigint,
    hour_cons_fact_wh       bigint,
    hour_cons_naive_wh      bigint,
    hour_cons_persist_wh    bigint,
    hour_exch_plan_wh       bigint,
    hour_exch_fact_wh       bigint,
    hour_exch_naive_wh      bigint,
    hour_exch_persist_wh    bigint,
    hour_imbalance_naive_wh   bigint not null,
    hour_imbalance_persist_wh bigint not null
);
comment on table node_now is 'The newest closed interval and the running hour of every node.';

create table gap (
    first_start timestamptz not null,
    last_end    timestamptz not null,
    dctu_id     integer not null,
    channels    integer not null,
    declared    boolean not null,
    opened_at   timestamptz not null,
    healed_at   timestamptz
);
select create_hypertable('gap', by_range('first_start', interval '30 days'), create_default_indexes => false);
create unique index gap_key on gap (dctu_id, first_start);
create index gap_open on gap (dctu_id) where healed_at is null;

create table quarantine (
    quarantine_id bigint generated always as identity,
    received_at   timestamptz not null,
    rule          text not null,
    detail        text not null,
    dctu          text,
    channel       text,
    start         text,
    wh            text,
    status        text,
    sent_at       text,
    seq           bigint,
    digest        bytea not null,
    frame_digest  bytea not null,
    replayed_at   timestamptz
);
comment on column quarantine.digest is 'Of everything that says which refusal this is; the same refusal stands once.';
select create_hypertable('quarantine', by_range('received_at', interval '7 days'), create_default_indexes => false);
create index quarantine_time on quarantine (received_at desc);
create index quarantine_digest on quarantine (digest);
create index quarantine_id on quarantine (quarantine_id);

create table quarantine_frame (
    digest  bytea primary key,
    message bytea not null
);
comment on table quarantine_frame is 'The bytes of every message that has anything in quarantine.';
