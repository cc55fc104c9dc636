"""Tests of streams.collect, with the real database."""

import json
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from connectors.database import connect_async
from schemas.time import slot_of
from schemas.topics import topics_of
from streams.collect import Collector
from tests.property.core import rules_with
from tests.property.database import Database
from tests.property.histories import Reading, Sending, encode, slot_at, tick
from tests.property.world import CHANGES, Import, Row, minute

pytestmark = pytest.mark.stack
TOPICS = topics_of("test")
GOOD = Reading(0, "M1/01", 5, 0)


class Collecting:
    """A collector with its place in every partition."""

    def __init__(self, database: Database, ring: int = 20) -> None:
        self._url = database.url
        self._ring = ring
        self._next = {0: 0, 1: 0}
        self._make()

    def _make(self) -> None:
        self.collector = Collector(TOPICS, rules_with(self._ring), self._connect)

    async def _connect(self) -> psycopg.AsyncConnection:
        return await connect_async(self._url)

    async def restart(self) -> None:
        await self.collector.close()
        self._make()
        self._next = await self.collector.assign("log", [0, 1])

    async def __call__(self, *messages: bytes, partition: int = 0) -> None:
        first = self._next[partition]
        await self.collector.process([(partition, first + i, message) for i, message in enumerate(messages)])
        self._next[partition] += len(messages)


@pytest_asyncio.fixture
async def collect(database: Database) -> AsyncIterator[Collecting]:
    made = Collecting(database)
    await made.restart()
    yield made
    await made.collector.close()


def frame(*readings: Reading, dctu: str = "DA", seq: int = 1, sent: int = 0) -> bytes:
    sent = sent or max((reading.start for reading in readings), default=0) + 15
    return encode(Sending(dctu, seq, sent, readings), Random(0))


def all_of(dctu: str, start: int, *, seq: int = 1, sent: int = 0) -> bytes:
    """Everything that a DCTU has to say of one of the first intervals of the history."""
    channels = {"DA": ["M1/01", "M1/02", "M2/01", "M2/03", "M5/01"], "DB": ["M3/01", "M3/02"]}[dctu]
    return frame(*(Reading(start, channel, 5, 0) for channel in channels), dctu=dctu, seq=seq, sent=sent)


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    found = database.connection.execute(query.encode()).fetchall()
    database.connection.commit()
    return found


def letters(database: Database, topic: str, kind: str | None = None) -> list[dict[str, Any]]:
    found = rows(database, f"select message from outbox where topic = '{topic}' order by outbox_id")
    said = [json.loads(message) for (message,) in found]
    return [one for one in said if kind in (None, one.get("kind"))]


async def test_a_frame_becomes_readings_and_partial_sums(database: Database, collect: Collecting) -> None:
    await collect(tick(14), all_of("DA", 0))
    assert sorted(rows(database, "select emc, code, wh, quality, received_at from v_reading where wh > 0")) == [
        (emc, code, 5, 4, minute(14))
        for emc, code in (("M1", "01"), ("M1", "02"), ("M2", "01"), ("M2", "03"), ("M5", "01"))
    ]
    assert database.tables().partial == {
        (slot_at(0), "DA", "UG"): (0, 2, 2), (slot_at(0), "DA", "UC"): (10, 2, 2), (slot_at(0), "DA", ""): (0, 1, 1),
    }  # fmt: skip


async def test_what_changed_is_told_by_unit_and_interval_and_time_by_partition(
    database: Database, collect: Collecting
) -> None:
    await collect(tick(14), all_of("DA", 0), tick(15), tick(16))
    changes = letters(database, TOPICS.changes)
    assert changes[0] == {"kind": "partials", "units": {"2026-03-02T00:00:00Z": ["UC", "UG"]}}
    assert changes[1:] == [{"kind": "time", "partition": 0, "until": "2026-03-02T00:16:00Z"}]
    await collect(tick(16.5))
    assert letters(database, TOPICS.changes) == changes
    await collect(tick(17))
    assert letters(database, TOPICS.changes) == [*changes, changes[-1] | {"until": "2026-03-02T00:17:00Z"}]


async def test_a_frame_that_brings_nothing_new_tells_nobody(database: Database, collect: Collecting) -> None:
    await collect(tick(14), all_of("DA", 0))
    before = letters(database, TOPICS.changes)
    await collect(all_of("DA", 0))
    assert letters(database, TOPICS.changes) == before


async def test_every_outcome_is_counted_exactly(database: Database, collect: Collecting) -> None:
    await collect(
        tick(14), tick(14), frame(GOOD, GOOD._replace(channel="M2/01"), GOOD._replace(channel="NO/01")), b"garbage",
        frame(GOOD._replace(wh=6), seq=2), frame(GOOD), frame(GOOD._replace(channel="M2/03", wh=None, status=1)),
        frame(Reading(0, "M4/01", 5, 0), dctu="DC"),
    )  # fmt: skip
    await collect(frame(GOOD), frame(GOOD._replace(wh=6), seq=2))
    assert dict(rows(database, "select outcome, n from tally where partition = 0")) == {
        "ticks": 2, "frames": 7, "forwarded": 1, "new": 2, "revised": 1, "duplicate": 3, "declared": 1, "UNKNOWN": 1,
        "MALFORMED": 1,
    }  # fmt: skip


