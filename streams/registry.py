"""Master data as collect uses them: channels of DCTUs, resolved to rows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from connectors.snapshot import Snapshot
from schemas.partitioning import partition_of
from streams.layout import Assignments, DctuLayout

Ints = NDArray[np.int64]

UNKNOWN = -1
FOREIGN = -2

# Devices send the same list of channels for years; a list not seen before is resolved code by code. Lists are kept
# up to so many bytes of their text, whoever sends whatever.
_KEPT_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a list of channels that are all valid at an interval: their ids and the most that each can measure."""

    channel_id: Ints
    max_wh: Ints


@dataclass(slots=True)
class Columns:
    """A list of channels as rows of a DCTU's layout, UNKNOWN or FOREIGN where there is none."""

    rows: Ints
    layout: DctuLayout | None
    _distinct: bool = field(init=False)
    _limits: dict[int, Limits | None] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """See whether every channel is known and stands once."""
        known = self.layout is not None and bool((self.rows >= 0).all())
        self._distinct = known and len(np.unique(self.rows)) == len(self.rows)

    def limits(self, slot: int) -> Limits | None:
        """The limits of these channels at an interval; None where one is not valid, or stands twice."""
        if not self._distinct or self.layout is None:
            return None
        first, _ = self.layout.period(slot)
        if first not in self._limits:
            at = self.layout.at(slot)
            valid = bool(at.valid[self.rows].all())
            self._limits[first] = Limits(self.layout.channel_id[self.rows], at.max_wh[self.rows]) if valid else None
        return self._limits[first]


class Registry:
    """One version of the master data. Never changed: a new version is a new object."""

    def __init__(self, snapshot: Snapshot, partitions: int) -> None:
        """Lay out every DCTU."""
        self.version = snapshot.version
        self.units = snapshot.units
        self.codes = {channel_id: code for code, channel_id in snapshot.channels.items()}
        self.dctu_codes = {dctu_id: code for code, dctu_id in snapshot.dctus.items()}
        self._channels = snapshot.channels
        self._layouts = _layouts(snapshot)
        # By code: those that have no channel at any time (any more).
        self.withdrawn = {code: dctu_id for code, dctu_id in snapshot.dctus.items() if code not in self._layouts}
        self._by_partition: dict[int, list[str]] = {}
        for code in self._layouts:
            self._by_partition.setdefault(partition_of(code, partitions), []).append(code)
        self._resolved: dict[tuple[str, bytes], Columns] = {}
        self._kept_bytes = 0

    def layout(self, dctu: str) -> DctuLayout | None:
        """The layout of a DCTU, None where nobody knows it or it never had a channel."""
        return self._layouts.get(dctu)

    def dctus_of(self, partitions: Iterable[int]) -> list[str]:
        """The DCTUs whose frames come in these partitions."""
        return [code for partition in sorted(partitions) for code in self._by_partition.get(partition, ())]

    def columns(self, dctu: str, channels: bytes, codes: Callable[[], list[str]]) -> Columns:
        """A list of channels in the DCTU's layout. `channels` is the list as written, `codes` reads it."""
        key = (dctu, channels)
        found = self._resolved.get(key)
        if found is None:
            # A list costs as much again, however short it is.
            self._kept_bytes += len(channels) + 500
            if self._kept_bytes > _KEPT_BYTES:
                self._resolved.clear()
                self._kept_bytes = len(channels)
            found = self._resolved[key] = Columns(self._resolve(dctu, codes()), self._layouts.get(dctu))
        return found

    def rows(self, dctu: str, channels: bytes, codes: Callable[[], list[str]]) -> Ints:
        """The rows alone."""
        return self.columns(dctu, channels, codes).rows

    def _resolve(self, dctu: str, codes: list[str]) -> Ints:
        ids = np.array([self._channels.get(code, UNKNOWN) for code in codes], dtype=np.int64)
        layout = self._layouts.get(dctu)
        if layout is None:
            return np.full(len(codes), UNKNOWN, np.int64)
        rows = np.minimum(layout.rows_of(ids), len(layout.channel_id) - 1)
        rows = np.where(layout.channel_id[rows] == ids, rows, FOREIGN)
        return np.where(ids == UNKNOWN, UNKNOWN, rows)


def _layouts(snapshot: Snapshot) -> dict[str, DctuLayout]:
    code = {dctu_id: dctu for dctu, dctu_id in snapshot.dctus.items()}
    order = np.argsort(snapshot.dctu_id, kind="stable")
    ids, start = np.unique(snapshot.dctu_id[order], return_index=True)
    layouts = {}
    for dctu_id, index in zip(ids.tolist(), np.split(order, start)[1:], strict=True):
        layouts[code[dctu_id]] = DctuLayout(
            dctu_id,
            Assignments(
                snapshot.channel_id[index], snapshot.unit_id[index], snapshot.sign[index], snapshot.max_wh[index],
                snapshot.from_slot[index], snapshot.to_slot[index], snapshot.registered_slot[index],
            ),
        )  # fmt: skip
    return layouts
