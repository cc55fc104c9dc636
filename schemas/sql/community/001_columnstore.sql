-- Columnstore for what is no longer corrected every day. Only speed and size: nothing depends on it for being right.
alter table reading set (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'channel_id', timescaledb.orderby = 'ts'
);
call add_columnstore_policy('reading', after => interval '14 days', if_not_exists => true);
alter table reading_revision set (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'channel_id', timescaledb.orderby = 'ts'
);
call add_columnstore_policy('reading_revision', after => interval '45 days', if_not_exists => true);
alter table balance set (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'node_id', timescaledb.orderby = 'ts'
);
call add_columnstore_policy('balance', after => interval '45 days', if_not_exists => true);
