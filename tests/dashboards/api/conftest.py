"""The API of a space with something in every view."""

import secrets
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from connectors.database import connect, create_database, drop_database, space_url
from connectors.live import delete_states
from connectors.migrations import migrate
from infra.stack.stack import Addresses
from schemas.settings import Settings
from tests.connectors.filled import fill_every_view
from tests.dashboards.serving import serving


@pytest.fixture(scope="module")
def served(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The settings of a space for all tests of a file, which only read."""
    space = f"t{secrets.token_hex(6)}"
    url = space_url(stack.database, space)
    create_database(url)
    try:
        with closing(connect(url)) as connection:
            migrate(connection)
            fill_every_view(connection, tmp_path_factory.mktemp("filled"))
        yield Settings(database=stack.database, redis=stack.redis, kafka=stack.kafka, space=space)
    finally:
        drop_database(url)
        delete_states(stack.redis, space)


@pytest.fixture(scope="module")
def address(served: Settings) -> Iterator[str]:
    """Where it is served."""
    with serving(served) as found:
        yield found


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx.Client]:
    """Asks it."""
    with httpx.Client(base_url=address, timeout=20) as made:
        yield made
