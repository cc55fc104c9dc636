"""Whose data somebody sees: all, or those of one entity."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scope:
    """`entity`: its code; None: everything."""

    entity: str | None = None


ALL = Scope()
