"""Homes beside the shared one: stacks whose servers may be stopped, killed and wiped."""

import fcntl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.stack import stack as local
from infra.stack.root import privileged


@contextmanager
def alone() -> Iterator[None]:
    """One at a time: a port of a server that was stopped for a moment must not be taken by another test's server."""
    with Path(__file__).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def beside(home: Path, name: str, say: local.Say) -> Iterator[Path]:
    """A home with the programs of `home`, by hard links, and nothing else; gone in the end."""
    with alone():
        own = home.with_name(f"{home.name}.{name}")
        local.wipe(own, say, everything=True)
        local.down(own, say)  # makes it a home
        for programs in ("root", "kafka", "tansu"):
            if (home / programs).exists():
                subprocess.run(privileged(["cp", "-al", str(home / programs), str(own)]), check=True)
        yield own
        local.wipe(own, say, everything=True)
        own.rmdir()
