"""Tests of streams.balance, with the real database."""

import json
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from connectors import node_now
from connectors.database import connect_async
from schemas.change import CHANGE, PartialsChanged, RegistryChanged, ScheduleChanged, TimePassed
from schemas.time import slot_of, slot_start
from schemas.topics import topics_of
from streams.balance import PATIENCE_S, Balancer
from streams.dirty import CHUNK
from streams.now import states_of
from tests.property.core import rules_with
from tests.property.database import Database
from tests.property.histories import Planned, slot_at
from tests.property.oracle import BalanceRow
from tests.property.world import CHANGES, PARTITIONS, minute

pytestmark = pytest.mark.stack
TOPICS = topics_of("test")


class Balancing:
    """A balancer, and a hand in the tables of collect."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._next = 0

    async def start(self, patience_s: float = PATIENCE_S) -> None:
        self.balancer = Balancer(TOPICS, rules_with(20), self._connect, patience_s)
        self._next = (await self.balancer.assign("log", [0]))[0]

    async def _connect(self) -> psycopg.AsyncConnection:
        return await connect_async(self.database.url)

    async def __call__(self, *changes: Any) -> None:
        """Changes come; bytes as they are."""
        raw = [change if isinstance(change, bytes) else CHANGE.dump_json(change) for change in changes]
        await self.balancer.process([(0, self._next + i, message) for i, message in enumerate(raw)])
        self._next += len(raw)

    def read(self, unit: str, start: int, wh: int, present: int = 1) -> PartialsChanged:
        """Something was read of a unit."""
        self.database.connection.execute(
            "insert into partial select %s, %s, dctu_id, node_id, %s, 9, 0 from dctu_key, node"
            " where dctu = 'DA' and kind = 'unit' and node = %s"
            " on conflict (ts, unit_id, dctu_id) do update set wh = excluded.wh, present = excluded.present",
            [minute(start), wh, present, unit],
        )
        self.database.connection.commit()
        return PartialsChanged(units={minute(start): [unit]})

    def watch(self, minutes: float, *partitions: int) -> TimePassed:
        """Partitions (none: all) have processed a tick."""
        for partition in partitions or range(PARTITIONS):
            self.database.connection.execute(
                "insert into ingest_offset (agent, topic, partition, topic_id, next_off, epoch, watched_until)"
                " values ('collect', %s, %s, 'log', 0, 1, %s)"
                " on conflict (agent, topic, partition) do update set watched_until = excluded.watched_until",
                [TOPICS.frames, partition, minute(minutes)],
            )
        self.database.connection.commit()
        return TimePassed(partition=0, until=minute(minutes))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        found = self.database.connection.execute(query.encode()).fetchall()
        self.database.connection.commit()
        return found

    def send(self) -> list[bytes]:
        """Take from the outbox what stands there for balance itself."""
        found = self.rows("delete from outbox returning topic, message")
        return [bytes(message) for topic, message in found if topic == TOPICS.changes]

    def waiting(self) -> int:
        """Intervals that wait to be computed anew."""
        [(slots,)] = self.rows("select coalesce(sum(extract(epoch from to_ts - from_ts) / 900), 0)::int from recompute")
        return int(slots)

    def units(self) -> dict[tuple[str, int], BalanceRow]:
        return {
            (node, slot): row for (kind, node, slot), row in self.database.tables().balance.items() if kind == "unit"
        }

    def events(self) -> list[dict[str, Any]]:
        found = self.rows(f"select message from outbox where topic = '{TOPICS.events}' order by outbox_id")
        # Those of time come with every watch.
        return [event for (message,) in found if (event := json.loads(message))["kind"] != "time"]


@pytest_asyncio.fixture
async def balance(database: Database) -> AsyncIterator[Balancing]:
    made = Balancing(database)
    await made.start()
    yield made
    await made.balancer.close()


async def test_what_changes_name_is_recomputed_with_every_node_above(balance: Balancing) -> None:
    await balance(balance.read("UG", 0, 700))
    found = balance.database.tables().balance
    assert {key[:2] for key in found} == {
        ("unit", "UG"), ("facility", "F"), ("entity", "K"), ("provider", "K"), ("hub", "H1"), ("region", "R1"),
        ("branch", "B1"), ("zone", "NS"), ("system", "system"),
    }  # fmt: skip
    assert {row.gen_fact_wh for row in found.values()} == {700}
    assert not any(row.closed for row in found.values())


async def test_the_same_change_again_tells_nobody(balance: Balancing) -> None:
    change = balance.read("UG", 0, 700)
    balance.watch(20)
    await balance(change)
    before = balance.events()
    await balance(change, change)
    assert balance.events() == before


async def test_an_interval_closes_when_every_partition_has_passed_its_deadline(balance: Balancing) -> None:
    await balance(balance.watch(20, 0))
    assert balance.units() == {}
    await balance(balance.watch(19, 1))
    assert balance.units() == {}
    await balance(balance.watch(20, 1))
    assert set(balance.units()) == {(unit, slot_at(0)) for unit in ("UG", "UC", "UE", "UX")}
    assert all(row.closed for row in balance.units().values())


@pytest.mark.parametrize("ticks", [[20], [1, 20], [-10, 1, 20]], ids=str)
async def test_what_was_before_the_registration_closes_too_however_the_ticks_come(
    balance: Balancing, ticks: list[int]
) -> None:
    await balance(balance.read("UG", -15, 700))
    for minutes in ticks:
        await balance(balance.watch(minutes))
    assert balance.units()["UG", slot_at(-15)].closed


async def test_silent_nodes_have_rows_from_their_registration(balance: Balancing) -> None:
    await balance(balance.watch(65))
    assert {slot for _, slot in balance.units()} == {slot_at(start) for start in (0, 15, 30, 45)}
    assert balance.units()["UX", slot_at(0)] == BalanceRow(0, 0, None, True, None, None, None, 0, None, None, 0)


async def test_what_is_closed_in_one_batch_after_a_week_is_what_tick_by_tick_closes(balance: Balancing) -> None:
    # More than one chunk of a day.
    await balance(balance.read("UG", 7 * 24 * 60, 5), balance.watch(7 * 24 * 60 + 20))
    units = balance.units()
    assert len(units) == 4 * (7 * 96 + 1)
    assert units["UG", slot_at(7 * 24 * 60)].gen_fact_wh == 5
    newest = [event for event in balance.events() if event["newest"]]
    assert {event["start"] for event in newest} == {f"{minute(7 * 24 * 60):%Y-%m-%dT%H:%M:%SZ}"}


async def test_a_plan_reaches_what_is_there_already(balance: Balancing) -> None:
    await balance(balance.watch(35))
    balance.database.import_plan(Planned("UG", 0, 1, 4003))
    balance.database.import_plan(Planned("UG", 0, 3, 4007))
    balance.database.import_plan(Planned("UG", 0, 2, 0))
    change = ScheduleChanged(units=["UG"], first_hour=minute(0), last_hour=minute(0))
    await balance(change)
    assert [balance.units()["UG", slot_at(start)][2:6] for start in (0, 15)] == [(3, True, 1002, 0), (3, True, 1002, 0)]
    assert ("UG", slot_at(30)) not in balance.units()


async def test_a_plan_for_a_century_is_taken_in_without_a_century_in_memory(balance: Balancing) -> None:
    await balance(balance.watch(20))
    balance.database.import_plan(Planned("UG", 0, 1, 4000))
    change = ScheduleChanged(
        units=["UG", "UC"], first_hour=datetime(2000, 1, 1, tzinfo=UTC), last_hour=datetime(2099, 12, 31, tzinfo=UTC)
    )
    tracemalloc.start()
    await balance(change)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert balance.units()["UG", slot_at(0)].gen_plan_wh == 1000
    assert most < 32 * 2**20


async def test_a_long_plan_is_worked_off_between_the_messages_that_follow(balance: Balancing) -> None:
    await balance.balancer.close()
    await balance.start(patience_s=0)
    month = -30 * 24 * 60
    await balance(balance.read("UG", month, 700), balance.watch(20))
    balance.database.import_plan(Planned("UG", month // 60, 1, 4000))
    balance.database.import_plan(Planned("UG", 0, 1, 4000))
    balance.send()
    await balance(ScheduleChanged(units=["UG"], first_hour=minute(month), last_hour=minute(0)))
    pieces = 0
    while wakes := balance.send():
        assert len(wakes) == 1
        before = balance.waiting()
        # What comes meanwhile is not kept waiting.
        await balance(*wakes, balance.read("UC", 15, 100 + pieces))
        assert balance.units()["UC", slot_at(15)].cons_fact_wh == 100 + pieces
        assert before - balance.waiting() == min(before, CHUNK)
        # The present comes first.
        assert balance.units()["UG", slot_at(0)].gen_plan_wh == 1000
        pieces += 1
    # The last finds nothing.
    assert pieces == 32
    units = balance.units()
    assert [units["UG", slot_at(start)].gen_plan_wh for start in (month, 0)] == [1000, 1000]


async def test_a_plan_of_the_running_hour_reaches_its_projection(balance: Balancing) -> None:
    await balance(balance.watch(7))
    balance.database.import_plan(Planned("UG", 0, 1, 4000))
    await balance(ScheduleChanged(units=["UG"], first_hour=minute(0), last_hour=minute(0)))
    assert balance.rows("select hour_gen_naive_wh from v_node_now where node = 'UG'") == [(4000,)]


@pytest.mark.parametrize("change", [b"", b"garbage", b'{"kind":"other"}', b'{"kind":"partials","units":{"x":["UG"]}}'])
async def test_a_change_that_cannot_be_read_is_passed_over(balance: Balancing, change: bytes) -> None:
    await balance(change, balance.read("UG", 0, 700), change)
    assert balance.units()["UG", slot_at(0)].gen_fact_wh == 700
    assert balance.rows("select next_off from ingest_offset where agent = 'balance'") == [(3,)]


async def test_units_that_nobody_knows_are_passed_over(balance: Balancing) -> None:
    await balance(PartialsChanged(units={minute(0): ["NOBODY"]}), balance.read("UG", 0, 1))
    assert set(balance.units()) == {("UG", slot_at(0))}


async def test_events_tell_what_closed_and_what_changed_after_it(balance: Balancing) -> None:
    balance.database.import_plan(Planned("UG", 0, 1, 4000))
    await balance(balance.read("UG", 0, 700))
    assert balance.events() == []
    await balance(balance.watch(35))
    closed = {event["start"]: event for event in balance.events()}
    assert {start: event["newest"] for start, event in closed.items()} == {
        "2026-03-02T00:00:00Z": False, "2026-03-02T00:15:00Z": True,
    }  # fmt: skip
    first = closed["2026-03-02T00:00:00Z"]
    place = first["node"].index("UG")
    assert (first["node_kind"][place], first["imbalance_wh"][place], first["completeness"][place]) == (
        "unit",
        300,
        1 / 2,
    )
    await balance(balance.read("UG", 0, 900))
    late = balance.events()[-1]
    assert (late["start"], late["newest"], set(late["node"])) == (
        "2026-03-02T00:00:00Z", False, {"UG", "F", "K", "H1", "R1", "B1", "NS", "system"},
    )  # fmt: skip


async def test_a_correction_that_changes_nothing_above_tells_nothing(balance: Balancing) -> None:
    await balance(balance.read("UG", 0, 700), balance.watch(20))
    before = len(balance.events())
    await balance(balance.read("UG", 0, 700))
    assert len(balance.events()) == before


async def test_other_master_data_recompute_what_they_touch(balance: Balancing) -> None:
    # The facility of UC goes to another zone and entity from 01:45 on.
    await balance(balance.read("UC", 90, 5), balance.read("UC", 105, 7), balance.watch(125))
    balance.database.import_registry(CHANGES[2])
    await balance(RegistryChanged(version=0))
    found = balance.database.tables().balance
    assert (found["zone", "W", slot_at(90)].cons_fact_wh, found["zone", "NS", slot_at(90)].cons_fact_wh) == (5, None)
    assert found["zone", "NS", slot_at(105)].cons_fact_wh == 7
    assert ("zone", "W", slot_at(105)) not in found
    assert balance.rows("select * from recompute") == []


async def test_who_lost_its_partition_writes_nothing(balance: Balancing) -> None:
    other = Balancing(balance.database)
    await other.start()
    await balance(balance.read("UG", 0, 700), balance.watch(20))
    assert balance.units() == {}
    await other(balance.read("UG", 0, 700))
    assert balance.units()["UG", slot_at(0)].gen_fact_wh == 700
    await other.balancer.close()


async def test_what_a_lost_log_may_have_told_is_all_recomputed(balance: Balancing) -> None:
    balance.read("UG", 0, 700)
    balance.read("UC", 15, 5)
    assert await balance.balancer.assign("another log", [0]) == {0: 0}
    wake = balance.rows(f"select message from outbox where topic = '{TOPICS.changes}'")
    await balance(*(bytes(message) for (message,) in wake))
    assert {key: (row.gen_fact_wh, row.cons_fact_wh) for key, row in balance.units().items()} == {
        ("UG", slot_at(0)): (700, None), ("UC", slot_at(15)): (None, 5),
    }  # fmt: skip


async def test_what_the_lost_end_of_a_log_may_have_told_is_all_recomputed(balance: Balancing) -> None:
    await balance(balance.watch(7), balance.watch(8))
    balance.read("UG", 0, 700)
    assert await balance.balancer.assign("log", [0], {0: 1}) == {0: 1}
    assert balance.waiting() > 0
    assert len(balance.send()) == 1


async def test_now_follows_the_newest_closed_interval_of_the_running_hour(balance: Balancing) -> None:
    balance.database.import_plan(Planned("UG", 0, 1, 4000))
    columns = "now, ts, gen_fact_wh, hour, closed_intervals, hour_gen_fact_wh, hour_gen_naive_wh, hour_gen_persist_wh"
    now = f"select {columns} from v_node_now where node_kind = 'unit' and node = 'UG'"
    await balance(balance.read("UG", 0, 700), balance.watch(20))
    assert balance.rows(now) == [(minute(20), minute(0), 700, minute(0), 1, 700, 3700, 700 + 2100)]
    await balance(balance.read("UG", 0, 800))
    assert balance.rows(now)[0][2:] == (800, minute(0), 1, 800, 3800, 800 + 2400)
    await balance(balance.watch(61))
    assert balance.rows(now)[0][:5] == (minute(61), minute(30), 0, minute(60), 0)
    assert balance.rows("select count(*) from v_node_now") == balance.rows("select count(*) from node")


async def test_the_live_state_is_all_at_first_and_then_what_changed(balance: Balancing) -> None:
    await balance(balance.watch(20))
    states = balance.balancer.take_states()
    assert set(states) == {"unit", "facility", "entity", "provider", "hub", "region", "branch", "zone", "system"}
    assert balance.balancer.take_states() == {}
    await balance(balance.read("UG", 0, 700))
    states = balance.balancer.take_states()
    assert set(states["unit"]) == {"UG"}
    assert states["system"]["system"]["gen_fact_wh"] == 700


async def test_the_archive_says_the_same_state(balance: Balancing) -> None:
    balance.database.import_plan(Planned("UG", 0, 1, 4000))
    await balance(balance.read("UG", 0, 700), balance.watch(20))
    async with await connect_async(balance.database.url) as connection:
        rows, names = await node_now.read_all(connection)
    assert states_of(names, rows) == balance.balancer.take_states()


async def test_history_handed_over_before_the_first_registration_has_rows_where_it_was_read(balance: Balancing) -> None:
    await balance(balance.read("UG", -60, 5), balance.watch(20))
    units = balance.units()
    assert units["UG", slot_of(minute(-60))].closed
    assert {slot for _, slot in units} == {slot_of(minute(-60)), slot_at(0)}
    assert slot_start(slot_at(0)) == minute(0)
