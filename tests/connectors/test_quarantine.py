"""Tests of connectors.quarantine."""

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import LiteralString

import psycopg
import pytest

from connectors import quarantine
from connectors.database import connect, connect_async, create_database, drop_database, space_url
from connectors.kafka import KafkaError, delete_topics, ensure_topics
from connectors.migrations import migrate
from connectors.producer import Producer, encode_frame
from connectors.quarantine import (
    Choice,
    QuarantineError,
    Refused,
    Replayed,
    find,
    frames_of,
    message_of,
    replay,
    replay_mended,
)
from connectors.readings import UNKNOWN_DCTU, Owners
from connectors.refusals import Refusal, write_refusals
from infra.stack.stack import Addresses
from schemas.frame import Frame, Slice
from schemas.rules import Rule
from schemas.time import to_us
from schemas.topics import topics_of
from tests.messages import messages_of

START = datetime(2026, 3, 1, tzinfo=UTC)
SENT_AT = START + timedelta(minutes=16)
QUARTER = timedelta(minutes=15)


def a_frame(dctu: str = "D1", seq: int = 1, **readings: int) -> Frame:
    """Readings of one interval: name of the EMC, Wh."""
    part = Slice(
        start=START,
        channels=[f"{emc}/01" for emc in readings],
        wh=list(readings.values()),
        status=[0] * len(readings),
    )
    return Frame(dctu=dctu, seq=seq, sent_at=SENT_AT, slices=[part])


def refusals(frame: Frame, rule: Rule, received: datetime = SENT_AT) -> list[Refusal]:
    """Every reading of a frame, refused."""
    return [
        Refusal(
            rule, "why", to_us(received), encode_frame(frame), frame.dctu, channel, part.start.isoformat(),
            None if wh is None else str(wh), str(status), frame.sent_at.isoformat(), frame.seq,
        )
        for part in frame.slices
        for channel, wh, status in zip(part.channels, part.wh, part.status, strict=True)
    ]  # fmt: skip


class Ward:
    """A quarantine with its topic: what workers put in, and what replays send."""

    def __init__(self, kafka: str, space: str, url: str, archive: psycopg.Connection, producer: Producer) -> None:
        self.kafka, self.space, self.url = kafka, space, url
        self.archive, self.producer = archive, producer

    async def refuse(self, *rows: Refusal) -> list[int]:
        """Put refusals in, as workers do; gives the numbers of all that stand there now, by channel."""
        async with await connect_async(self.url) as connection, connection.cursor() as cursor:
            await write_refusals(cursor, rows)
        return self._numbers("select quarantine_id from quarantine order by channel")

    def replay(self, **choice: object) -> Replayed:
        return replay(self.archive, self.producer, Choice(**choice))  # type: ignore[arg-type]

    def sent(self) -> list[Frame]:
        """The frames on the topic."""
        found = messages_of(self.kafka, topics_of(self.space).frames)
        return [Frame.model_validate_json(message.value) for message in found]

    def marked(self) -> list[int]:
        """The numbers that are marked as replayed, by channel."""
        return self._numbers("select quarantine_id from quarantine where replayed_at is not null order by channel")

    def _numbers(self, query: LiteralString) -> list[int]:
        with connect(self.url) as connection:
            return [number for (number,) in connection.execute(query)]


@pytest.fixture(scope="module")
def url(stack: Addresses) -> Iterator[str]:
    """A database for all tests of this file: making one takes long."""
    url = space_url(stack.database, f"t{secrets.token_hex(6)}")
    create_database(url)
    with connect(url) as connection:
        migrate(connection)
    yield url
    drop_database(url)


@pytest.fixture
def ward(stack: Addresses, space: str, url: str) -> Iterator[Ward]:
    ensure_topics(stack.kafka, space, 2)
    with closing(connect(url)) as archive, Producer(stack.kafka, space) as producer:
        archive.execute("truncate quarantine, quarantine_frame")
        archive.commit()
        yield Ward(stack.kafka, space, url, archive, producer)
    delete_topics(stack.kafka, space)


def refused(number: int, channel: str, **changes: object) -> Refused:
    row = Refused(
        number, SENT_AT, "NEGATIVE", "D1", channel, START.isoformat(), "-5", "0", SENT_AT.isoformat(), 1, None, "why"
    )
    return row._replace(**changes)  # type: ignore[arg-type]


