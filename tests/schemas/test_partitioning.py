"""Tests of schemas.partitioning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import DefaultPartitioner

from schemas.partitioning import partition_of


class Cluster:
    """What the partitioner asks of a cluster: one topic, whose partitions all have a leader."""

    def __init__(self, partitions: int) -> None:
        self.partitions = set(range(partitions))

    def topics(self) -> set[str]:
        return {"frames"}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return self.partitions

    available_partitions_for_topic = partitions_for_topic


@given(st.text(min_size=1, max_size=64), st.integers(1, 256))
def test_a_producer_that_keys_by_the_code_agrees(dctu: str, partitions: int) -> None:
    key = dctu.encode()
    chosen = DefaultPartitioner().partition("frames", dctu, key, None, None, Cluster(partitions))
    assert partition_of(dctu, partitions) == chosen


# Hashes that the tests of Kafka's own Java clients expect of these keys.
@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("abc", 479470107),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    ],
)
def test_a_java_producer_agrees(key: str, hashed: int) -> None:
    assert partition_of(key, 8) == (hashed & 0x7FFFFFFF) % 8
