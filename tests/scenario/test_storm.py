"""A storm: 40,000 channels of 400 DCTUs fall silent at once and come back. The operator is called for one thing."""

import csv
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from connectors.database import connect
from connectors.outbox import send_pending
from connectors.producer import Producer
from connectors.registry import SENDER, import_registry
from connectors.schedule import PlannedHour, import_schedule
from infra.stack.stack import Addresses
from schemas.frame import Frame, Slice
from schemas.settings import Settings
from schemas.time import INTERVAL
from tests.scenario.pipeline import Agents, made, settings_of

pytestmark = [pytest.mark.stack, pytest.mark.slow]

DCTUS, EMCS, CODES = 400, 25, ("01", "02", "03", "04")
ENTITIES = 40
WH = 250_000
FIRST = datetime(2026, 3, 2, 5, tzinfo=UTC)


def write_fleet(folder: Path) -> Path:
    """Forty entities of ten plants, each plant with a DCTU of twenty-five metering complexes."""
    tables: dict[str, list[tuple[object, ...]]] = {
        "entities": [("entity", "name", "bin", "provider")],
        "facilities": [("facility", "name", "entity", "zone", "region", "branch", "hub", "lat", "lon")],
        "units": [("unit", "name", "facility", "kind", "fuel", "capacity_mw")],
        "dctus": [("dctu", "name", "facility")],
        "channels": [("emc", "code", "dctu", "unit", "sign", "max_kwh")],
    }
    tables["entities"] += [(f"E{n}", f"Entity {n}", "", "") for n in range(ENTITIES)]
    for n in range(DCTUS):
        zone = ("NORTH", "SOUTH", "WEST")[n % 3]
        tables["facilities"].append((f"F{n}", f"Plant {n}", f"E{n % ENTITIES}", zone, "R", "B", "H", "", ""))
        tables["units"].append((f"U{n}", f"Unit {n}", f"F{n}", "generation", "coal", 100))
        tables["dctus"].append((f"D{n}", f"Dctu {n}", f"F{n}"))
        for emc in range(EMCS):
            for code in CODES:
                summed = (f"U{n}", 1) if code == "02" else ("", "")
                tables["channels"].append((f"M{n}-{emc}", code, f"D{n}", *summed, 1000))
    folder.mkdir()
    for stem, rows in tables.items():
        with (folder / f"{stem}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    return folder


class Fleet:
    """Sends as its DCTUs do; what they measure goes by the plan."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._seq = 0

    def tick(self, at: datetime) -> None:
        """Write the time."""
        self._producer.send_tick(at)

    def report(self, last: int, dctus: range = range(DCTUS), missed: int = 0) -> None:
        """After interval `last` (counted from the first) hand it over, and so many before it."""
        sent_at = FIRST + (last + 1) * INTERVAL + timedelta(seconds=30)
        self._seq += 1
        for n in dctus:
            channels = [f"M{n}-{emc}/{code}" for emc in range(EMCS) for code in CODES]
            slices = [
                Slice(start=FIRST + number * INTERVAL, channels=channels, wh=[WH] * len(channels),
                      status=[0] * len(channels))
                for number in range(last - missed, last + 1)
            ]  # fmt: skip
            self._producer.send_frame(Frame(dctu=f"D{n}", seq=self._seq, sent_at=sent_at, slices=slices))


@pytest.fixture
def settings(home: Path, stack: Addresses, space: str) -> Settings:
    return settings_of(home, stack, space, 4)


@pytest.fixture
def archive(settings: Settings, tmp_path: Path) -> Iterator[psycopg.Connection]:
    with made(settings) as url, closing(connect(url)) as connection:
        import_registry(connection, write_fleet(tmp_path / "registry"), FIRST, settings.space)
        hours = [
            PlannedHour(f"U{n}", FIRST + timedelta(hours=hour), 1, 4 * WH * EMCS)
            for n in range(DCTUS)
            for hour in range(4)
        ]
        import_schedule(connection, hours, FIRST, settings.space)
        send_pending(connection, settings.kafka, SENDER)
        yield connection


def test_a_storm_of_silence_is_one_call(settings: Settings, archive: psycopg.Connection) -> None:
    with Agents(settings) as agents, Producer(settings.kafka, settings.space) as producer:
        fleet = Fleet(producer)

        def passed(number: int, minutes: int = 6) -> None:
            """The deadline of an interval passes, and everything is brought to its end."""
            fleet.tick(FIRST + (number + 1) * INTERVAL + timedelta(minutes=minutes))
            producer.flush()
            agents.drain()

        fleet.tick(FIRST)
        producer.flush()
        agents.drain()
        for number in (0, 1):
            fleet.tick(FIRST + (number + 1) * INTERVAL)
            fleet.report(number)
            passed(number)
        assert calls(archive) == []
        for number in (2, 3, 4):
            fleet.tick(FIRST + (number + 1) * INTERVAL)
            passed(number)
        during = calls(archive)
        # Most come back together and hand over what they missed; a few need an interval more.
        fleet.tick(FIRST + 6 * INTERVAL)
        fleet.report(5, range(DCTUS - 12), missed=3)
        passed(5)
        fleet.tick(FIRST + 7 * INTERVAL)
        fleet.report(6, range(DCTUS - 12))
        fleet.report(6, range(DCTUS - 12, DCTUS), missed=4)
        passed(6)
        for number in (7, 8, 9):
            fleet.tick(FIRST + (number + 1) * INTERVAL)
            fleet.report(number)
            passed(number)
    found = calls(archive)
    assert [(type_, code) for type_, code, _ in during] == [("PIPELINE", "feed")]
    assert len(found) <= 20, found
    # Who was back an interval later has been called for, once; nothing after everything was healed.
    assert {at for *_, at in found if at > FIRST + 7 * INTERVAL} == set()
    standing = archive.execute(
        "select type, object, state from v_alarm_now where condition or state in ('UNACK', 'ACKED', 'DSUPR')"
    )
    assert standing.fetchall() == []


def calls(archive: psycopg.Connection) -> list[tuple[str, str, datetime]]:
    """Every call of the operator: what, of whom, when."""
    rows = archive.execute("select type, object, at from v_alarm_event where annunciated order by at, event_id")
    found = [(type_, code, at) for type_, code, at in rows]
    archive.rollback()
    return found
