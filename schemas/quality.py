"""The quality of a reading, and what other formats call it."""

from enum import IntEnum
from typing import NamedTuple


class Quality(IntEnum):
    """Internal quality; the number is what the archive stores and what breaks a tie between two versions."""

    MISSING = 0
    TEMPORARY = 1
    SUSPECT = 2
    ESTIMATED = 3
    MEASURED = 4
    VALIDATED = 5
    SUBSTITUTED = 6
    EDITED = 7
    ACCEPTED = 8


class Names(NamedTuple):
    """One quality in the formats that exchange it: 80020 status, ENTSO-E quality type, CIM reading quality."""

    status_80020: int
    entsoe: str
    cim: str
    settles: bool


NAMES: dict[Quality, Names] = {
    Quality.MEASURED: Names(0, "A04", "2.0.0", False),
    Quality.VALIDATED: Names(0, "A04", "3.0.1", True),
    Quality.SUSPECT: Names(1, "A05", "3.5.258", False),
    Quality.MISSING: Names(1, "A02", "3.5.259", False),
    Quality.TEMPORARY: Names(1, "A07", "3.5.259", False),
    Quality.ESTIMATED: Names(1, "A03", "3.8.0", False),
    Quality.SUBSTITUTED: Names(1, "A06", "3.11.0", False),
    Quality.EDITED: Names(1, "A01", "3.7.0", False),
    Quality.ACCEPTED: Names(0, "A04", "3.10.1", True),
}


def of_status(status: int) -> Quality:
    """The quality of a device's value: status 0 is measured, 1 with a value is suspect (summed and flagged)."""
    return Quality.MEASURED if status == 0 else Quality.SUSPECT
