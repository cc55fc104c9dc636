"""Tests of streams.registry."""

import tracemalloc

import pytest

from schemas.partitioning import partition_of
from streams.registry import FOREIGN, UNKNOWN
from tests.streams.making import NOON, Channel, registry

WORLD = [
    Channel("A/01"),
    Channel("B/01"),
    Channel("C/01", dctu="D2"),
    Channel("M/01", end=NOON),
    Channel("M/01", dctu="D2", first=NOON),
]


def rows(dctu: str, *codes: str) -> list[int]:
    text = ",".join(codes).encode()
    found: list[int] = registry(*WORLD).rows(dctu, text, lambda: list(codes)).tolist()
    return found


def test_channels_are_resolved_to_rows_in_any_order() -> None:
    assert rows("D1", "B/01", "A/01", "B/01") == [1, 0, 1]


def test_a_channel_of_another_dctu_is_foreign() -> None:
    assert rows("D1", "A/01", "C/01") == [0, FOREIGN]


def test_a_channel_that_moved_has_a_row_in_both() -> None:
    assert rows("D1", "M/01") == [2]
    assert rows("D2", "M/01") == [1]


@pytest.mark.parametrize("code", ["Z/01", "", "A/01 ", "a/01", "\0"])
def test_a_channel_that_nobody_knows_is_unknown(code: str) -> None:
    assert rows("D1", code) == [UNKNOWN]


def test_all_channels_of_an_unknown_dctu_are_unknown() -> None:
    assert rows("D9", "A/01", "Z/01") == [UNKNOWN, UNKNOWN]
    assert registry(*WORLD).layout("D9") is None


def test_an_empty_list_has_no_rows() -> None:
    assert rows("D1") == rows("D9") == []


def test_a_list_is_read_once() -> None:
    found = registry(*WORLD)
    first = found.rows("D1", b"list", lambda: ["A/01"])
    assert found.rows("D1", b"list", lambda: pytest.fail("read again")) is first
    assert found.rows("D2", b"list", lambda: ["C/01"]).tolist() == [0]


@pytest.mark.parametrize(("lists", "length"), [(10_000, 10), (300, 500_000)])
def test_lists_that_never_come_again_do_not_pile_up(lists: int, length: int) -> None:
    found = registry(*WORLD)
    tracemalloc.start()
    for number in range(lists):
        found.rows("D1", str(number).encode().ljust(length), lambda: ["A/01"])
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 64 * 2**20


def test_dctus_are_found_by_partition() -> None:
    names = [f"D{number}" for number in range(20)]
    found = registry(*(Channel(f"{name}/01", dctu=name) for name in names), partitions=4)
    for partition in range(4):
        assert found.dctus_of([partition]) == sorted(name for name in names if partition_of(name, 4) == partition)
    assert sorted(found.dctus_of(range(4))) == sorted(names)


def test_master_data_without_channels_know_no_dctu() -> None:
    assert registry().dctus_of([0]) == []
    assert registry().rows("D1", b"x", lambda: ["A/01"]).tolist() == [UNKNOWN]
