"""The topics, by space. A space is one complete set of topics, tables and keys on shared servers."""

from typing import NamedTuple


class Topics(NamedTuple):
    """The names of a space's topics."""

    frames: str
    changes: str
    events: str
    commands: str


def topics_of(space: str) -> Topics:
    """The topic names of a space."""
    return Topics(*(f"{space}.{name}" for name in Topics._fields))
