"""How the parts of the pipeline do, as the agent `alarm` sees them."""

import time

from alerts.health import Ailment
from streams.notifying import Notifier
from streams.owner import Owner
from streams.rules_file import RulesFile

# Seconds by which the stream's time is behind the wall clock when all is well: it is told by the minute.
USUAL_S = 75


class Health:
    """Gathers the ailments. The stream's time is compared with the wall clock where it should be that."""

    def __init__(self, wall: bool, notifier: Notifier, rules: RulesFile) -> None:
        """`wall`: whether the stream's time is the wall clock's."""
        self._wall = wall
        self._notifier = notifier
        self._rules = rules
        self._owner: Owner | None = None
        self._begun = time.time()

    def watch(self, owner: Owner) -> None:
        """Look at the time and the database of this owner."""
        self._owner = owner

    def ailing(self) -> dict[str, Ailment]:
        """Every part."""
        found = {"alertmanager": self._notifier.ailment(), "rules": self._rules.ailment()}
        if self._owner is not None:
            outage = self._owner.take_outage()
            found["database"] = Ailment(round(outage), "the database was away" if outage else "")
            if self._wall and (place := self._owner.places.places.get(0)) is not None:
                watched = place.watched_us / 1e6 if place.watched_us is not None else self._begun
                behind = time.time() - max(watched, self._begun)
                says = "no interval is judged: no clock ticks, or an agent stands still"
                found["clock"] = Ailment(round(behind), says) if behind > USUAL_S else Ailment(0)
        return found
