"""Tests of connectors.kafka."""

from collections.abc import Iterator

import pytest

from connectors.kafka import (
    KafkaError,
    NoTopicError,
    begin_offsets,
    delete_topics,
    end_offsets,
    ensure_topics,
    group_members,
    partition_count,
    topic_ids,
)
from connectors.producer import Producer
from infra.stack.stack import Addresses
from schemas.topics import topics_of
from tests.messages import member


@pytest.fixture
def address(stack: Addresses, space: str) -> Iterator[str]:
    yield stack.kafka
    delete_topics(stack.kafka, space)


@pytest.mark.stack
def test_a_space_gets_its_topics(address: str, space: str) -> None:
    ensure_topics(address, space, 3)
    assert [partition_count(address, topic) for topic in topics_of(space)] == [3, 1, 1, 1]


@pytest.mark.stack
def test_topics_that_are_there_are_kept(address: str, space: str) -> None:
    ensure_topics(address, space, 3)
    before = topic_ids(address, topics_of(space))
    ensure_topics(address, space, 3)
    assert topic_ids(address, topics_of(space)) == before


@pytest.mark.stack
def test_another_number_of_partitions_is_refused_with_the_way_out(address: str, space: str) -> None:
    ensure_topics(address, space, 3)
    with pytest.raises(
        KafkaError, match=r"has 3 partitions, not 4: .*TENGERIM_PARTITIONS=3.*TENGERIM_SPACE.*`tengerim wipe`"
    ):
        ensure_topics(address, space, 4)
    assert partition_count(address, topics_of(space).frames) == 3


@pytest.mark.stack
def test_a_topic_made_anew_has_another_id(address: str, space: str) -> None:
    frames = topics_of(space).frames
    ensure_topics(address, space, 2)
    before = topic_ids(address, [frames])
    delete_topics(address, space)
    ensure_topics(address, space, 2)
    assert topic_ids(address, [frames]) != before


@pytest.mark.stack
def test_offsets_say_where_a_topic_begins_and_ends(address: str, space: str) -> None:
    frames = topics_of(space).frames
    ensure_topics(address, space, 2)
    assert end_offsets(address, frames) == {0: 0, 1: 0}
    with Producer(address, space) as producer:
        producer.send_raw("D1", b"one")
        producer.send_raw("D1", b"two")
    assert sorted(end_offsets(address, frames).values()) == [0, 2]
    assert begin_offsets(address, frames) == {0: 0, 1: 0}


@pytest.mark.stack
def test_a_missing_topic_is_named(stack: Addresses, space: str) -> None:
    frames = topics_of(space).frames
    for ask in (end_offsets, begin_offsets, partition_count):
        with pytest.raises(NoTopicError, match=f"has no topic {frames}; `tengerim worker`"):
            ask(stack.kafka, frames)
    with pytest.raises(NoTopicError):
        topic_ids(stack.kafka, [frames])


@pytest.mark.stack
def test_removing_what_is_not_there_is_no_error(stack: Addresses, space: str) -> None:
    delete_topics(stack.kafka, space)


@pytest.mark.stack
def test_the_members_of_a_group_are_counted(address: str, space: str) -> None:
    group = f"{space}.collect"
    assert group_members(address, group) == 0
    ensure_topics(address, space, 2)
    with member(address, topics_of(space).frames, group):
        assert group_members(address, group) == 1
    assert group_members(address, group) == 0


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1:1", "Connection refused"),
        ("127.0.0.1:1,127.0.0.1:2", "Connection refused"),
        ("nowhere.invalid:9092", "[A-Z].*"),
    ],
)
def test_a_broker_that_is_not_there_is_one_sentence(address: str, why: str) -> None:
    with pytest.raises(KafkaError, match=rf"^no Kafka at {address} \({why}\); start .* or set TENGERIM_KAFKA$"):
        partition_count(address, "any")


@pytest.mark.parametrize(
    "address", ["", ":", "localhost", "localhost:port", "localhost:70000", "one:9092,two", ":9092"]
)
def test_what_is_no_address_is_told_before_anything_is_asked(address: str) -> None:
    with pytest.raises(KafkaError, match=r"is no address of Kafka: set TENGERIM_KAFKA to host:port"):
        partition_count(address, "any")