async def test_the_very_first_message_may_be_garbage(database: Database, collect: Collecting) -> None:
    await collect(b"garbage")
    assert rows(database, "select rule, detail from v_quarantine") == [
        ("MALFORMED", "Invalid JSON: expected value at line 1 column 1")
    ]


ODD = [
    b"", b"\0", b"garbage", b'{"dctu":"DA"}', b"[" * 100_000, frame(GOOD)[:-1],
    frame(GOOD).replace(b"M1/01", b"\xff"), frame(GOOD).replace(b'["M1/01"]', b"[" * 9999 + b"]" * 9999),
    frame(GOOD).replace(b"M1/01", b"\\u0000"), frame(GOOD).replace(b'"DA"', b'"D\\u0000"'),
    frame(GOOD).replace(b'"seq"', b'"\\u0000":1,"seq"'), frame(GOOD).replace(b"2026", b"0001"),
    frame(GOOD).replace(b"2026", b"9999"), frame(GOOD).replace(b'"status":[0]', b'"status":[-9223372036854775808]'),
    frame(GOOD._replace(wh=-(2**63))), frame(GOOD._replace(wh=2**63 - 1)), frame(GOOD._replace(wh=None)),
    frame(GOOD._replace(channel="")), frame(GOOD._replace(channel="M1/01" * 9999)), frame(GOOD, dctu="\U0001f600" * 64),
    frame(GOOD, dctu="now"), frame(GOOD, seq=2**63 - 1), frame(), b'{"now":"9999-12-31T23:59:59-05:00"}',
    b'{"now":"1970-01-01T00:00:00Z"}',
]  # fmt: skip


async def test_whatever_comes_what_is_good_is_kept_and_nothing_dies(database: Database, collect: Collecting) -> None:
    await collect(tick(20), *ODD, all_of("DA", 0))
    await collect(*ODD)
    assert len(rows(database, "select wh from reading")) == 5
    assert {rule for (rule,) in rows(database, "select distinct rule from quarantine")} == {
        "MALFORMED", "UNKNOWN", "STATUS", "NEGATIVE", "OVER_MAX", "EMPTY", "FUTURE", "GRID",
    }  # fmt: skip
    kept = {bytes(message) for (message,) in rows(database, "select message from quarantine_frame")}
    assert kept <= {*ODD}
    assert b"garbage" in kept
    assert rows(database, "select digest from quarantine group by digest having count(*) > 1") == []


async def test_a_nul_in_a_name_is_shown_as_a_replacement(database: Database, collect: Collecting) -> None:
    await collect(frame(GOOD).replace(b"M1/01", b"M\\u0000"))
    assert rows(database, "select channel, detail from v_quarantine") == [
        ("M\ufffd", "channel M\ufffd is not in the master data")
    ]


async def test_a_frame_in_a_wrong_partition_is_sent_to_the_right_one(database: Database, collect: Collecting) -> None:
    message = frame(Reading(0, "M4/01", 5, 0), dctu="DC")
    await collect(message)
    assert rows(database, "select topic, partition, key, message from outbox") == [(TOPICS.frames, 1, b"DC", message)]
    assert rows(database, "select * from reading") == []


async def test_two_values_of_one_frame_number_are_told_once(database: Database, collect: Collecting) -> None:
    await collect(tick(20), frame(GOOD), frame(GOOD._replace(wh=6)))
    await collect(frame(GOOD), frame(GOOD._replace(wh=6)))
    assert letters(database, TOPICS.events, "conflict") == [
        {
            "kind": "conflict", "dctu": "DA", "channel": "M1/01", "start": "2026-03-02T00:00:00Z",
            "sent_at": "2026-03-02T00:15:00Z", "seq": 1,
        }
    ]  # fmt: skip
    assert rows(database, "select rule, dctu, channel, wh from v_quarantine") == [("CONFLICT", "DA", "M1/01", None)]
    assert rows(database, "select wh, revision from reading") == [(6, 1)]


async def test_a_conflict_is_of_the_dctu_that_had_the_channel_then(database: Database, collect: Collecting) -> None:
    # M5/01 is of DA until 01:30 and of DC from then on; frames of both have the same number and instant.
    moved = Reading(75, "M5/01", 5, 0)
    message = frame(Reading(90, "M5/01", 5, 0), dctu="DC", sent=105)
    await collect.collector.process(
        [(0, 0, frame(moved, sent=105)), (0, 1, frame(moved._replace(wh=6), sent=105)), (1, 0, message)]
    )
    assert rows(database, "select rule, dctu from v_quarantine") == [("CONFLICT", "DA")]


