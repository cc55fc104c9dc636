"""An archive with something for every panel, asked by the role that Grafana has."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from connectors.reader_role import ROLE, allow_reader
from infra.stack.stack import Addresses
from tests.connectors.filled import fill_every_view, new_archive, plan

# What `fill_every_view` leaves out.
MORE = (
    "update facility_version set lat = 48.0, lon = 67.0",
    "update balance set gen_plan_wh = 1000000, gen_fact_wh = 900000, cons_plan_wh = 800000, cons_fact_wh = 850000,"
    " exch_plan_wh = 0, exch_fact_wh = 50000, imbalance_wh = 200000, schedule_version = 1",
    "update node_now set ts = '2026-03-02T00:45Z', gen_plan_wh = 1000000, gen_fact_wh = 900000, cons_plan_wh = 800000,"
    " cons_fact_wh = 850000, exch_plan_wh = 0, exch_fact_wh = 50000, imbalance_wh = 200000, completeness = 1,"
    " hour_gen_plan_wh = 4000000, hour_gen_fact_wh = 0, hour_gen_naive_wh = 4000000, hour_gen_persist_wh = 3600000",
    "insert into gap select '2026-03-02T05:00Z', '2026-03-02T06:00Z', dctu_id, 2, true, '2026-03-02T05:20Z' from dctu_key",
    "insert into alarm_event (at, alarm_id, type, object_kind, object, event, state_before, state, annunciated, priority,"
    " unit, rules, actor, reason, detail) select at::timestamptz, 1, 'TRIP', 'facility', 'F', event, '', '', event = 'raise',"
    " 'high', 'W', 'abc', 'me', '', '{}' from (values ('2026-03-02T02:00Z', 'raise'), ('2026-03-02T02:10Z', 'acknowledge'),"
    " ('2026-03-02T02:20Z', 'clear'), ('2026-03-02T03:00Z', 'suppress')) e (at, event)",
)


@pytest.fixture(scope="package")
def filled(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """Something in every view, of 1 to 3 March 2026, and what the panels want of it."""
    with new_archive(stack.database) as archive:
        fill_every_view(archive, tmp_path_factory.mktemp("filled"))
        plan(archive, "UG", "02:00", 1_000_000)
        plan(archive, "UG", "02:00", 1_200_000, version=2)
        for statement in MORE:
            archive.execute(statement.encode())
        archive.commit()
        assert allow_reader(archive) is None
        yield archive
        archive.rollback()


@pytest.fixture(scope="package")
def reader(stack: Addresses, filled: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """Asks it as Grafana does."""
    address = make_conninfo(stack.database, user=ROLE, dbname=filled.info.dbname)
    with closing(psycopg.connect(address, autocommit=True)) as connection:
        yield connection
