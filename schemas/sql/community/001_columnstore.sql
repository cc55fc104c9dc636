-- Columnstore for what is no longer corrected every day. Only speed and size: nothing depends on it for being right.
--
-- Not here, on purpose. Continuous aggregates: what is late or corrected changes a bucket that is already materialised,
-- and until its next refresh it would show another sum than the archive; `balance` is exact at once, and an hour of a
-- node is four rows of one index. Retention: an archive forgets only when its owner says so; then it is one line,
-- select add_retention_policy('reading', interval '5 years', if_not_exists => true).

alter table reading set (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'channel_id', timescaledb.orderby = 'ts'
);
call add_columnstore_policy('reading', after => interval '14 days', if_not_exists => true);
alter table reading_revision set (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'channel_id', timescaledb.orderby = 'ts'
);
call add_columnstore_policy('reading_revision', after => interval '45 days', if_not_exists => true);
alter table partial set (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'dctu_id', timescaledb.orderby = 'ts, unit_id'
);
call add_columnstore_policy('partial', after => interval '45 days', if_not_exists => true);
alter table balance set (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'node_id', timescaledb.orderby = 'ts'
);
call add_columnstore_policy('balance', after => interval '45 days', if_not_exists => true);

-- A late correction of many channels unpacks more rows than the default limit (100,000 a statement) lets it.
do $$ begin
    execute format('alter database %I set timescaledb.max_tuples_decompressed_per_dml_transaction = 0',
                   current_database());
end $$;
