"""Every text of the dashboards, in the languages of the control room: `words.yml`."""

from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

FILE = Path(__file__).with_name("words.yml")
Language = Literal["kk", "ru", "en"]


@cache
def table() -> dict[str, Any]:
    """The whole table: what stands on dashboards, and by dashboard its title, what it answers, and its panels."""
    content: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return content


class Words:
    """The texts in one language; a missing one is a KeyError, which no test lets through."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language

    def __call__(self, name: str) -> str:
        """A word of the common list."""
        return self._of(table()["words"][name])

    def dashboard(self, name: str) -> tuple[str, str]:
        """Title of a dashboard, and what it answers."""
        return self._pair(table()["dashboards"][name])

    def panel(self, dashboard: str, name: str) -> tuple[str, str]:
        """Title of a panel, and what it shows."""
        return self._pair(table()["dashboards"][dashboard]["panels"][name])

    def _pair(self, entry: dict[str, Any]) -> tuple[str, str]:
        return self._of(entry["title"]), self._of(entry["about"])

    def _of(self, entry: dict[str, str]) -> str:
        return entry[self.language]
