"""A space for a small case, and servers that may be stopped without disturbing anybody."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from connectors.database import connect
from infra.stack import stack as local
from infra.stack.stack import Addresses
from schemas.settings import Settings
from tests.homes import beside
from tests.scenario.pipeline import made, settings_of

PARTITIONS = 2


@pytest.fixture
def settings(home: Path, stack: Addresses, space: str) -> Settings:
    """Settings of a space that nobody has made yet."""
    return settings_of(home, stack, space, PARTITIONS)


@pytest.fixture
def archive(settings: Settings) -> Iterator[psycopg.Connection]:
    """The archive of that space, made now and removed in the end."""
    with made(settings) as url, closing(connect(url)) as connection:
        yield connection


@pytest.fixture(scope="module")
def own_home(home: Path, stack: Addresses, say: local.Say) -> Iterator[Path]:
    """A home with the programs of the shared one, by hard links, and data of its own."""
    with beside(home, "scenario", say) as own:
        yield own
