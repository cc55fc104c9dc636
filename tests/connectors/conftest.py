"""An archive of its own for every test that asks for one."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from connectors.database import connect, create_database, drop_database, space_url
from connectors.migrations import migrate
from infra.stack.stack import Addresses


@pytest.fixture
def archive(stack: Addresses, space: str) -> Iterator[psycopg.Connection]:
    """A connection to the new, empty database of `space`."""
    url = space_url(stack.database, space)
    create_database(url)
    try:
        with closing(connect(url)) as connection:
            migrate(connection)
            yield connection
    finally:
        drop_database(url)
