"""Tests of infra.space."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from redis import Redis

from connectors.database import connect, database_exists, space_url
from connectors.kafka import KafkaError, NoTopicError, end_offsets, partition_count
from connectors.live import state_key
from connectors.producer import Producer
from infra import space as spaces
from infra.stack.stack import Addresses
from schemas.settings import Settings
from schemas.topics import topics_of

pytestmark = pytest.mark.stack


@pytest.fixture
def own(stack: Addresses, space: str, home: Path) -> Iterator[Settings]:
    """Settings of a space that is not made yet, and is gone afterwards."""
    settings = Settings(home=home, space=space, partitions=2, **asdict(stack))
    yield settings
    spaces.remove(settings)


def test_a_space_is_made_once_and_told(own: Settings) -> None:
    said: list[str] = []
    url = spaces.prepare(own, said.append)
    assert url == space_url(own.database, own.space)
    assert said[0] == f"made the database tengerim_{own.space}"
    assert re.fullmatch(r"brought the tables up to date \(\d+ migrations\)", said[1])
    assert [partition_count(own.kafka, topic) for topic in topics_of(own.space)] == [2, 1, 1, 1]
    with connect(url) as connection:
        assert connection.execute("select count(*) from reading").fetchone() == (0,)
    said.clear()
    spaces.prepare(own, said.append)
    assert said == []


def test_another_number_of_partitions_is_refused(own: Settings) -> None:
    spaces.prepare(own, str)
    with pytest.raises(KafkaError, match=rf"topic {own.space}\.frames has 2 partitions, not 3"):
        spaces.prepare(own.model_copy(update={"partitions": 3}), str)


def test_nothing_is_left_of_a_space_that_was_removed(own: Settings) -> None:
    url = spaces.prepare(own, str)
    with Redis.from_url(own.redis) as live:
        live.hset(state_key(own.space, "system"), "system", "{}")
        spaces.remove(own)
        assert not live.exists(state_key(own.space, "system"))
    assert not database_exists(url)
    with pytest.raises(NoTopicError):
        end_offsets(own.kafka, topics_of(own.space).frames)
    spaces.remove(own)


def test_a_renewed_space_is_empty(own: Settings) -> None:
    url = spaces.prepare(own, str)
    with connect(url) as connection:
        connection.execute("insert into recompute (from_ts, to_ts) values (now(), now())")
    with Producer(own.kafka, own.space) as producer:
        producer.send_raw("D", b"any")
    assert spaces.renew(own, str) == url
    assert sum(end_offsets(own.kafka, topics_of(own.space).frames).values()) == 0
    with connect(url) as connection:
        assert connection.execute("select count(*) from recompute").fetchone() == (0,)
