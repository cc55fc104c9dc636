"""Tests of connectors.readings."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from connectors import readings
from connectors.readings import (
    UNKNOWN_DCTU,
    Counts,
    Owners,
    Reading,
    frames_of,
    read_instant,
    read_owners,
    read_readings,
)
from connectors.registry import import_registry
from connectors.table import RowError
from schemas.frame import Frame
from schemas.time import to_us
from tests.connectors.fleet import FLEET, write_files

START = datetime(2026, 3, 1, tzinfo=UTC)
SENT_AT = datetime(2026, 3, 1, 1, 0, 0, 5, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def read(
    folder: Path, *rows: str, header: str = "emc,code,start,kwh,status"
) -> tuple[list[Reading], list[str], Counts]:
    path = folder / "readings.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    errors: list[RowError] = []
    counts = Counts()
    found = list(read_readings(path, errors, counts))
    return found, [str(error) for error in errors], counts


def given(channel: str, start: datetime, wh: int | None, status: int = 0) -> Reading:
    return Reading(0, channel, start, wh, status)


def frames(rows: list[Reading], counts: Counts | None = None) -> list[Frame]:
    """Frames of channels whose DCTU is the first letter of their EMC."""
    return list(frames_of(rows, lambda channel, _: f"D{channel[0]}", SENT_AT, counts or Counts()))


def cells(found: list[Frame]) -> list[tuple[str, int, str, datetime, int | None, int]]:
    return [
        (frame.dctu, frame.seq - to_us(SENT_AT), channel, part.start, wh, status)
        for frame in found
        for part in frame.slices
        for channel, wh, status in zip(part.channels, part.wh, part.status, strict=True)
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("E1,01,2026-03-01T00:00Z,12.5,0", Reading(2, "E1/01", START, 12_500, 0)),
        ("E1,02,2026-03-01T05:00+05:00,12.5,1", Reading(2, "E1/02", START, 12_500, 1)),
        ("E1,01,2026-03-01 05:00:00+0500,0,0", Reading(2, "E1/01", START, 0, 0)),
        ("E1,01,2026-03-01T00:00Z,,1", Reading(2, "E1/01", START, None, 1)),
        ("E1,01,2026-03-01T00:00Z,-3,0", Reading(2, "E1/01", START, -3_000, 0)),
        ("E1,01,2026-03-01T00:07Z,1e3,0", Reading(2, "E1/01", START + timedelta(minutes=7), 1_000_000, 0)),
        ("E1,77,2099-03-01T00:00Z,0.001,0", Reading(2, "E1/77", datetime(2099, 3, 1, tzinfo=UTC), 1, 0)),
    ],
    ids=["measured", "suspect", "local time", "declared missing", "negative", "off the grid", "unknown and to come"],
)
def test_a_row_is_a_reading(tmp_path: Path, row: str, expected: Reading) -> None:
    assert read(tmp_path, row) == ([expected], [], Counts())


def test_a_decimal_comma_is_read_where_columns_are_cut_by_semicolons(tmp_path: Path) -> None:
    found, errors, _ = read(tmp_path, "E1;01;2026-03-01T00:00Z;12,5;0", header="emc;code;start;kwh;status")
    assert (found, errors) == ([Reading(2, "E1/01", START, 12_500, 0)], [])


def test_finer_than_a_watt_hour_is_rounded_half_to_even_and_counted(tmp_path: Path) -> None:
    rows = [f"E{number},01,2026-03-01T00:00Z,{kwh},0" for number, kwh in enumerate(("0.0005", "0.0015", "0.0016", "1"))]
    found, _, counts = read(tmp_path, *rows)
    assert [reading.wh for reading in found] == [0, 2, 2, 1000]
    assert counts.rounded == 3


@pytest.mark.parametrize(
    ("row", "problems"),
    [
        (",01,2026-03-01T00:00Z,1,0", ["emc: is empty"]),
        ("E 1,01,2026-03-01T00:00Z,1,0", ["emc: 'E 1' has a blank; a code has none"]),
        (f"{'E' * 65},01,2026-03-01T00:00Z,1,0", [f"emc: {'E' * 20!r}… has 65 characters; a code has 64 at most"]),
        ("E1,,2026-03-01T00:00Z,1,0", ["code: is empty"]),
        ("E1,01,,1,0", ["start: '' is not an instant such as 2026-01-01T00:15+05:00"]),
        ("E1,01,01.03.2026 00:00,1,0", ["start: '01.03.2026 00:00' is not an instant such as 2026-01-01T00:15+05:00"]),
        (
            "E1,01,2026-02-30T00:00Z,1,0",
            ["start: '2026-02-30T00:00Z' is not an instant such as 2026-01-01T00:15+05:00"],
        ),
        (
            "E1,01,2026-03-01T00:00,1,0",
            ["start: '2026-03-01T00:00' has no offset; write for example 2026-01-01T00:15+05:00"],
        ),
        ("E1,01,0001-01-01T00:00+05:00,1,0", ["start: '0001-01-01T00:00+05:00' lies outside the calendar"]),
        ("E1,01,2026-03-01T00:00Z,twelve,0", ["kwh: 'twelve' is not a number"]),
        ("E1,01,2026-03-01T00:00Z,NaN,0", ["kwh: 'NaN' is not a number"]),
        ("E1,01,2026-03-01T00:00Z,Infinity,1", ["kwh: 'Infinity' is not a number"]),
        ("E1,01,2026-03-01T00:00Z,1 000,0", ["kwh: '1 000' is not a number"]),
        ("E1,01,2026-03-01T00:00Z,1e16,0", ["kwh: '1e16' is larger than any energy this archive can hold"]),
        (
            "E1,01,2026-03-01T00:00Z,1e999999999,0",
            ["kwh: '1e999999999' is larger than any energy this archive can hold"],
        ),
        ("E1,01,2026-03-01T00:00Z,,0", ["kwh: is empty; a device without a value says so by status 1"]),
        (
            "E1,01,2026-03-01T00:00Z,1,",
            ["status: '' is neither 0 (measured) nor 1 (suspect; without kwh: the device has no value)"],
        ),
        (
            "E1,01,2026-03-01T00:00Z,1,2",
            ["status: '2' is neither 0 (measured) nor 1 (suspect; without kwh: the device has no value)"],
        ),
        ("E1,01,2026-03-01T00:00Z,1", [" 4 values, but the header has 5 columns"]),
        ("E1,01,2026-03-01T00:00Z,1,5,0", [" 6 values, but the header has 5 columns"]),
        ('E1,"01,2026-03-01T00:00Z,1,0', [" a quote is not closed on this line"]),
        (
            ",,yesterday,much,bad",
            [
                "emc: is empty",
                "code: is empty",
                "start: 'yesterday' is not an instant such as 2026-01-01T00:15+05:00",
                "status: 'bad' is neither 0 (measured) nor 1 (suspect; without kwh: the device has no value)",
                "kwh: 'much' is not a number",
            ],
        ),
    ],
)
def test_a_bad_row_is_named_and_the_others_come(tmp_path: Path, row: str, problems: list[str]) -> None:
    good = [f"E{number},01,2026-03-01T00:00Z,1,0" for number in (8, 9)]
    found, errors, _ = read(tmp_path, good[0], row, good[1])
    assert [(reading.line, reading.channel) for reading in found] == [(2, "E8/01"), (4, "E9/01")]
    assert errors == [f"readings.csv:3:{problem}" for problem in problems]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("emc,code,start,wh,status", "readings.csv:1:wh: no such column here; there are emc, code, start, kwh, status"),
        ("emc,code,start,kwh", "readings.csv:1:status: the column is missing"),
    ],
)
def test_a_header_that_is_not_of_readings_gives_none(tmp_path: Path, header: str, problem: str) -> None:
    found, errors, _ = read(tmp_path, "E1,01,2026-03-01T00:00Z,1,0", header=header)
    assert found == []
    assert problem in errors


def test_a_channel_belongs_to_the_dctu_of_the_moment() -> None:
    owners = Owners([("E1/01", "D1", START, START + QUARTER), ("E1/01", "D2", START + QUARTER, START + 3 * QUARTER)])
    asked = [START - QUARTER, START, START + QUARTER, START + 2 * QUARTER, START + 3 * QUARTER]
    assert [owners.dctu_of("E1/01", start) for start in asked] == [UNKNOWN_DCTU, "D1", "D2", "D2", UNKNOWN_DCTU]
    assert owners.dctu_of("E2/01", START) == UNKNOWN_DCTU


def test_a_frame_is_of_one_dctu_with_its_intervals_in_order() -> None:
    rows = [
        given("A1/01", START + QUARTER, 3, 0),
        given("B1/01", START, 2, 0),
        given("A1/01", START, None, 1),
        given("A2/01", START, 1, 1),
    ]
    found = frames(rows)
    assert [(frame.dctu, [part.start for part in frame.slices]) for frame in found] == [
        ("DA", [START, START + QUARTER]),
        ("DB", [START]),
    ]
    assert cells(found) == [
        ("DA", 0, "A1/01", START, None, 1),
        ("DA", 0, "A2/01", START, 1, 1),
        ("DA", 0, "A1/01", START + QUARTER, 3, 0),
        ("DB", 0, "B1/01", START, 2, 0),
    ]
    assert {frame.sent_at for frame in found} == {SENT_AT}


def test_frames_are_cut_and_hold_every_reading_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "FRAME_READINGS", 7)
    monkeypatch.setattr(readings, "BLOCK_READINGS", 50)
    rows = [given(f"{'AB'[n % 2]}{n % 10}/01", START + QUARTER * (n // 10), n, 0) for n in range(120)]
    counts = Counts()
    found = frames(rows, counts)
    assert max(sum(len(part.channels) for part in frame.slices) for frame in found) == 7
    assert Counter((channel, start, wh) for _, _, channel, start, wh, _ in cells(found)) == Counter(
        (row.channel, row.start, row.wh) for row in rows
    )
    assert (counts.readings, counts.frames) == (120, len(found))
    assert sorted({seq for _, seq, *_ in cells(found)}) == [0, 1, 2]


def test_of_a_reading_given_twice_the_later_row_is_the_greater_version() -> None:
    rows = [given("A1/01", START, 1, 0), given("A2/01", START, 5, 0), given("A1/01", START, 2, 0)]
    versions = [(seq, wh) for _, seq, channel, _, wh, _ in cells(frames(rows)) if channel == "A1/01"]
    assert versions == [(0, 1), (1, 2)]


def test_the_same_row_again_says_nothing_new() -> None:
    counts = Counts()
    found = frames([given("A1/01", START, 1, 0), given("A1/01", START, 1, 0)], counts)
    assert len(cells(found)) == 1
    assert counts.repeated == 1


def test_the_version_of_a_reading_does_not_hang_on_the_master_data() -> None:
    rows = [given(f"A{n}/01", START, n % 7, 0) for n in (*range(30), *range(20), *range(10))]
    together = cells(list(frames_of(rows, lambda *_: "D1", SENT_AT, Counts())))
    apart = cells(list(frames_of(rows, lambda channel, _: channel[:2], SENT_AT, Counts())))
    assert sorted(cell[1:] for cell in together) == sorted(cell[1:] for cell in apart)


def test_channels_of_no_dctu_are_sent_and_told_by_their_first_lines() -> None:
    counts = Counts()
    rows = [given("A1/01", START, 1, 0), given("A1/01", START + QUARTER, 1, 0), given("A2/01", START, 1, 0)]
    (frame,) = frames_of([row._replace(line=n) for n, row in enumerate(rows)], Owners([]).dctu_of, SENT_AT, counts)
    assert frame.dctu == UNKNOWN_DCTU
    assert (counts.unknown, counts.unknown_channels) == (3, {"A1/01": 0, "A2/01": 2})


def test_an_instant_is_the_same_whatever_its_offset() -> None:
    assert read_instant("2026-03-01T05:00+05:00") == read_instant("2026-03-01T00:00:00Z") == START
    assert read_instant("2026-03-01T05:00+05:00").tzinfo is UTC


@pytest.mark.stack
def test_the_archive_knows_to_whom_a_channel_belongs(archive: psycopg.Connection, tmp_path: Path, space: str) -> None:
    second = ["M1,01,DG,UG,1,500,2026-03-01T00:00Z,2026-03-02T00:00Z"]
    import_registry(archive, write_files(tmp_path, FLEET | {"channels": FLEET["channels"] + second}), START, space)
    owners = read_owners(archive)
    day = timedelta(days=1)
    assert [owners.dctu_of("M1/01", at) for at in (START - day, START, START + day)] == ["DF", "DG", UNKNOWN_DCTU]
    assert owners.dctu_of("M2/01", datetime(2000, 1, 1, tzinfo=UTC)) == "DG"
    assert owners.dctu_of("M9/01", START) == UNKNOWN_DCTU
