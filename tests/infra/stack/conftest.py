"""A second stack of its own, so that servers can be stopped, killed and wiped beside the one that others use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.stack import stack as local
from infra.stack.stack import Addresses
from tests.homes import beside


@pytest.fixture(scope="module")
def own_home(home: Path, stack: Addresses, say: local.Say) -> Iterator[Path]:
    """A home with the programs of the shared one, by hard links, and nothing else."""
    with beside(home, "test", say) as own:
        yield own


@pytest.fixture
def own_stack(own_home: Path, say: local.Say) -> Addresses:
    """The second stack with every server running."""
    return local.up(own_home, Addresses(), say)