def test_refused_readings_go_as_the_frames_that_they_came_in() -> None:
    rows = [
        refused(1, "E1/01"),
        refused(2, "E2/01", wh=None, status="1"),
        refused(3, "E1/01", start=(START + QUARTER).isoformat(), wh="7", status="3"),
        refused(4, "E9/01", dctu="D2"),
        refused(5, "E1/01", seq=2),
    ]
    assert [
        (f.dctu, f.seq, f.sent_at, [(part.start, part.channels, part.wh, part.status) for part in f.slices])
        for f in frames_of(rows)
    ] == [
        ("D1", 1, SENT_AT, [(START, ["E1/01", "E2/01"], [-5, None], [0, 1]), (START + QUARTER, ["E1/01"], [7], [3])]),
        ("D1", 2, SENT_AT, [(START, ["E1/01"], [-5], [0])]),
        ("D2", 1, SENT_AT, [(START, ["E9/01"], [-5], [0])]),
    ]


def test_what_nobody_knew_goes_by_the_dctu_that_it_has_now() -> None:
    owners = Owners([("E1/01", "D7", START, START + QUARTER)])
    rows = [
        refused(1, "E1/01", dctu=UNKNOWN_DCTU),
        refused(2, "E1/01", dctu=UNKNOWN_DCTU, start=(START + QUARTER).isoformat()),
        refused(3, "E1/01", dctu="D1"),
    ]
    assert [frame.dctu for frame in frames_of(rows, owners)] == ["D1", "D7", UNKNOWN_DCTU]


@pytest.mark.stack
async def test_the_newest_are_found_first(ward: Ward) -> None:
    for minute in range(3):
        at = SENT_AT + timedelta(minutes=minute)
        await ward.refuse(*refusals(a_frame(seq=minute, E1=-1), Rule.NEGATIVE, at))
    assert [row.seq for row in find(ward.archive, Choice(), 10)] == [2, 1, 0]
    assert [row.seq for row in find(ward.archive, Choice(), 2)] == [2, 1]


@pytest.mark.stack
@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(rule=Rule.NEGATIVE), [1, 2]),
        (Choice(dctu="D2"), [2, 3]),
        (Choice(rule=Rule.NEGATIVE, dctu="D2"), [2]),
        (Choice(begin=SENT_AT + QUARTER), [3]),
        (Choice(end=SENT_AT + QUARTER), [1, 2]),
        (Choice(dctu="D3"), []),
    ],
)
async def test_a_choice_is_what_fits_all_of_it(ward: Ward, choice: Choice, expected: Sequence[int]) -> None:
    await ward.refuse(*refusals(a_frame("D1", 1, E1=-1), Rule.NEGATIVE))
    await ward.refuse(*refusals(a_frame("D2", 2, E2=-1), Rule.NEGATIVE))
    await ward.refuse(*refusals(a_frame("D2", 3, E2=10**9), Rule.OVER_MAX, SENT_AT + QUARTER))
    assert sorted(row.seq or 0 for row in find(ward.archive, choice, 10)) == expected


@pytest.mark.stack
async def test_the_message_is_kept_byte_for_byte(ward: Ward) -> None:
    message = b'{"dctu": "D1",\xff\x00\r\n'
    (number,) = await ward.refuse(Refusal(Rule.MALFORMED, "why", to_us(SENT_AT), message))
    assert message_of(ward.archive, number) == message


@pytest.mark.stack
async def test_readings_are_sent_again_as_they_came(ward: Ward) -> None:
    frame = a_frame(E1=-1, E2=-2)
    numbers = await ward.refuse(*refusals(frame, Rule.NEGATIVE))
    assert ward.replay(rule=Rule.NEGATIVE, waiting=True) == Replayed(readings=2)
    assert ward.sent() == [frame]
    assert ward.marked() == numbers


@pytest.mark.stack
async def test_numbers_pick_what_is_sent_again(ward: Ward) -> None:
    first, _ = await ward.refuse(*refusals(a_frame(E1=-1, E2=-2), Rule.NEGATIVE))
    assert ward.replay(ids=[first]) == Replayed(readings=1)
    assert ward.sent() == [a_frame(E1=-1)]
    assert ward.marked() == [first]


@pytest.mark.stack
async def test_a_whole_message_is_sent_once_as_its_bytes(ward: Ward) -> None:
    message = b"\x00 not a frame"
    await ward.refuse(
        Refusal(Rule.MALFORMED, "why", to_us(SENT_AT), message), Refusal(Rule.POISON, "why", to_us(SENT_AT), message)
    )
    assert ward.replay(waiting=True) == Replayed(messages=1)
    assert [found.value for found in messages_of(ward.kafka, topics_of(ward.space).frames)] == [message]


