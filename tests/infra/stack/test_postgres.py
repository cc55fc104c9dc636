import pytest

from infra.stack.postgres import shared_buffers

GIB = 2**30


@pytest.mark.parametrize(("memory", "share"), [(4 * GIB, "512MB"), (16 * GIB, "2048MB"), (64 * GIB, "2048MB")])
def test_shared_buffers_are_an_eighth_of_the_memory_up_to_two_gigabytes(memory: int, share: str) -> None:
    assert shared_buffers(memory) == share
