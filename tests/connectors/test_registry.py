"""Tests of connectors.registry on a real database."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors.registry import Imported, import_registry
from connectors.table import TableError
from infra.demo.registry import write_registry
from schemas.change import CHANGE, RegistryChanged
from tests.connectors.fleet import FLEET, write_files

pytestmark = pytest.mark.stack

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)
INTERVAL = timedelta(minutes=15)


def bring(archive: psycopg.Connection, folder: Path, files: dict[str, list[str]], at: datetime = MARCH) -> Imported:
    return import_registry(archive, write_files(folder / "files", files), at, "here")


def rows(archive: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    found = archive.execute(query.encode()).fetchall()
    archive.commit()
    return found


def sums(archive: psycopg.Connection, *starts: datetime) -> None:
    """Give the archive partial sums of DF at these intervals."""
    for start in starts:
        archive.execute(
            "insert into partial (ts, wh, dctu_id, unit_id, present, expected, on_time)"
            " select %s, 1, dctu_id, 0, 1, 1, 1 from dctu_key where dctu = 'DF'",
            [start],
        )
    archive.commit()


def asked(archive: psycopg.Connection) -> list[tuple[Any, ...]]:
    return rows(
        archive,
        "select dctu, from_ts, to_ts from recompute left join dctu_key using (dctu_id) order by dctu nulls first",
    )


def places(archive: psycopg.Connection, unit: str) -> list[tuple[Any, ...]]:
    """Zone, facility and period of a unit; infinite ends are None."""
    return rows(
        archive,
        f"""
        select z.node, f.node, nullif(from_ts, '-infinity'), nullif(to_ts, 'infinity') from membership m
        join node u on u.node_id = m.unit_id left join node z on z.node_id = m.zone_id
        join node f on f.node_id = m.facility_id where u.node = '{unit}' order by from_ts
        """,
    )


def test_the_first_import_makes_versions_keys_and_all_nodes(archive: psycopg.Connection, tmp_path: Path) -> None:
    done = bring(archive, tmp_path, FLEET)
    assert done == Imported(1, {"entities": 2, "facilities": 2, "units": 3, "dctus": 2, "channels": 4, "emcs": 0})
    assert rows(archive, "select version from registry_version") == [(1,)]
    assert rows(archive, "select kind, string_agg(node, ' ' order by node) from node group by kind order by kind") == [
        ("branch", "B1 B2"),
        ("entity", "K L"),
        ("facility", "F G"),
        ("hub", "H1"),
        ("provider", "K"),
        ("region", "R1 R2"),
        ("system", "system"),
        ("unit", "UC UE UG"),
        ("zone", "NS W"),
    ]
    assert rows(
        archive,
        "select emc, code, dctu, node, sign, max_wh from assignment join channel_key using (channel_id)"
        " join dctu_key using (dctu_id) left join node on node_id = unit_id order by emc, code",
    ) == [
        ("M1", "01", "DF", "UG", 1, 500_000),
        ("M1", "02", "DF", "UG", -1, 500_000),
        ("M2", "01", "DG", "UC", 1, 500_000),
        ("M2", "03", "DG", None, 0, 500_000),
    ]
    assert places(archive, "UG") == [("NS", "F", None, None)]


def test_an_import_leaves_a_notice_in_the_outbox(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    [(*address, message)] = rows(archive, "select agent, source_partition, topic, partition, key, message from outbox")
    assert address == ["registry", 0, "here.changes", 0, None]
    assert CHANGE.validate_json(message) == RegistryChanged(version=1)


def test_the_same_files_again_change_nothing(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    sums(archive, MARCH)
    assert bring(archive, tmp_path, FLEET, APRIL) == Imported(None, {})
    assert rows(archive, "select count(*) from registry_import") == [(1,)]
    assert rows(archive, "select count(*) from outbox") == [(1,)]
    assert asked(archive) == []


def test_what_is_absent_from_a_file_stays(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    done = bring(archive, tmp_path, {"units": ["UG,Unit G,F,generation,coal,100", "UN,New,F,generation,gas,5"]})
    assert (done.version, done.added["units"]) == (2, 1)
    assert rows(archive, "select count(*) from membership") == [(4,)]


def test_a_unit_moves_from_a_date(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    sums(archive, MARCH, APRIL + 10 * INTERVAL)
    bring(archive, tmp_path, {"units": ["UG,Unit G,G,generation,coal,100,2026-04-01T05:00+05:00"]})
    assert places(archive, "UG") == [("NS", "F", None, APRIL), ("W", "G", APRIL, None)]
    assert asked(archive) == [(None, APRIL, APRIL + 11 * INTERVAL)]


def test_a_facility_changes_its_zone_from_a_date(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    sums(archive, MARCH, APRIL)
    bring(archive, tmp_path, {"facilities": ["F,Fort,K,W,R1,B1,H1,51.2,71.4,2026-04-01T00:00Z"]})
    assert places(archive, "UG") == [("NS", "F", None, APRIL), ("W", "F", APRIL, None)]
    assert asked(archive) == [(None, APRIL, APRIL + INTERVAL)]


def test_a_channel_moves_to_another_dctu_from_a_date(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    sums(archive, MARCH, APRIL)
    bring(archive, tmp_path, {"channels": ["M1,02,DG,UG,-1,500,2026-04-01T00:00Z"]})
    assert asked(archive) == [("DF", APRIL, APRIL + INTERVAL), ("DG", APRIL, APRIL + INTERVAL)]


def test_a_period_that_changes_inside_history_is_asked_alone(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    sums(archive, MARCH, APRIL)
    inside = ["M1,02,DF,,,500,2026-03-05T00:00Z,2026-03-06T00:00Z", "M1,02,DF,UG,-1,500,2026-03-06T00:00Z"]
    bring(archive, tmp_path, {"channels": inside})
    day = datetime(2026, 3, 5, tzinfo=UTC)
    assert asked(archive) == [("DF", day, day + timedelta(days=1))]


def test_valid_to_closes(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    sums(archive, MARCH, APRIL)
    bring(archive, tmp_path, {"units": ["UG,Unit G,F,generation,coal,100,,2026-04-01T00:00Z"]})
    assert places(archive, "UG") == [("NS", "F", None, APRIL)]
    assert asked(archive) == [(None, APRIL, APRIL + INTERVAL)]


def test_equal_ends_withdraw_what_starts_there(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    bring(archive, tmp_path, {"units": ["UG,Unit G,G,generation,coal,100,2026-04-01T00:00Z"]})
    withdrawn = ["UG,Unit G,G,generation,coal,100,2026-04-01T00:00Z,2026-04-01T00:00Z"]
    assert bring(archive, tmp_path, {"units": withdrawn}).version == 3
    assert places(archive, "UG") == [("NS", "F", None, None)]
    assert bring(archive, tmp_path, {"units": withdrawn}).version is None


def test_what_was_never_said_cannot_be_withdrawn(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    with pytest.raises(TableError, match=r"units.csv:2:valid_to: .* withdraws what starts there; but nothing does"):
        bring(archive, tmp_path, {"units": ["UG,Unit G,F,generation,coal,100,2026-04-01T00:00Z,2026-04-01T00:00Z"]})


def test_registration_is_when_a_code_first_came(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    bring(
        archive,
        tmp_path,
        {
            "dctus": ["DF,Other name,F", "DN,New,F"],
            "channels": ["M1,01,DF,UG,1,900", "M3,01,DN,UG,1,500"],
            "facilities": ["G,Gora,L,W,R2,B2,H9,,"],
        },
        APRIL,
    )
    later = (
        "select emc from channel_key where registered_at = '2026-04-01'"
        " union all select dctu from dctu_key where registered_at = '2026-04-01'"
        " union all select node from node where registered_at = '2026-04-01'"
    )
    assert sorted(rows(archive, later)) == [("DN",), ("H9",), ("M3",)]


def test_a_new_channel_asks_from_its_registration_on(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    sums(archive, MARCH, APRIL + 10 * INTERVAL)
    bring(archive, tmp_path, {"channels": ["M3,01,DF,UG,1,500"]}, APRIL + timedelta(minutes=20))
    assert asked(archive) == [("DF", APRIL + INTERVAL, APRIL + 11 * INTERVAL)]


def test_a_new_node_asks_from_its_registration_on(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    sums(archive, MARCH, APRIL + 10 * INTERVAL)
    bring(archive, tmp_path, {"entities": ["N,Nobody yet,,"]}, APRIL)
    assert asked(archive) == [(None, APRIL, APRIL + 11 * INTERVAL)]


def test_history_is_asked_from_the_first_registration_or_reading_on(
    archive: psycopg.Connection, tmp_path: Path
) -> None:
    bring(archive, tmp_path, FLEET, MARCH + timedelta(minutes=7))
    sums(archive, APRIL)
    bring(archive, tmp_path, {"channels": ["M1,01,DF,UG,0,500"]}, APRIL)
    assert asked(archive) == [("DF", MARCH, APRIL + INTERVAL)]
    early, late = MARCH - timedelta(days=40), APRIL + timedelta(days=3)
    for at in (early, MARCH, late):
        archive.execute(
            "insert into reading (ts, wh, sent_at, seq, received_at, channel_id, quality, rank, revision)"
            " values (%s, 1, %s, 1, %s, 1, 4, 0, 0)",
            [at, at, at],
        )
    archive.execute("delete from recompute")
    archive.commit()
    bring(archive, tmp_path, {"channels": ["M1,01,DF,UG,1,500"]}, APRIL)
    assert asked(archive) == [("DF", early, late + INTERVAL)]


def test_what_a_first_import_makes_expected_of_the_past_is_asked_though_nothing_is_there(
    archive: psycopg.Connection, tmp_path: Path
) -> None:
    archive.execute(
        "insert into ingest_offset (agent, topic, partition, topic_id, next_off, epoch, watched_until)"
        " values ('collect', 'frames', 0, 'log', 0, 1, %s)",
        [APRIL],
    )
    archive.commit()
    bring(archive, tmp_path, FLEET, MARCH)
    assert set(asked(archive)) >= {(None, MARCH, APRIL + INTERVAL), ("DF", MARCH, APRIL + INTERVAL)}


@pytest.mark.parametrize(
    "files",
    [
        {"entities": ["K,New name,123456789012,"]},
        {"channels": ["M1,01,DF,UG,1,900"]},
        {"units": ["UG,Unit G,F,generation,gas,200"]},
        {"dctus": ["DF,Dctu F,G"]},
        {"channels": ["M1,01,DF,UG,1,500,2026-03-15T00:00Z"]},
    ],
    ids=["name", "limit", "capacity", "facility of a DCTU", "the same said again from a date"],
)
def test_what_sums_do_not_depend_on_asks_for_nothing(
    archive: psycopg.Connection, tmp_path: Path, files: dict[str, list[str]]
) -> None:
    bring(archive, tmp_path, FLEET)
    sums(archive, MARCH, APRIL)
    assert bring(archive, tmp_path, files).version == 2
    assert asked(archive) == []


def test_an_empty_archive_asks_for_nothing(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    bring(archive, tmp_path, {"channels": ["M1,01,DG,UG,1,500"]})
    assert asked(archive) == []


def test_one_error_keeps_everything_out(archive: psycopg.Connection, tmp_path: Path) -> None:
    with pytest.raises(TableError) as caught:
        bring(archive, tmp_path, FLEET | {"units": ["UG,,F,generation,,", "UX,,NONE,generation,,"], "emcs": ["Z9"]})
    assert [str(error) for error in caught.value.errors] == [
        "units.csv:3:facility: 'NONE' is neither in facilities.csv nor in the archive",
        "channels.csv:4:unit: 'UC' is neither in units.csv nor in the archive",
        "emcs.csv:2:emc: 'Z9' is neither in channels.csv nor in the archive",
    ]
    for table in ("registry_import", "entity_version", "node", "channel_key", "assignment", "outbox"):
        assert rows(archive, f"select count(*) from {table}") == [(0,)]
    assert bring(archive, tmp_path, FLEET).version == 1


def test_references_may_be_to_what_the_archive_knows_and_has_not_withdrawn(
    archive: psycopg.Connection, tmp_path: Path
) -> None:
    bring(archive, tmp_path, FLEET)
    assert bring(archive, tmp_path, {"emcs": ["M1,Feeder 1,generation,110,,,,,,,2027-03-31"]}).version == 2
    assert bring(archive, tmp_path, {"dctus": ["DN,,F"]}).version == 3
    bring(archive, tmp_path, {"facilities": ["F,Fort,K,NS,R1,B1,H1,51.2,71.4,-infinity,-infinity"]})
    with pytest.raises(TableError, match=r"dctus.csv:2:facility: 'F' is neither in facilities.csv nor in the archive"):
        bring(archive, tmp_path, {"dctus": ["DO,,F"]})


def test_what_was_known_at_a_moment_stays_a_query(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    bring(archive, tmp_path, {"entities": ["L,Likom,,"]}, APRIL)
    known = "select provider from entity_period('{}') where entity = 'L'"
    assert rows(archive, known.format(APRIL - INTERVAL)) == [("K",)]
    assert rows(archive, known.format(APRIL)) == [("L",)]


def test_an_import_waits_for_who_computes_by_the_old_master_data(archive: psycopg.Connection, tmp_path: Path) -> None:
    bring(archive, tmp_path, FLEET)
    with psycopg.connect(archive.info.dsn, password=archive.info.password, options="-c timezone=UTC") as other:
        archive.execute("select version from registry_version for share")
        archive.execute(
            "insert into partial (ts, wh, dctu_id, unit_id, present, expected, on_time)"
            " select %s, 1, dctu_id, 0, 1, 1, 1 from dctu_key where dctu = 'DF'",
            [APRIL],
        )
        folder = write_files(tmp_path / "files", {"channels": ["M1,01,DF,UG,-1,500"]})
        thread = threading.Thread(target=import_registry, args=(other, folder, MARCH, "here"))
        thread.start()
        waits = "select count(*) from pg_stat_activity where pid = %s and wait_event_type = 'Lock'"
        until = time.monotonic() + 10
        while archive.execute(waits, [other.info.backend_pid]).fetchone() != (1,):
            assert time.monotonic() < until, "the import did not wait"
        archive.commit()
        thread.join(10)
    assert asked(archive) == [("DF", MARCH, APRIL + INTERVAL)]


def test_the_demo_fleet_goes_in_whole(archive: psycopg.Connection, tmp_path: Path) -> None:
    write_registry(tmp_path)
    done = import_registry(archive, tmp_path, MARCH, "here")
    lines = {path.stem: len(path.read_text().splitlines()) - 1 for path in tmp_path.glob("*.csv")}
    assert done == Imported(1, lines)
    units = rows(archive, "select count(*), count(distinct unit_id) from membership")
    assert units == [(lines["units"], lines["units"])]
    assert import_registry(archive, tmp_path, APRIL, "here") == Imported(None, {})
