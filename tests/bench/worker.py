"""One worker: its agents, each a process, as `tengerim worker` runs them."""

import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.worker import AGENTS
from schemas.settings import Settings
from tests.bench import cpu

STOP_S = 15.0


class WorkerError(Exception):
    """An agent has ended; the text says where its log is."""


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which another process has these settings."""
    given = {f"TENGERIM_{name.upper()}": str(value) for name, value in settings.model_dump().items()}
    return os.environ | given


class Worker:
    """All agents while the `with` block lasts; their logs go to a folder."""

    def __init__(self, settings: Settings, logs: Path) -> None:
        """Start nothing yet."""
        self._logs = logs
        self._ports = {agent: _free_port() for agent in AGENTS}
        self._settings = settings
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        """Start them."""
        for agent in AGENTS:
            settings = self._settings.model_copy(update={"metrics_port": self._ports[agent]})
            with (self._logs / f"{agent}.log").open("wb") as log:
                self._processes[agent] = subprocess.Popen(
                    [sys.executable, "-m", "streams.run", agent], env=environment(settings), stdout=log, stderr=log
                )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop them."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def check(self) -> None:
        """Raise WorkerError when an agent has ended."""
        for agent, process in self._processes.items():
            if process.poll() is not None:
                raise WorkerError(f"{agent} ended with {process.returncode}; see {self._logs / f'{agent}.log'}")

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time of each agent."""
        return {agent: cpu.seconds(process.pid) for agent, process in self._processes.items()}

    def memory_mb(self) -> dict[str, float]:
        """Resident memory of each agent."""
        return {agent: cpu.memory_mb(process.pid) for agent, process in self._processes.items()}

    def metrics(self, agent: str) -> dict[str, float]:
        """What an agent tells Prometheus: value by name with labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._ports[agent]}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
