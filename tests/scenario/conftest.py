"""Servers that may be stopped without disturbing anybody."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.stack import stack as local
from infra.stack.root import privileged
from infra.stack.stack import Addresses


@pytest.fixture(scope="module")
def own_home(home: Path, stack: Addresses, say: local.Say) -> Iterator[Path]:
    """A home with the programs of the shared one, by hard links, and data of its own."""
    own = home.with_name(f"{home.name}.scenario")
    local.wipe(own, say, everything=True)
    local.down(own, say)  # makes it a home
    for programs in ("root", "kafka", "tansu"):
        if (home / programs).exists():
            subprocess.run(privileged(["cp", "-al", str(home / programs), str(own)]), check=True)
    yield own
    local.wipe(own, say, everything=True)
    own.rmdir()
