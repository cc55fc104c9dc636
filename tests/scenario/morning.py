"""A short feed: some of the demonstration's DCTUs from 10:00 to 13:45, with nearly all that happens in its day.

A silence of six intervals handed over at once, a corrected schedule, late values of the evening before, repeated,
unknown and malformed frames; and every tenth frame is corrected half an hour later.
"""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.demo.feed import Sending, feed, iso
from infra.demo.registry import write_registry
from infra.demo.script import DEMO_DAY

BEGIN, END = datetime(2026, 1, 21, 5, 0, tzinfo=UTC), datetime(2026, 1, 21, 8, 45, tzinfo=UTC)
LATER, NUMBERS_LATER = timedelta(minutes=30), 500
DCTUS = frozenset(
    ("ALMGRID-D1", "ALMGRID-D2", "BUKHPP-D1", "BUKHPP-D2", "GRES1-D1", "GRES1-D2", "GRES1-D3", "KRGGRID-D1",
     "MKTWPP-D1", "MMGOIL-D1", "PVLCHP3-D1", "PVLCHP3-D2", "RUNORTH-D1", "SHLHPP-D1", "SHLHPP-D2", "TCOGT1-D1",
     "UKHPP-D1", "UZSOUTH-D1")
)  # fmt: skip


def morning() -> list[Sending]:
    """What is sent, in the order of time; the day's schedule first."""
    sent = [
        sending
        for sending in feed(DEMO_DAY)
        if sending.at < END
        and (sending.kind == "schedule" or (sending.at >= BEGIN and (not sending.dctu or sending.dctu in DCTUS)))
    ]
    frames = [sending for sending in sent if sending.kind == "frame" and sending.at < END - LATER]
    sent += [_corrected(sending) for sending in frames[::10]]
    return sorted(sent, key=lambda sending: (sending.at, sending.kind in ("frame", "raw")))


def _corrected(sending: Sending) -> Sending:
    """The same frame sent anew, with one Wh more of everything."""
    at, frame = sending.at + LATER, json.loads(sending.payload)
    frame |= {"seq": frame["seq"] + NUMBERS_LATER, "sent_at": iso(at)}
    for part in frame["slices"]:
        part["wh"] = [wh + 1 for wh in part["wh"]]
    return Sending(at, "frame", sending.dctu, json.dumps(frame).encode())


def write_master_data(folder: Path) -> None:
    """The files of master data, of those DCTUs."""
    write_registry(folder)
    (folder / "emcs.csv").unlink()
    for name in ("dctus", "channels"):
        path = folder / f"{name}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = [row for row in reader if row["dctu"] in DCTUS]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, reader.fieldnames or [], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
