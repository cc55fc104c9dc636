"""The words of alarms: states and priorities of ISA-18.2, the types that Tengerim knows."""

from enum import StrEnum


class State(StrEnum):
    """Where an alarm is in its life (ISA-18.2-2016, figure of alarm states; letters as there)."""

    NORM = "NORM"  # A: normal
    UNACK = "UNACK"  # B: stands, nobody has acknowledged
    ACKED = "ACKED"  # C: stands, acknowledged
    RTNUN = "RTNUN"  # D: returned to normal, never acknowledged
    LUNACK = "LUNACK"  # E: latched, not acknowledged
    LACK = "LACK"  # F: latched, acknowledged
    SHLVD = "SHLVD"  # G: shelved by an operator, for a time
    DSUPR = "DSUPR"  # H: suppressed by design
    OOSRV = "OOSRV"  # I: out of service


# What notifications are kept alive for.
FIRING = frozenset({State.UNACK, State.ACKED, State.LUNACK, State.LACK})
SUPPRESSED = frozenset({State.SHLVD, State.DSUPR, State.OOSRV})


class Priority(StrEnum):
    """How soon somebody must act. Ascending."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """1 for low, and up."""
        return list(Priority).index(self) + 1


class AlarmType(StrEnum):
    """What an alarm is about. What each means and asks for stands in the master alarm database."""

    DEV_GEN = "DEV_GEN"
    DEV_CONS = "DEV_CONS"
    HOUR_PROJ = "HOUR_PROJ"
    ZONE_IMB = "ZONE_IMB"
    TRIP = "TRIP"
    GAP_EMC = "GAP_EMC"
    GAP_DCTU = "GAP_DCTU"
    GAP_ENTITY = "GAP_ENTITY"
    PLAN_MISSING = "PLAN_MISSING"
    PIPELINE = "PIPELINE"


class Unit(StrEnum):
    """What the value and the limit of an alarm count."""

    W = "W"
    WH = "Wh"
    POINTS = "points"  # channels of a DCTU or EMC
    DCTUS = "DCTUs"
    UNITS = "units"
    SECONDS = "s"
