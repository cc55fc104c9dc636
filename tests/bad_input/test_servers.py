"""A server that is there, but not what is needed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import settings
from infra.stack import stack as local
from infra.stack.postgres import Postgres
from infra.stack.root import remove
from infra.stack.stack import Addresses
from infra.worker import free_port
from tests.bad_input.template import fits
from tests.running import tengerim

pytestmark = [pytest.mark.stack, pytest.mark.slow]


class Plain(Postgres):
    """PostgreSQL that does not load TimescaleDB."""

    name = "plain"

    def argv(self) -> list[str]:
        """As the stack's, without what the extension needs."""
        words = iter(super().argv())
        kept = []
        for word in words:
            value = next(words) if word == "-c" else ""
            if "timescaledb" not in value:
                kept += [word, value] if value else [word]
        return kept

    def complete(self) -> None:
        """Nothing: there is no extension to make."""


@pytest.fixture
def plain(stack: Addresses, home: Path, say: local.Say) -> Iterator[str]:
    """The address of such a server, beside that of the stack."""
    if settings.read().database:
        pytest.skip("TENGERIM_DATABASE is set: there is no PostgreSQL of ours to run without its extension")
    server = Plain(home, {"plain": free_port()})
    try:
        server.start(say)
        yield server.address
    finally:
        server.stop()
        remove(server.data)


@pytest.mark.parametrize("command", ["worker", "registry import {there}", "ingest {there}/readings.csv"])
def test_a_database_without_timescaledb_is_told(plain: str, command: str, home: Path, tmp_path: Path) -> None:
    (tmp_path / "readings.csv").write_text("emc,code,start,kwh,status\n")
    environment = {"TENGERIM_HOME": str(home), "TENGERIM_DATABASE": plain}
    done = tengerim(command, environment, tmp_path)
    assert done.status == 2
    assert fits(
        done.err.removeprefix("made the database tengerim\n"),
        "tengerim: this server has no TimescaleDB (…); install its package and name it in shared_preload_libraries, "
        "or use `tengerim up`\n",
    ), done.err
