"""What every test may ask for: the real servers, and a space of its own in them."""

import secrets
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import pytest_asyncio

with warnings.catch_warnings():
    # At its import kafka-python reads its schemas by functions that Python 3.11 deprecates.
    warnings.filterwarnings("ignore", "(read|open)_text is deprecated", DeprecationWarning)
    import kafka  # noqa: F401

from connectors.database import connect_async
from infra import settings
from infra.stack import stack as local
from infra.stack.stack import Addresses

if TYPE_CHECKING:
    from tests.property.database import Database
    from tests.room import Room


@pytest.fixture(scope="session")
def home() -> Path:
    """The folder of the local stack: TENGERIM_HOME, or the default."""
    return settings.read().home


@pytest.fixture(scope="session")
def stack(home: Path, say: local.Say) -> Addresses:
    """The servers, brought up and left running, so that a second run finds them."""
    return local.up(home, settings.given(settings.read()), say)


@pytest.fixture(scope="session")
def say(pytestconfig: pytest.Config) -> local.Say:
    """Progress lines to the terminal, whatever is captured."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(line, flush=True)  # noqa: T201

    return say


@pytest.fixture
def real_broker(stack: Addresses, home: Path) -> None:
    """For a test that restarts the broker: skipped where that is not ours, or forgets everything."""
    if settings.read().kafka:
        pytest.skip("TENGERIM_KAFKA is set: that broker is not ours to restart")
    if not local.broker_is_kafka(home):
        pytest.skip("the broker is tansu (memory), a stand-in for Kafka: it has no log to come back with")


@pytest.fixture
def space() -> str:
    """A name for a set of topics, tables and keys that no other test has."""
    return f"t{secrets.token_hex(6)}"


@pytest.fixture(scope="module")
def used_database(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Database"]:
    """A database with the master data of the small power system, used by one test after the other."""
    from tests.property.database import temporary

    with temporary(stack.database, tmp_path_factory.mktemp("registry")) as made:
        yield made


@pytest.fixture
def database(used_database: "Database") -> "Database":
    """The same with nothing but those master data."""
    used_database.reset()
    return used_database


@pytest_asyncio.fixture
async def connection(database: "Database") -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection to it, as agents have."""
    opened = await connect_async(database.url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def cursor(connection: psycopg.AsyncConnection) -> AsyncIterator[psycopg.AsyncCursor]:
    """A cursor of that connection."""
    async with connection.cursor() as opened:
        yield opened


@pytest.fixture(scope="module")
def own_space(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A space for all tests of a file: making one takes long."""
    from tests.room import new_space

    with new_space(stack, tmp_path_factory.mktemp("fleet")) as made:
        yield made


@pytest.fixture
def room(stack: Addresses, own_space: str, monkeypatch: pytest.MonkeyPatch) -> "Room":
    """A control room in it: some alarms, and who obeys orders."""
    from tests.room import room_of

    monkeypatch.setenv("TENGERIM_SPACE", own_space)
    return room_of(stack, own_space)
