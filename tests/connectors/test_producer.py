"""Tests of connectors.producer."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from connectors import producer as module
from connectors.kafka import KafkaError, NoTopicError, delete_topics, ensure_topics
from connectors.producer import Producer, encode_frame, encode_tick
from infra.stack.stack import Addresses
from schemas.frame import Frame, Slice, Tick
from schemas.partitioning import partition_of
from schemas.topics import topics_of
from tests.messages import messages_of

ALMATY = timezone(timedelta(hours=5))
PARTITIONS = 4


def a_frame(dctu: str = "D0001", seq: int = 7, channels: int = 2) -> Frame:
    codes = [f"E{number:04}/01" for number in range(channels)]
    part = Slice(
        start=datetime(2026, 3, 1, 5, 0, tzinfo=ALMATY),
        channels=codes,
        wh=[None, *range(1, channels)],
        status=[1] + [0] * (channels - 1),
    )
    return Frame(dctu=dctu, seq=seq, sent_at=datetime(2026, 3, 1, 5, 15, 1, 250_000, tzinfo=ALMATY), slices=[part])


@pytest.fixture
def producer(stack: Addresses, space: str) -> Iterator[Producer]:
    ensure_topics(stack.kafka, space, PARTITIONS)
    with Producer(stack.kafka, space) as producer:
        yield producer
    delete_topics(stack.kafka, space)


def test_a_frame_is_columns_in_utc() -> None:
    assert json.loads(encode_frame(a_frame())) == {
        "dctu": "D0001",
        "seq": 7,
        "sent_at": "2026-03-01T00:15:01.250000Z",
        "slices": [
            {
                "start": "2026-03-01T00:00:00Z",
                "channels": ["E0000/01", "E0001/01"],
                "wh": [None, 1],
                "status": [1, 0],
            }
        ],
    }


def test_what_is_encoded_reads_as_the_same_frame() -> None:
    frame = a_frame(channels=100)
    assert Frame.model_validate_json(encode_frame(frame), strict=True) == frame


def test_a_tick_is_the_time_in_utc() -> None:
    message = encode_tick(datetime(2026, 3, 1, 5, 0, tzinfo=ALMATY))
    assert message == b'{"now":"2026-03-01T00:00:00Z"}'
    assert Tick.model_validate_json(message).now == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.stack
def test_a_frame_goes_to_the_partition_of_its_dctu_in_order(producer: Producer, stack: Addresses, space: str) -> None:
    dctus = [f"D{number:04}" for number in range(20)]
    for seq in range(3):
        for dctu in dctus:
            producer.send_frame(a_frame(dctu, seq))
    producer.flush()
    found = messages_of(stack.kafka, topics_of(space).frames)
    for dctu in dctus:
        own = [message for message in found if message.key == dctu.encode()]
        assert {message.partition for message in own} == {partition_of(dctu, PARTITIONS)}
        assert [json.loads(message.value)["seq"] for message in own] == [0, 1, 2]


@pytest.mark.stack
def test_bytes_go_as_they_are(producer: Producer, stack: Addresses, space: str) -> None:
    producer.send_raw("D0001", b"\x00 not a frame \xff")
    producer.flush()
    (message,) = messages_of(stack.kafka, topics_of(space).frames)
    assert message == (partition_of("D0001", PARTITIONS), b"D0001", b"\x00 not a frame \xff")


@pytest.mark.stack
def test_a_tick_goes_to_every_partition(producer: Producer, stack: Addresses, space: str) -> None:
    producer.send_tick(datetime(2026, 3, 1, tzinfo=UTC))
    producer.flush()
    found = messages_of(stack.kafka, topics_of(space).frames)
    assert [message.partition for message in found] == list(range(PARTITIONS))
    assert {message.value for message in found} == {b'{"now":"2026-03-01T00:00:00Z"}'}


@pytest.mark.stack
def test_more_than_may_wait_for_the_broker_is_sent_all_the_same(
    producer: Producer, stack: Addresses, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNACKNOWLEDGED_BYTES", 10_000)
    for number in range(200):
        producer.send_raw("D0001", number.to_bytes(1_000))
    producer.flush()
    found = messages_of(stack.kafka, topics_of(space).frames)
    assert [int.from_bytes(message.value) for message in found] == list(range(200))


@pytest.mark.stack
def test_a_message_that_kafka_does_not_take_is_refused(producer: Producer) -> None:
    with pytest.raises(KafkaError, match=r"a message of 9000000 bytes is more than Kafka takes \(8388608\)"):
        producer.send_raw("D0001", bytes(9_000_000))


@pytest.mark.stack
def test_the_largest_message_is_taken(producer: Producer, stack: Addresses, space: str) -> None:
    producer.send_raw("D0001", bytes(8 * 2**20 - 1_000))
    producer.flush()
    assert [len(message.value) for message in messages_of(stack.kafka, topics_of(space).frames)] == [8 * 2**20 - 1_000]


@pytest.mark.stack
def test_without_topics_there_is_no_producer(stack: Addresses, space: str) -> None:
    with pytest.raises(NoTopicError):
        Producer(stack.kafka, space)
