"""Servers that may be stopped without disturbing anybody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.stack import stack as local
from infra.stack.stack import Addresses
from tests.homes import beside


@pytest.fixture(scope="module")
def own_home(home: Path, stack: Addresses, say: local.Say) -> Iterator[Path]:
    """A home with the programs of the shared one, by hard links, and data of its own."""
    with beside(home, "scenario", say) as own:
        yield own
