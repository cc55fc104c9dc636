"""The second layer of the migrations, on an edition that has it."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from connectors.migrations import migrate

DAY = datetime(2026, 3, 2, tzinfo=UTC)
TABLES = {"reading", "reading_revision", "partial", "balance"}


@pytest.fixture(scope="module")
def archive(community: psycopg.Connection) -> psycopg.Connection:
    """Migrated, with two days of twenty channels, a revision of each, a sum of each and a balance of each."""
    migrate(community)
    values = [DAY, DAY + timedelta(days=2)]
    series = "generate_series(1, 20) id, generate_series(%s::timestamptz, %s - interval '15 minutes', '15 minutes') ts"
    for statement in (
        "insert into reading select ts, 1000 * id, ts, 1, ts, id, 4, 0, 1 from",
        "insert into reading_revision select ts, 900 * id, ts, 0, ts, id, 4, 0 from",
        "insert into partial select ts, 1000 * id, id, id, 1, 1, 1 from",
        "insert into balance (ts, node_id, present, expected, closed, gen_fact_wh, imbalance_wh, computed_at)"
        " select ts, id, 1, 1, true, 1000 * id, -1000 * id, ts from",
    ):
        community.execute(f"{statement} {series}", values)
    community.commit()
    return community


@pytest.fixture
def compressed(archive: psycopg.Connection) -> psycopg.Connection:
    """The same with every chunk in the columnstore."""
    for table in sorted(TABLES):
        archive.execute("select compress_chunk(chunk, if_not_compressed => true) from show_chunks(%s) chunk", [table])
    archive.commit()
    return archive


def one(connection: psycopg.Connection, query: str) -> object:
    """The first column of the first row."""
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_both_layers_are_applied_by_the_migration_itself(community: psycopg.Connection) -> None:
    assert migrate(community).community


def test_a_second_migration_adds_nothing(archive: psycopg.Connection) -> None:
    policies = one(archive, "select count(*) from timescaledb_information.jobs")
    assert migrate(archive) == ([], True)
    assert one(archive, "select count(*) from timescaledb_information.jobs") == policies


def test_a_second_migration_alters_no_table_and_so_waits_for_nobody(archive: psycopg.Connection) -> None:
    # Whoever alters them again writes these rows anew.
    settings = "select array_agg(xmin::text order by relid) from _timescaledb_catalog.compression_settings"
    before = one(archive, settings)
    migrate(archive)
    assert one(archive, settings) == before


def test_what_a_dump_leaves_behind_is_set_again(archive: psycopg.Connection) -> None:
    setting = "timescaledb.max_tuples_decompressed_per_dml_transaction"
    archive.execute(f"alter database postgres reset {setting}".encode())
    archive.commit()
    migrate(archive)
    settings = one(archive, "select array_to_string(setconfig, ',') from pg_db_role_setting where setrole = 0")
    assert f"{setting}=0" in str(settings)


def test_every_big_table_has_one_policy_of_the_columnstore(archive: psycopg.Connection) -> None:
    jobs = archive.execute(
        "select hypertable_name from timescaledb_information.jobs where proc_name = 'policy_compression'"
    ).fetchall()
    assert sorted(name for (name,) in jobs) == sorted(TABLES)


def test_nothing_is_ever_dropped_by_default(archive: psycopg.Connection) -> None:
    assert one(archive, "select count(*) from timescaledb_information.jobs where proc_name = 'policy_retention'") == 0


def test_the_columnstore_holds_what_was_written(archive: psycopg.Connection) -> None:
    tables = [("reading", "wh"), ("reading_revision", "wh"), ("partial", "wh"), ("balance", "imbalance_wh")]
    sums = "select count(*) || ' ' || sum({1}) || ' ' || max(ts) from {0}"
    before = [one(archive, sums.format(*table)) for table in tables]
    for table, _ in tables:
        archive.execute("select compress_chunk(chunk) from show_chunks(%s) chunk", [table])
    archive.commit()
    assert one(archive, "select count(*) from timescaledb_information.chunks where not is_compressed") == 0
    assert [one(archive, sums.format(*table)) for table in tables] == before


def test_a_migration_over_compressed_chunks_changes_nothing(compressed: psycopg.Connection) -> None:
    assert migrate(compressed) == ([], True)
    assert one(compressed, "select count(*) from timescaledb_information.chunks where is_compressed") != 0


def test_a_compressed_reading_is_corrected_in_place(compressed: psycopg.Connection) -> None:
    compressed.execute(
        "insert into reading as r select ts, 7, ts, 2, ts, id, 4, 0, 1 from generate_series(1, 20) id,"
        " generate_series(%s::timestamptz, %s + interval '1 hour', '15 minutes') ts"
        " on conflict (channel_id, ts) do update set wh = excluded.wh, seq = excluded.seq"
        " where (excluded.rank, excluded.sent_at, excluded.seq) > (r.rank, r.sent_at, r.seq)",
        [DAY, DAY],
    )
    compressed.commit()
    assert one(compressed, "select count(*) from reading") == 20 * 192
    assert one(compressed, "select count(*) from reading where wh = 7") == 20 * 5


def test_a_compressed_revision_stands_once(compressed: psycopg.Connection) -> None:
    again = compressed.execute(
        "insert into reading_revision select %s, 900, %s, 0, %s, 1, 4, 0 on conflict do nothing", [DAY, DAY, DAY]
    )
    assert again.rowcount == 0
    compressed.commit()


def test_a_compressed_sum_cannot_stand_twice(compressed: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        compressed.execute("insert into partial values (%s, 1, 3, 3, 1, 1, 1)", [DAY])
    compressed.rollback()


def test_a_correction_may_unpack_as_many_rows_as_it_touches(archive: psycopg.Connection) -> None:
    settings = one(archive, "select array_to_string(setconfig, ' ') from pg_db_role_setting where setdatabase <> 0")
    assert settings == "timescaledb.max_tuples_decompressed_per_dml_transaction=0"


def test_the_views_read_through_the_columnstore(compressed: psycopg.Connection) -> None:
    compressed.execute("insert into channel_key (emc, code, registered_at) values ('E1', '01', '2026-01-01')")
    assert one(compressed, "select count(*) from v_revision") == 192
    assert one(compressed, "select count(*) from reading_as_of('infinity', '2026-03-02Z', '2026-03-04Z')") == 192
    compressed.rollback()
