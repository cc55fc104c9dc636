"""The master alarm database that the API tells of: the file of the settings, as the agent takes it."""

from threading import Lock

from alerts.master import Master, shipped
from streams.rules_file import RulesFile


class Rules:
    """Looks at the file whenever somebody asks; while it is wrong, the last good one stays."""

    def __init__(self, path: str) -> None:
        """`path`: empty for the shipped one."""
        self._file, self._lock = RulesFile(path), Lock()
        self._master = self._file.changed() or shipped()

    def master(self) -> Master:
        """The newest one that is right."""
        with self._lock:
            self._master = self._file.changed() or self._master
            return self._master
