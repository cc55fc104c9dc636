"""What a campaign finds wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Verdict:
    """What is wrong, in words and numbers; `lost` are readings and messages that are nowhere."""

    lost: int = 0
    wrong: int = 0
    words: list[str] = field(default_factory=list)

    def compare(self, what: str, expected: Mapping[Any, Any], found: Mapping[Any, Any], *, kept: bool = False) -> None:
        """Compare a table by key; of one that keeps what was sent, missing rows are lost."""
        missing = expected.keys() - found.keys()
        extra = found.keys() - expected.keys()
        other = [key for key in expected.keys() & found.keys() if expected[key] != found[key]]
        if kept:
            self.lost += len(missing)
        else:
            self.wrong += len(missing)
        self.wrong += len(extra) + len(other)
        for name, keys in (("missing", missing), ("too much", extra), ("wrong", other)):
            if keys:
                some = [f"{key}: expected {expected.get(key)}, found {found.get(key)}" for key in sorted(keys)[:5]]
                self.words.append(f"{what}: {len(keys)} of {len(expected)} {name}; " + "; ".join(some))

    def expect(self, what: str, *, holds: bool) -> None:
        """Note something that has no key."""
        if not holds:
            self.wrong += 1
            self.words.append(what)
