"""Tests of dashboards.api.files: taken slowly, or not at all."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from starlette.types import Message

from connectors import readers
from connectors.archive import Selection
from connectors.database import DatabaseError, connect, space_url
from connectors.readers import Readers
from dashboards.api import files
from dashboards.api.files import File, stream
from schemas.settings import Settings

pytestmark = pytest.mark.stack
ROWS = 100_000


@pytest.fixture(scope="module")
def pool(served: Settings) -> Iterator[Readers]:
    """Of an archive with more than what is on its way between the database and us can hold."""
    url = space_url(served.database, served.space)
    with closing(connect(url)) as connection:
        connection.execute(
            "insert into audit (actor, subject, address, action, target, outcome, detail)"
            " select 'vera', '', '', 'comment', repeat('x', 100), 'done', '{}' from generate_series(1, %s)",
            [ROWS],
        )
        connection.commit()
    made = Readers(url, most=1)
    made.open()
    yield made
    made.close()


def file(pool: Readers) -> File:
    stack = ExitStack()
    connection = stack.enter_context(pool.reading())
    connection.execute("set local statement_timeout = '1s'")
    return stream(connection, Selection("audit"), "csv", {}, "audit", stack)


def test_a_file_is_whole_however_slowly_it_is_taken(pool: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "STATEMENT_S", 1)
    taken = bytearray()

    async def send(message: Message) -> None:
        if not taken:
            await asyncio.sleep(2.5)
        taken.extend(message.get("body", b""))

    asyncio.run(file(pool).stream_response(send))
    assert taken.count(b"\n") >= ROWS


def test_who_takes_nothing_makes_room_for_others(pool: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "TAKEN_S", 0.2)

    async def send(message: Message) -> None:
        if "body" in message:
            await asyncio.Event().wait()

    asyncio.run(file(pool).stream_response(send))
    with pool.asking() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_what_takes_the_database_too_long_is_said(pool: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "STATEMENT_S", 1)
    begun = time.monotonic()
    with (
        pool.asking() as connection,
        pytest.raises(DatabaseError, match="longer than 1 s; ask for less"),
        readers.in_time(connection),
    ):
        connection.execute("select pg_sleep(30)")
    assert time.monotonic() - begun < 20
