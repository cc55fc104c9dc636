"""Homes beside the shared one: stacks whose servers may be stopped, killed and wiped."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.stack import stack as local
from infra.stack.root import privileged


@contextmanager
def beside(home: Path, name: str, say: local.Say) -> Iterator[Path]:
    """A home with the programs of `home`, by hard links, and nothing else; gone in the end."""
    own = home.with_name(f"{home.name}.{name}")
    local.wipe(own, say, everything=True)
    local.down(own, say)  # makes it a home
    for programs in ("root", "kafka", "tansu"):
        if (home / programs).exists():
            subprocess.run(privileged(["cp", "-al", str(home / programs), str(own)]), check=True)
    yield own
    local.wipe(own, say, everything=True)
    own.rmdir()
