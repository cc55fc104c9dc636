-- Where each agent stands, and what it still has to send on.

create table ingest_offset (
    agent         text not null,
    topic         text not null,
    partition     integer not null,
    topic_id      text not null,
    next_off      bigint not null,
    epoch         bigint not null,
    watched_until timestamptz,
    tried_off     bigint not null default -1,
    tries         integer not null default 0,
    suspect_off   bigint not null default -1,
    updated_at    timestamptz not null default now(),
    primary key (agent, topic, partition)
);
comment on column ingest_offset.next_off is 'The next message to process. Rules over what Kafka has committed.';
comment on column ingest_offset.epoch is 'Raised by every new owner of the partition; a commit of an older one is fenced.';
comment on column ingest_offset.watched_until is 'collect: the greatest tick processed. balance: the time to which rows are closed.';
comment on column ingest_offset.tries is 'How often the worker died at tried_off; more than two: something there ends it.';
comment on column ingest_offset.suspect_off is 'The single message in work while looking for the one that ends the worker.';

create table tally (
    agent     text not null,
    topic     text not null,
    partition integer not null,
    outcome   text not null,
    n         bigint not null,
    primary key (agent, topic, partition, outcome)
);
comment on table tally is 'What came of every message and reading, counted in the transaction of its offset: exact.';

create table outbox (
    outbox_id        bigint generated always as identity primary key,
    agent            text not null,
    source_partition integer not null,
    topic            text not null,
    partition        integer,
    key              bytea,
    message          bytea not null,
    written_at       timestamptz not null default now()
);
comment on table outbox is 'What is to be sent on, written with what it tells of; deleted once the broker has it.';

create table recompute (
    recompute_id bigint generated always as identity primary key,
    dctu_id      integer,
    from_ts      timestamptz not null,
    to_ts        timestamptz not null,
    asked_at     timestamptz not null default now()
);
comment on table recompute is 'What an import touched and balance has yet to compute anew: partials of a DCTU, or (no DCTU) balances.';
