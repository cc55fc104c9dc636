"""A second stack of its own, so that servers can be stopped, killed and wiped beside the one that others use."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.stack import stack as local
from infra.stack.root import privileged
from infra.stack.stack import Addresses


@pytest.fixture(scope="session")
def own_home(home: Path, stack: Addresses, say: local.Say) -> Iterator[Path]:
    """A home with the programs of the shared one, by hard links, and nothing else."""
    own = home.with_name(f"{home.name}.test")
    local.wipe(own, say, everything=True)
    local.down(own, say)  # makes it a home
    for programs in ("root", "kafka", "tansu"):
        if (home / programs).exists():
            subprocess.run(privileged(["cp", "-al", str(home / programs), str(own)]), check=True)
    yield own
    local.wipe(own, say, everything=True)
    own.rmdir()


@pytest.fixture
def own_stack(own_home: Path, say: local.Say) -> Addresses:
    """The second stack with every server running."""
    return local.up(own_home, Addresses(), say)