@pytest.mark.stack
async def test_a_conflict_is_left_alone(ward: Ward) -> None:
    await ward.refuse(*refusals(a_frame(E1=1), Rule.CONFLICT))
    assert ward.replay(waiting=True) == Replayed(conflicts=1)
    assert ward.sent() == []
    assert ward.marked() == []


@pytest.mark.stack
async def test_what_is_marked_waits_no_more_until_it_is_refused_again(ward: Ward) -> None:
    frame = a_frame(E1=-1)
    numbers = await ward.refuse(*refusals(frame, Rule.NEGATIVE))
    ward.replay(waiting=True)
    assert ward.replay(waiting=True) == Replayed()
    assert ward.replay(ids=numbers) == Replayed(readings=1)
    assert await ward.refuse(*refusals(frame, Rule.NEGATIVE)) == numbers
    assert ward.replay(waiting=True) == Replayed(readings=1)


@pytest.mark.stack
async def test_many_are_sent_in_steps(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "AT_ONCE", 3)
    readings = {f"E{number}": -1 for number in range(10)}
    await ward.refuse(*refusals(a_frame("D1", 1, **readings), Rule.NEGATIVE))
    assert ward.replay(waiting=True) == Replayed(readings=10)
    channels = [channel for frame in ward.sent() for channel in frame.slices[0].channels]
    assert sorted(channels) == [f"E{number}/01" for number in range(10)]
    assert len(ward.marked()) == 10


@pytest.mark.stack
async def test_a_number_that_is_not_there_is_named_and_nothing_is_sent(ward: Ward) -> None:
    (number,) = await ward.refuse(*refusals(a_frame(E1=-1), Rule.NEGATIVE))
    with pytest.raises(QuarantineError, match=f"nothing stands in quarantine under {number + 1}, {number + 2};"):
        ward.replay(ids=[number, number + 2, number + 1])
    with pytest.raises(QuarantineError, match=f"under {number + 1};"):
        message_of(ward.archive, number + 1)
    assert ward.sent() == []


@pytest.mark.stack
async def test_a_mended_message_stands_for_all_refusals_of_that_message(ward: Ward) -> None:
    other = await ward.refuse(*refusals(a_frame(seq=9, E1=-1), Rule.NEGATIVE))
    numbers = await ward.refuse(*refusals(a_frame(E1=-1, E2=-2), Rule.NEGATIVE))
    mended = json.dumps(json.loads(encode_frame(a_frame(E1=1, E2=2))), indent=2).encode()
    assert replay_mended(ward.archive, ward.producer, numbers[-1], mended) == Replayed(messages=1)
    assert [found.value for found in messages_of(ward.kafka, topics_of(ward.space).frames)] == [mended]
    assert sorted(ward.marked()) == sorted(set(numbers) - set(other))


@pytest.mark.stack
@pytest.mark.parametrize(
    ("mended", "problem"),
    [
        (b"", "as a whole: Invalid JSON"),
        (b'{"now": "2026-03-01T00:00:00Z"}', "dctu: Field required"),
        (
            b'{"dctu": "D1", "seq": 1, "sent_at": "2026-03-01T00:00:00", "slices": []}',
            "sent_at: Input should have time",
        ),
        (
            b'{"dctu": "D1", "seq": "1", "sent_at": "2026-03-01T00:00:00Z", "slices": []}',
            "seq: Input should be a valid",
        ),
    ],
)
async def test_what_is_still_no_frame_is_not_sent(ward: Ward, mended: bytes, problem: str) -> None:
    (number,) = await ward.refuse(Refusal(Rule.MALFORMED, "why", to_us(SENT_AT), b"{"))
    with pytest.raises(QuarantineError, match=rf"the mended message is not a frame \({problem}"):
        replay_mended(ward.archive, ward.producer, number, mended)
    assert ward.marked() == []


@pytest.mark.stack
async def test_what_kafka_did_not_take_is_not_marked(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    await ward.refuse(Refusal(Rule.MALFORMED, "why", to_us(SENT_AT), bytes(9_000_000)))
    with pytest.raises(KafkaError, match="more than Kafka takes"):
        ward.replay(waiting=True)
    ward.archive.rollback()
    assert ward.marked() == []
