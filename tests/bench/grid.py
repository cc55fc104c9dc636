"""A grid of any size: DCTUs of a hundred channels each, a facility behind each, and its units with a plan."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infra.demo.registry import COLUMNS
from schemas.frame import Frame, Slice
from schemas.time import INTERVAL, slot_start

DCTU_CHANNELS = 100
CODES = ("01", "02", "03", "04")
KINDS = ("generation", "consumption", "interchange")
MAX_WH = 1_000_000
# How long after the end of an interval a DCTU sends it.
SENT_AFTER = timedelta(seconds=20)

Row = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """`dctus` DCTUs; facility `i` has two units, every second one three."""

    dctus: int

    @property
    def channels(self) -> int:
        """How many channels there are."""
        return self.dctus * DCTU_CHANNELS

    def units(self, dctu: int) -> list[str]:
        """The units of the facility behind a DCTU."""
        return [f"U{dctu:04d}{kind[0]}" for kind in KINDS[: 2 + dctu % 2]]

    def channel_codes(self, dctu: int) -> list[str]:
        """The channels of a DCTU, EMC/code."""
        return [f"{emc}/{code}" for emc in _emcs(dctu) for code in CODES]

    def wh(self, dctu: int, slot: int) -> NDArray[np.int64]:
        """What the channels of a DCTU measure in an interval, Wh: any numbers, always the same ones."""
        channel = np.arange(dctu * DCTU_CHANNELS, (dctu + 1) * DCTU_CHANNELS, dtype=np.int64)
        return (channel * 7919 + slot * 104_729) % (MAX_WH - 1)

    def frame(self, dctu: int, slot: int) -> Frame:
        """What a DCTU sends of an interval."""
        start = slot_start(slot)
        part = Slice.model_construct(
            start=start,
            channels=self.channel_codes(dctu),
            wh=self.wh(dctu, slot).tolist(),
            status=[0] * DCTU_CHANNELS,
        )
        return Frame.model_construct(
            dctu=dctu_code(dctu), seq=slot, sent_at=start + INTERVAL + SENT_AFTER, slices=[part]
        )

    def write_registry(self, folder: Path) -> None:
        """The files that `tengerim registry import` reads."""
        for stem in ("entities", "facilities", "units", "dctus", "channels"):
            with (folder / f"{stem}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(COLUMNS[stem])
                writer.writerows(self._rows(stem))

    def write_plan(self, path: Path, first: datetime, hours: int) -> None:
        """The file that `tengerim schedule import` reads: one version of all units."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("unit", "hour", "mwh", "version"))
            for hour in range(hours):
                at = (first + timedelta(hours=hour)).isoformat()
                writer.writerows((unit, at, "12.5", 1) for dctu in range(self.dctus) for unit in self.units(dctu))

    def _rows(self, stem: str) -> Iterator[Row]:
        entities = -(-self.dctus // 4)
        if stem == "entities":
            yield from ((f"N{i:04d}", f"Entity {i}", "", f"N{i - i % 5:04d}") for i in range(entities))
        for i in range(self.dctus):
            match stem:
                case "facilities":
                    places = (f"Z{i % 3}", f"R{i % 14:02d}", f"B{i % 9}", f"H{i % 5}", "", "")
                    yield (f"F{i:04d}", f"Facility {i}", f"N{i // 4:04d}", *places)
                case "units":
                    yield from (
                        (unit, unit, f"F{i:04d}", kind, "", "")
                        for unit, kind in zip(self.units(i), KINDS, strict=False)
                    )
                case "dctus":
                    yield dctu_code(i), f"DCTU {i}", f"F{i:04d}"
                case "channels":
                    yield from self._channel_rows(i)

    def _channel_rows(self, dctu: int) -> Iterator[Row]:
        units = self.units(dctu)
        for number, emc in enumerate(_emcs(dctu)):
            for code, sign in zip(CODES, (1, -1, 0, 0), strict=True):
                yield emc, code, dctu_code(dctu), units[number % len(units)], sign, MAX_WH // 1000


def dctu_code(dctu: int) -> str:
    """The code of a DCTU by its number."""
    return f"D{dctu:04d}"


def _emcs(dctu: int) -> Iterable[str]:
    first = dctu * (DCTU_CHANNELS // len(CODES))
    return (f"E{first + i:06d}" for i in range(DCTU_CHANNELS // len(CODES)))
