"""Commands and workers, run as a user runs them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 180.0


@dataclass(frozen=True)
class Done:
    """What a command said and how it ended."""

    status: int
    out: str
    err: str


def tengerim(command: str, environment: Mapping[str, str], folder: Path) -> Done:
    """Run a command in a process of its own; `{there}` in it is `folder`."""
    words = [word.replace("{there}", str(folder)) for word in command.split()]
    done = subprocess.run(
        [sys.executable, "-m", "infra", *words],
        env={**os.environ, "COLUMNS": "80", **environment},
        capture_output=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@dataclass(frozen=True)
class Running:
    """A worker's process and its log."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """Everything that it and its agents have said so far."""
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, words: str) -> None:
        """Return once it has said `words`."""
        wait_until(lambda: words in self.said() or self.process.poll() is not None)
        assert words in self.said(), self.said()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Stop it; its exit status, and the seconds that it took."""
        begun = time.monotonic()
        os.killpg(self.process.pid, how) if how == signal.SIGINT else self.process.send_signal(how)
        return self.process.wait(PATIENCE_S), time.monotonic() - begun


@contextmanager
def running_worker(environment: Mapping[str, str], log: Path, *agents: str) -> Iterator[Running]:
    """A worker that is ready; ended for certain."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra", "worker", *agents],
            env={**os.environ, **environment}, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        running = Running(process, log)
        running.wait_for("ready")
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_until(condition: Callable[[], bool]) -> None:
    """Look until it holds, or patience ends."""
    until = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < until:
        time.sleep(0.1)
