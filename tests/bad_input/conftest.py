"""Where bad input goes: a space that only commands use, and one with a worker."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.stack.stack import Addresses
from tests.running import Running, running_worker
from tests.spaces import Space, space_with_fleet


@pytest.fixture(scope="session")
def here(stack: Addresses, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Space]:
    """A space that nobody works in."""
    with space_with_fleet(stack, home, tmp_path_factory.mktemp("bad_commands")) as space:
        yield space


@dataclass(frozen=True)
class Worked:
    """A space and its worker."""

    space: Space
    worker: Running


@pytest.fixture(scope="session")
def worked(stack: Addresses, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worked]:
    """A space with a worker that writes the wall clock's ticks."""
    folder = tmp_path_factory.mktemp("bad_messages")
    with (
        space_with_fleet(stack, home, folder) as space,
        running_worker(space.environment, folder / "worker.log") as running,
    ):
        yield Worked(space, running)
