"""Tests of streams.gap_keeping, with the real database."""

import psycopg
import pytest
import pytest_asyncio

from connectors.snapshot import read_snapshot
from schemas.partitioning import partition_of
from schemas.time import slot_start
from schemas.topics import topics_of
from streams.batch import Sorted, Writes
from streams.gap_keeping import GapKeeper
from streams.matrix import Block
from streams.registry import Registry
from tests.property.database import Database
from tests.property.histories import slot_at
from tests.property.world import PARTITIONS, minute
from tests.streams.making import us

pytestmark = pytest.mark.stack
RING = 4
DA = partition_of("DA", PARTITIONS)


class Kept:
    """The gaps of DA, whose block reaches back from noon by a few intervals only."""

    def __init__(self, database: Database, cursor: psycopg.AsyncCursor, registry: Registry) -> None:
        self.keeper = GapKeeper(topics_of("test"), PARTITIONS)
        self._database = database
        self._cursor = cursor
        layout = registry.layout("DA")
        assert layout is not None
        self._dctu_id = layout.dctu_id
        self._blocks = {"DA": Block(layout, RING, slot_at(12 * 60))}

    async def open(self, slot: int) -> None:
        """A gap of one interval, to be looked at again after an import."""
        self._database.connection.execute(
            "insert into gap (first_start, last_end, dctu_id, channels, declared, opened_at)"
            " values (%s, %s, %s, 1, false, %s)",
            [slot_start(slot), slot_start(slot + 1), self._dctu_id, minute(80)],
        )
        self._database.connection.commit()
        await self.keeper.load(self._cursor, {self._dctu_id: "DA"})
        self.keeper.recheck = {"DA"}

    async def batch(self, partition: int, minutes: int) -> list[object]:
        """A batch of one partition, empty but for its time; gives when the gaps were healed."""
        sorted_ = Sorted(next_off={partition: 9}, times={partition: us(slot_at(0), minutes)})
        await self.keeper.keep(self._cursor, self._blocks, sorted_, Writes())
        found = await self._cursor.execute("select healed_at from gap")
        return [healed_at for (healed_at,) in await found.fetchall()]


@pytest_asyncio.fixture
async def kept(database: Database, cursor: psycopg.AsyncCursor) -> Kept:
    return Kept(database, cursor, Registry(await read_snapshot(cursor), PARTITIONS))


async def test_a_gap_is_looked_at_again_by_the_time_of_its_own_partition(kept: Kept) -> None:
    # Nothing was expected before the registration.
    await kept.open(slot_at(-60))
    assert await kept.batch(1 - DA, 700) == [None]
    assert await kept.batch(DA, 720) == [minute(720)]


async def test_a_value_that_nobody_expected_does_not_stand_in_for_one_that_is_missing(
    kept: Kept, database: Database
) -> None:
    await kept.open(slot_at(60))
    database.connection.execute(
        "insert into partial (ts, unit_id, dctu_id, wh, present, expected, on_time)"
        " select %s, 0, dctu_id, 0, 5, 5, 5 from dctu_key where dctu = 'DA'",
        [slot_start(slot_at(60))],
    )
    database.connection.commit()
    assert await kept.batch(DA, 720) == [None]
