"""The file of the master alarm database: read at the start, and again whenever it changes. A wrong one is refused."""

import time
from pathlib import Path

import structlog

from alerts.health import Ailment
from alerts.master import SHIPPED, Master, MasterError, parse

log = structlog.get_logger()


class RulesFile:
    """A file, and the last good text of it."""

    def __init__(self, path: str) -> None:
        """`path`: empty for the shipped one."""
        self._path = Path(path) if path else SHIPPED
        self._seen: tuple[int, int] | None = None
        self._digest = ""
        self._wrong_since: float | None = None
        self._problem = ""

    def changed(self) -> Master | None:
        """The rules, where the file holds others than when it was last looked at, and they are right."""
        try:
            stat = self._path.stat()
            state = (stat.st_mtime_ns, stat.st_size)
            if state == self._seen:
                return None
            self._seen = state
            master = parse(self._path.read_text(encoding="utf-8"), self._path.name)
        except (OSError, UnicodeDecodeError, MasterError) as error:
            if isinstance(error, OSError):
                self._seen = None
            if self._problem != str(error):
                log.error("the alarm rules cannot be read; those last in force stay", error=str(error))
            self._problem = str(error)
            self._wrong_since = self._wrong_since or time.monotonic()
            return None
        self._wrong_since, self._problem = None, ""
        if master.digest == self._digest:
            return None
        self._digest = master.digest
        log.info("alarm rules in force", file=str(self._path), digest=master.digest)
        return master

    def ailment(self) -> Ailment:
        """How long the file has been wrong."""
        if self._wrong_since is None:
            return Ailment(0)
        return Ailment(round(time.monotonic() - self._wrong_since), self._problem)
