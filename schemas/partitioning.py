"""Which partition a DCTU's frames go to.

It is Kafka's own default for a keyed message, so a producer of any language that keys by the DCTU's code agrees.
"""

from functools import lru_cache

from kafka.partitioner.default import murmur2


@lru_cache(maxsize=2**16)
def partition_of(dctu: str, partitions: int) -> int:
    """The partition of `frames` that holds a DCTU."""
    return (int(murmur2(dctu.encode())) & 0x7FFFFFFF) % partitions
