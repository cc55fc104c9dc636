"""`tengerim ingest`: readings from a CSV file, as frames into Kafka."""

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import cyclopts

from connectors.kafka import KafkaError, ensure_topics
from connectors.producer import Producer
from connectors.readings import Counts, frames_of, read_owners, read_readings
from connectors.table import RowError
from infra import settings
from infra.cli.error import UserError
from infra.cli.importing import check_file, importing, moment
from infra.words import many
from schemas.frame import Frame

# Warnings, each about one channel; errors are shown all.
SHOWN = 20

SentAt = Annotated[
    str | None,
    cyclopts.Parameter(
        name="--sent-at",
        help="When the readings were sent, with offset: 2026-03-02T09:30+05:00. Without it, now. "
        "The same file with the same --sent-at brings duplicates only.",
    ),
]


def register(app: cyclopts.App) -> None:
    """Add the command to `app`."""
    app.command(ingest)


def ingest(file: Path, /, *, sent_at: SentAt = None) -> None:
    """Send the readings of a file; bad rows are named and left out, and the exit status is 2 then.

    Parameters
    ----------
    file
        CSV with the columns emc, code, start (with offset), kwh, status (0 measured; 1 suspect, or, without kwh,
        declared missing).
    """
    at = moment("--sent-at", sent_at)
    check_file(file)
    loaded = settings.load("kafka", "database")
    with importing(loaded) as connection:
        owners = read_owners(connection)
    ensure_topics(loaded.kafka, loaded.space, loaded.partitions)
    errors: list[RowError] = []
    counts = Counts()
    frames = frames_of(read_readings(file, errors, counts), owners.dctu_of, at, counts)
    with Producer(loaded.kafka, loaded.space) as producer:
        try:
            bad = _send(producer, frames, errors)
            producer.flush()
        except KafkaError as error:
            raise UserError(
                f"not every reading was sent: {error}. Then ingest the same file with --sent-at {at.isoformat()}: "
                "what has come already does no harm"
            ) from None
    _warn(file, counts.unknown_channels)
    _say(counts, at)
    if bad:
        rest = "the rest was sent" if counts.readings else "nothing was sent"
        raise UserError(f"{many(bad, 'error')} in {file}, named above; {rest}")


def _send(producer: Producer, frames: Iterator[Frame], errors: list[RowError]) -> int:
    """Send all frames, naming what is wrong in the file as it comes to light; gives how many things were."""
    bad = 0
    for frame in frames:
        producer.send_frame(frame)
        bad += _name(errors)
    return bad + _name(errors)


def _name(errors: list[RowError]) -> int:
    named = len(errors)
    for error in errors:
        print(error, file=sys.stderr)  # noqa: T201
    errors.clear()
    return named


def _say(counts: Counts, sent_at: datetime) -> None:
    sent = f"{many(counts.readings, 'reading')} in {many(counts.frames, 'frame')}"
    parts = [f"Sent {sent}, sent at {sent_at.isoformat()}"]
    if counts.rounded:
        parts.append(f"{many(counts.rounded, 'value')} finer than a watt-hour rounded")
    if counts.repeated:
        parts.append(f"{many(counts.repeated, 'row')} said again what an earlier one says")
    print(f"{'; '.join(parts)}.")  # noqa: T201
    if counts.unknown:
        print(  # noqa: T201
            f"{counts.unknown:,} of them belong to no DCTU and go to the quarantine; import the master data, then "
            "`tengerim quarantine replay --rule UNKNOWN`.",
            file=sys.stderr,
        )


def _warn(file: Path, unknown: dict[str, int]) -> None:
    for channel, line in list(unknown.items())[:SHOWN]:
        print(f"{file.name}:{line}: warning: {channel} belongs to no DCTU at that time", file=sys.stderr)  # noqa: T201
    if len(unknown) > SHOWN:
        print(f"and {len(unknown) - SHOWN:,} more channels", file=sys.stderr)  # noqa: T201
