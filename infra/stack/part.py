"""What the servers of the stack have in common: files first, then a process, then a health check."""

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from infra.stack.error import StackError
from infra.stack.process import Process
from infra.stack.root import Root, recipe, remove

Say = Callable[[str], None]

START_SECONDS = 60.0


class UnhealthyError(Exception):
    """A server did not answer as it should; the text says how."""


@dataclass(frozen=True)
class Part(ABC):
    """One server of the stack in `home`, listening on `ports` (by the names of `ports.FIRST`)."""

    home: Path
    ports: Mapping[str, int]

    # As in `Addresses`, in the settings (TENGERIM_…) and in compose.yaml.
    name: ClassVar[str]
    title: ClassVar[str]
    # Whether its program is one of the root's.
    of_root: ClassVar[bool] = True
    # Whether everything works without it, too.
    optional: ClassVar[bool] = False
    start_seconds: ClassVar[float] = START_SECONDS
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    @property
    @abstractmethod
    def address(self) -> str:
        """Where it serves once started."""

    @property
    def version(self) -> str:
        """The version, where the server itself does not tell."""
        return ""

    @property
    def health_address(self) -> str:
        """Where to ask whether it serves."""
        return self.address

    def is_there(self) -> bool:
        """Whether its program can be had at all; of what is not optional it can."""
        return True

    @abstractmethod
    def argv(self) -> list[str]:
        """The command line of the server."""

    @staticmethod
    @abstractmethod
    def probe(address: str) -> str:
        """Ask the server at `address` something that proves it serves; its version. Raises UnhealthyError."""

    def files(self) -> Mapping[Path, str]:
        """The configuration files to write before a start."""
        return {}

    def install(self, say: Say) -> None:
        """Get the program, where it is missing."""
        self.root.build(say)
        self.root.link()

    def configure(self, files: Mapping[Path, str]) -> None:
        """Write the configuration files anew."""
        remove(self.conf)
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def make(self, say: Say) -> None:
        """Make the data folder, where it is missing."""
        self.root.own(self.data)

    def complete(self) -> None:  # noqa: B027 — most have nothing to do
        """What is left to do once the server answers."""

    @property
    def root(self) -> Root:
        return Root(self.home)

    @property
    def data(self) -> Path:
        return self.home / "data" / self.name

    @property
    def conf(self) -> Path:
        return self.home / "conf" / self.name

    @property
    def process(self) -> Process:
        return Process(self.name, self.home)

    def start(self, say: Say) -> None:
        """Start it, unless it runs as configured; return when it serves. Raises StackError."""
        files = self.files()
        spec = "\n".join([recipe() if self.of_root else "", *self.argv(), *files.values()])
        if self.process.runs(spec):
            self._await_health(0)
            return
        if self.process.stop(self.stop_signal):
            say(f"{self.name}: settings have changed, starting {self.title} again")
        self.configure(files)
        self.make(say)
        self.process.start(self.argv(), spec, as_root=self.of_root)
        self._await_health(self.start_seconds)
        self.complete()
        say(f"{self.name}: {self.title} serves at {self.address}")

    def stop(self) -> bool:
        """Stop it in order; whether it ran."""
        return self.process.stop(self.stop_signal)

    def kill(self) -> bool:
        """Stop it as a power cut would; whether it ran."""
        return self.process.kill()

    def _await_health(self, seconds: float) -> None:
        until = time.monotonic() + max(seconds, 10.0)
        while True:
            alive = self.process.pid() is not None
            try:
                self.probe(self.health_address)
            except UnhealthyError as error:
                if alive and time.monotonic() < until:
                    time.sleep(0.1)
                    continue
                what = "does not answer" if alive else "ended at once"
                raise StackError(
                    f"{self.title} {what} ({error}). The end of {self.process.log}:\n{self.process.last_words()}"
                ) from error
            if alive:
                return
            raise StackError(
                f"{self.title} ended at once, and another server answers at {self.address}. The end of "
                f"{self.process.log}:\n{self.process.last_words()}"
            )
