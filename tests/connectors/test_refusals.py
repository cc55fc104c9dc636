"""Tests of connectors.refusals."""

from dataclasses import replace
from typing import Any

import psycopg
import pytest

from connectors.refusals import Refusal, write_refusals
from schemas.rules import Rule
from schemas.time import to_us
from tests.property.world import minute

READING = Refusal(
    Rule.NEGATIVE, "-1 Wh is below zero", to_us(minute(20)), b"the frame", "DA", "M1/01", "2026-03-02T00:00:00+00:00", "-1",
    "0", "2026-03-02T00:15:00+00:00", 7,
)  # fmt: skip
WHOLE = Refusal(Rule.MALFORMED, "no frame", None, b"garbage")


@pytest.mark.parametrize(
    "changed",
    [
        {"rule": Rule.OVER_MAX}, {"dctu": "DB"}, {"channel": "M1/02"}, {"start": "2026-03-02T00:15:00+00:00"},
        {"wh": "-2"}, {"wh": None}, {"status": "1"}, {"sent_at": "2026-03-02T00:16:00+00:00"}, {"seq": 8},
    ],
)  # fmt: skip
def test_another_reading_is_another_refusal(changed: dict[str, Any]) -> None:
    assert replace(READING, **changed).digest != READING.digest


@pytest.mark.parametrize("changed", [{"message": b"another"}, {"received_us": 1}, {"detail": "in other words"}])
def test_the_same_reading_in_another_frame_is_the_same_refusal(changed: dict[str, Any]) -> None:
    assert replace(READING, **changed).digest == READING.digest


def test_another_message_is_another_refusal() -> None:
    assert replace(WHOLE, message=b"other garbage").digest != WHOLE.digest
    assert replace(WHOLE, rule=Rule.POISON).digest != WHOLE.digest
    assert replace(WHOLE, detail="in other words", received_us=5).digest == WHOLE.digest


async def fetch(cursor: psycopg.AsyncCursor, query: str) -> list[tuple[Any, ...]]:
    await cursor.execute(query.encode())
    return await cursor.fetchall()


@pytest.mark.stack
async def test_a_refusal_stands_with_its_texts_and_its_message(cursor: psycopg.AsyncCursor) -> None:
    await write_refusals(cursor, [READING, WHOLE])
    columns = "received_at, rule, detail, dctu, channel, start, wh, status, sent_at, seq"
    found = await fetch(cursor, f"select {columns} from quarantine order by rule desc")
    assert found[0] == (
        minute(20), "NEGATIVE", "-1 Wh is below zero", "DA", "M1/01", "2026-03-02T00:00:00+00:00", "-1", "0",
        "2026-03-02T00:15:00+00:00", 7,
    )  # fmt: skip
    assert found[1][1:] == ("MALFORMED", "no frame", *[None] * 7)
    assert found[1][0] is not None
    messages = await fetch(
        cursor, "select message from quarantine join quarantine_frame f on f.digest = frame_digest order by 1"
    )
    assert messages == [(b"garbage",), (b"the frame",)]


@pytest.mark.stack
async def test_the_same_refusal_stands_once_as_it_first_came(cursor: psycopg.AsyncCursor) -> None:
    await write_refusals(cursor, [READING, replace(READING, detail="second")])
    await write_refusals(cursor, [replace(READING, detail="third", message=b"another"), WHOLE])
    await write_refusals(cursor, [WHOLE])
    assert await fetch(cursor, "select detail from quarantine order by 1") == [("-1 Wh is below zero",), ("no frame",)]
    assert await fetch(cursor, "select count(*) from quarantine_frame") == [(2,)]


@pytest.mark.stack
async def test_a_refusal_that_comes_again_waits_again(cursor: psycopg.AsyncCursor) -> None:
    await write_refusals(cursor, [READING, WHOLE])
    await cursor.execute("update quarantine set replayed_at = now()")
    await write_refusals(cursor, [READING])
    assert await fetch(cursor, "select rule, replayed_at is null from quarantine order by 1") == [
        ("MALFORMED", False), ("NEGATIVE", True),
    ]  # fmt: skip


@pytest.mark.stack
async def test_refusals_of_one_message_keep_it_once(cursor: psycopg.AsyncCursor) -> None:
    await write_refusals(cursor, [replace(READING, seq=seq) for seq in range(20)])
    assert await fetch(cursor, "select count(*), count(distinct frame_digest) from quarantine") == [(20, 1)]
    assert await fetch(cursor, "select message from quarantine_frame") == [(b"the frame",)]


@pytest.mark.stack
async def test_many_refusals_of_a_large_message_take_time_by_their_number(cursor: psycopg.AsyncCursor) -> None:
    # Were the message digested for each of them, this would take minutes.
    large = bytes(8 * 2**20)
    await write_refusals(cursor, [replace(READING, seq=seq, message=large) for seq in range(5000)])
    assert await fetch(cursor, "select count(*) from quarantine") == [(5000,)]


@pytest.mark.stack
@pytest.mark.parametrize("field", ["detail", "dctu", "channel"])
async def test_a_nul_which_no_text_of_the_database_can_hold_is_replaced(
    cursor: psycopg.AsyncCursor, field: str
) -> None:
    given: dict[str, Any] = {field: "a\0b"}
    refused = replace(READING, message=b"\0", **given)
    await write_refusals(cursor, [refused])
    assert await fetch(cursor, f"select {field} from quarantine") == [("a\ufffdb",)]
    assert await fetch(cursor, "select message from quarantine_frame") == [(b"\0",)]


@pytest.mark.stack
async def test_nothing_refused_is_nothing_written(cursor: psycopg.AsyncCursor) -> None:
    await write_refusals(cursor, [])
    assert await fetch(cursor, "select * from quarantine") == []