async def test_silence_opens_a_gap_extends_it_and_heals_it_late(database: Database, collect: Collecting) -> None:
    await collect(tick(14), all_of("DA", 0), tick(20))
    await collect(tick(29), all_of("DA", 15), tick(35))
    await collect(tick(50))
    await collect(all_of("DB", 0), all_of("DB", 15), tick(55), all_of("DB", 30))
    assert sorted(
        (event["dctu"], event["at"][11:16], event["change"], event["first_start"][11:16], event["last_end"][11:16])
        for event in letters(database, TOPICS.events, "gap")
    ) == [
        ("DA", "00:50", "opened", "00:30", "00:45"),
        ("DB", "00:20", "opened", "00:00", "00:15"),
        ("DB", "00:35", "extended", "00:00", "00:30"),
        ("DB", "00:50", "extended", "00:00", "00:45"),
        ("DB", "00:55", "healed", "00:00", "00:45"),
    ]
    assert rows(database, "select dctu, channels, healed_at, late_by, declared from v_gap where dctu = 'DB'") == [
        ("DB", 2, minute(55), minute(55) - minute(15), False)
    ]


async def test_a_worker_that_was_away_opens_no_gap_for_what_waited(database: Database, collect: Collecting) -> None:
    await collect(tick(10))
    await collect.restart()
    backlog = []
    for start in range(0, 90, 15):
        backlog += [tick(start + 15), all_of("DA", start), all_of("DB", start), tick(start + 20)]
    await collect(*backlog)
    assert rows(database, "select * from gap") == []
    assert rows(database, "select sum(on_time), sum(present), sum(expected) from partial") == [(42, 42, 42)]


async def test_a_restart_goes_on_where_it_was(database: Database, collect: Collecting) -> None:
    await collect(tick(14), frame(GOOD), tick(20))
    await collect.restart()
    await collect(frame(GOOD), frame(GOOD._replace(wh=6), seq=2), all_of("DB", 0))
    assert rows(database, "select wh, revision from reading where revision > 0") == [(6, 1)]
    assert rows(database, "select count(*) from gap where healed_at is not null") == [(1,)]
    assert rows(database, "select n from tally where outcome = 'duplicate'") == [(1,)]


async def test_a_device_that_says_it_has_no_value_declares_its_gap(database: Database, collect: Collecting) -> None:
    await collect(
        tick(14), frame(GOOD._replace(wh=None, status=1)), frame(Reading(0, "M3/01", 5, 0), dctu="DB"), tick(20)
    )
    assert rows(database, "select dctu, channels, declared from v_gap order by 1") == [
        ("DA", 5, True),
        ("DB", 1, False),
    ]
    assert rows(database, "select emc, ts from declared_missing join channel_key using (channel_id)") == [
        ("M1", minute(0))
    ]


@pytest.mark.parametrize("first", [all_of("DB", 0), b"garbage", tick(1)])
async def test_other_master_data_are_read_before_the_next_batch(
    database: Database, collect: Collecting, first: bytes
) -> None:
    await collect(first)
    database.import_registry(CHANGES[0])
    await collect(tick(76), frame(Reading(60, "M1/02", 5, 0)))
    assert database.tables().partial[slot_at(60), "DA", "UC"][0] == -5


async def test_a_channel_that_was_unknown_is_accepted_once_it_is_imported(
    database: Database, collect: Collecting
) -> None:
    new = Reading(0, "NEW/01", 5, 0)
    await collect(frame(new))
    database.import_registry(Import(60, [Row("channels", "NEW,01,DA,UG,1,1")]))
    await collect(frame(new))
    assert rows(database, "select emc from v_reading") == [("NEW",)]
    database.connection.execute("delete from reading")
    database.connection.execute("delete from channel_key where emc = 'NEW'")
    database.connection.commit()


async def test_what_is_older_than_the_ring_is_summed_by_the_database(database: Database) -> None:
    collect = Collecting(database, ring=4)
    await collect.restart()
    await collect(tick(240), frame(GOOD, sent=230), frame(GOOD._replace(wh=7), sent=235), frame(GOOD, sent=238))
    assert database.tables().partial[slot_at(0), "DA", "UG"] == (5, 1, 2)
    assert rows(database, "select wh, revision from reading") == [(5, 2)]
    await collect.collector.close()


async def test_readings_of_a_sender_whose_clock_runs_ahead_do_not_move_the_matrix(
    database: Database, collect: Collecting
) -> None:
    await collect(tick(20), frame(Reading(15 * 4000, "M1/01", 5, 0)), all_of("DA", 0))
    assert [rule for (rule,) in rows(database, "select rule from quarantine")] == ["FUTURE"]
    assert {slot_of(ts) for (ts,) in rows(database, "select ts from reading")} == {slot_at(0)}


async def test_an_assignment_loads_nothing_and_a_batch_does(database: Database, collect: Collecting) -> None:
    await collect(all_of("DA", 0))
    assert collect.collector.matrix_bytes > 0
    await collect.collector.assign("log", [0, 1])
    assert collect.collector.matrix_bytes == 0
