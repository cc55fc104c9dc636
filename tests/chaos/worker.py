"""`tengerim worker` as a process that can be killed, stopped, frozen and asked what it logged."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.settings import Settings

ROOT = Path(__file__).parents[2]
WAIT_S = 240.0


class Worker:
    """A supervised worker; its log goes to a file."""

    def __init__(self, settings: Settings, log: Path, agents: tuple[str, ...] = (), failpoint: str = "") -> None:
        """Start it."""
        self.log = log
        given = {f"TENGERIM_{name.upper()}": str(value) for name, value in settings.model_dump(mode="json").items()}
        environment = {**os.environ, **given, "PYTHONPATH": str(ROOT), "TENGERIM_FAILPOINT": failpoint}
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "infra", "worker", *agents],
                env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            )  # fmt: skip

    def close(self) -> None:
        """Stop it, whatever state it is in."""
        for number in self.agents().values():
            _signal(number, signal.SIGCONT)
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(30.0)
            except subprocess.TimeoutExpired:
                self.kill()

    def agents(self) -> dict[str, int]:
        """The agents that run now, by process."""
        found = {}
        for child in _children(self._process.pid):
            words = _command(child)
            if "streams.run" in words:
                found[words[-1]] = child
        return found

    def agent(self, name: str) -> int:
        """The process of an agent; waited for."""
        until = time.monotonic() + WAIT_S
        while name not in (running := self.agents()):
            self.check()
            assert time.monotonic() < until, f"{name} does not start; see {self.log}"
            time.sleep(0.05)
        return running[name]

    def kill_agent(self, name: str) -> None:
        """End an agent as a crash would; the worker starts it again."""
        _signal(self.agent(name), signal.SIGKILL)

    def freeze(self, name: str) -> int:
        """Let an agent do nothing at all until `thaw`; gives its process."""
        process = self.agent(name)
        _signal(process, signal.SIGSTOP)
        return process

    def thaw(self, process: int) -> None:
        """Let a frozen agent go on as if no time had passed."""
        _signal(process, signal.SIGCONT)

    def kill(self) -> None:
        """End the worker as a power cut would; the kernel ends its agents."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> tuple[float, int]:
        """Ask it to stop; gives the seconds until it was gone, and its exit status."""
        agents = self.agents()
        begun = time.monotonic()
        self._process.terminate()
        status = self._process.wait(60.0)
        took = time.monotonic() - begun
        assert not [process for process in agents.values() if "streams.run" in _command(process)]
        return took, status

    def check(self) -> None:
        """Fail when the worker itself has ended."""
        assert self._process.poll() is None, f"the worker ended with {self._process.returncode}; see {self.log}"

    def events(self, containing: str) -> list[Mapping[str, Any]]:
        """What it logged with these words."""
        found = []
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            if containing in line and line.startswith("{"):
                event = json.loads(line)
                if containing in event["event"]:
                    found.append(event)
        return found

    def await_events(self, containing: str, count: int = 1) -> None:
        """Wait until it has logged these words so many times."""
        until = time.monotonic() + WAIT_S
        while len(found := self.events(containing)) < count:
            self.check()
            assert time.monotonic() < until, f"{containing!r} was logged {len(found)} times; see {self.log}"
            time.sleep(0.1)


def state_of(process: int) -> str:
    """The kernel's letter for what a process does: T is stopped."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _signal(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return


def _children(process: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def _command(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode().rstrip("\0").split("\0")
    except OSError:
        return []
