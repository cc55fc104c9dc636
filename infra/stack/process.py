"""One server as a process of its own: started detached, known by a pid file, stopped for certain."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.stack.error import StackError
from infra.stack.root import privileged

STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Process:
    """The process `name` of the stack in `home`: its pid file in `run/`, its output in `logs/`."""

    name: str
    home: Path

    @property
    def log(self) -> Path:
        return self.home / "logs" / f"{self.name}.log"

    @property
    def _record(self) -> Path:
        return self.home / "run" / f"{self.name}.json"

    def pid(self) -> int | None:
        """The process id, None when it does not run."""
        record = self._read()
        if record is None:
            return None
        pid = int(record["pid"])
        started_at = _started_at(pid)
        return pid if started_at is not None and started_at == record["started_at"] else None

    def runs(self, spec: str) -> bool:
        """Whether it runs, and was started with this `spec`."""
        return self.pid() is not None and (self._read() or {}).get("spec") == _digest(spec)

    def start(self, argv: list[str], spec: str, *, as_root: bool = False) -> None:
        """Start `argv` in a session of its own, so that it outlives the caller; `spec` is what it was made from.

        With `as_root` it begins with root's rights, and has to give them up itself.
        """
        for folder in (self.log.parent, self._record.parent):
            folder.mkdir(parents=True, exist_ok=True)
        # By way of a shell that ends at once: sudo, too, is gone then, and the pid is that of the server.
        detach = ["sh", "-c", 'setsid "$@" </dev/null >>"$0" 2>&1 & echo $!', str(self.log), *argv]
        done = subprocess.run(privileged(detach) if as_root else detach, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StackError(f"{self.name} could not be started: {done.stderr.strip()}")
        pid = int(done.stdout)
        record = {"pid": pid, "started_at": _started_at(pid), "spec": _digest(spec)}
        written = self._record.with_suffix(".new")
        written.write_text(json.dumps(record))
        written.replace(self._record)

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = STOP_SECONDS) -> bool:
        """Ask it to end by the signal `how`, kill it after `seconds`; whether it ran."""
        pid = self.pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
            if not _ended(pid, seconds):
                self.kill()
        self._record.unlink(missing_ok=True)
        return pid is not None

    def kill(self) -> bool:
        """End it and its children at once, as a power cut would; whether it ran."""
        pid = self.pid()
        if pid is not None:
            family = [pid, *_descendants(pid)]
            for member in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member, signal.SIGKILL)
            for member in family:
                _ended(member, STOP_SECONDS)
        self._record.unlink(missing_ok=True)
        return pid is not None

    def last_words(self, lines: int = 5) -> str:
        """The end of its output, for a message."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - 8192))
                text = log.read().decode(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def _read(self) -> dict[str, str | int] | None:
        try:
            record = json.loads(self._record.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return record if isinstance(record, dict) else None


def _digest(spec: str) -> str:
    return hashlib.sha256(spec.encode()).hexdigest()


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name (from `state` on), empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _started_at(pid: int) -> int | None:
    """Clock ticks from boot to the start of the process: with the pid it names a process for good. None: not alive."""
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] not in "ZX" else None


def _descendants(pid: int) -> list[int]:
    parents = {int(p.name): f for p in Path("/proc").iterdir() if p.name.isdigit() and (f := _stat(int(p.name)))}
    found = [pid]
    for member in found:
        found += [child for child, fields in parents.items() if int(fields[1]) == member]
    return found[1:]


def _ended(pid: int, seconds: float) -> bool:
    return _wait_until(lambda: _started_at(pid) is None, seconds)


def await_reaped(pid: int, seconds: float) -> bool:
    """Wait until a process that has ended is no zombie either, that is, until its parent took note."""
    return _wait_until(lambda: _stat(pid)[:1] != ["Z"], seconds)


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
