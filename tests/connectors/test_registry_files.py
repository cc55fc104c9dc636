"""Tests of connectors.registry_files and the rows of schemas.registry."""

from pathlib import Path

import pytest

from connectors.registry_files import open_references, read_folder
from connectors.table import TableError
from schemas.registry import ALWAYS, FOR_EVER

ENTITIES = "entity,name,bin,provider"
FACILITIES = "facility,name,entity,zone,region,branch,hub,lat,lon"
UNITS = "unit,name,facility,kind,fuel,capacity_mw"
DCTUS = "dctu,name,facility"
CHANNELS = "emc,code,dctu,unit,sign,max_kwh"
EMCS = "emc,connection,role,voltage_kv,ct_ratio,vt_ratio,ct_class,vt_class,meter_class,serial,verification_due"


def problems(folder: Path, stem: str, *lines: str) -> list[str]:
    (folder / f"{stem}.csv").write_text("\n".join(lines), encoding="utf-8")
    return [str(error) for error in read_folder(folder).errors]


@pytest.mark.parametrize(
    ("stem", "header", "line", "expected"),
    [
        ("entities", ENTITIES, ",Name,,", ["entity: is empty"]),
        ("entities", ENTITIES, "K EGOC,Name,,", ["entity: 'K EGOC' has a blank; a code has none"]),
        (
            "entities",
            ENTITIES,
            f"{'K' * 65},Name,,",
            [f"entity: '{'K' * 20}'… has 65 characters; a code has 64 at most"],
        ),
        ("entities", ENTITIES, "K,Name,12345,", ["bin: '12345' is not a BIN; it has 12 digits"]),
        ("entities", ENTITIES, "K,Name,١٢٣٤٥٦٧٨٩٠١٢,", ["bin: '١٢٣٤٥٦٧٨٩٠١٢' is not a BIN; it has 12 digits"]),
        ("entities", ENTITIES, "K,Name,,P V", ["provider: 'P V' has a blank; a code has none"]),
        ("facilities", FACILITIES, "F,,E,,,,,90.5,71", ["lat: '90.5' is not within -90 and 90 degrees"]),
        ("facilities", FACILITIES, "F,,E,,,,,51,-181", ["lon: '-181' is not within -180 and 180 degrees"]),
        ("facilities", FACILITIES, "F,,E,,,,,51,", ["lon: lat and lon go together: give both or neither"]),
        ("facilities", FACILITIES, "F,,E,,,,,,71", ["lon: lat and lon go together: give both or neither"]),
        (
            "facilities",
            FACILITIES,
            "F,,,Z Z,,,,nan,x",
            [
                "entity: is empty",
                "zone: 'Z Z' has a blank; a code has none",
                "lat: 'nan' is not a number",
                "lon: 'x' is not a number",
            ],
        ),
        ("units", UNITS, "U,,F,wind,,", ["kind: 'wind' is none of generation, consumption, interchange"]),
        ("units", UNITS, "U,,F,generation,,-1", ["capacity_mw: '-1' is below zero"]),
        ("units", UNITS, "U,,F,generation,,much", ["capacity_mw: 'much' is not a number"]),
        ("dctus", DCTUS, "D,,", ["facility: is empty"]),
        ("channels", CHANNELS, "E,1,D,U,1,5", ["code: '1' is none of 01, 02, 03, 04"]),
        ("channels", CHANNELS, "E,01,D,U,2,5", ["sign: '2' is none of -1, 0, 1"]),
        (
            "channels",
            CHANNELS,
            "E,01,D,,1,5",
            ["sign: '1' with an empty unit; without a unit it is 0 or empty"],
        ),
        (
            "channels",
            CHANNELS,
            "E,01,D,U,,5",
            ["sign: is empty; 1 adds to the unit, -1 subtracts, 0 is measured but not summed"],
        ),
        (
            "channels",
            CHANNELS,
            "E,01,D,U,1,",
            ["max_kwh: is empty; it is the most that the channel can measure in a quarter-hour"],
        ),
        ("channels", CHANNELS, "E,01,D,U,1,-0.001", ["max_kwh: '-0.001' is below zero"]),
        (
            "channels",
            CHANNELS,
            "E,01,D,U,1,1e999999",
            ["max_kwh: '1e999999' is larger than any energy this archive can hold"],
        ),
        ("emcs", EMCS, "E,,,high,,,,,,,", ["voltage_kv: 'high' is not a number"]),
        ("emcs", EMCS, "E,,,-110,,,,,,,", ["voltage_kv: '-110' is not a voltage in kV"]),
        ("emcs", EMCS, "E,,,,,,,,,,31.03.2027", ["verification_due: '31.03.2027' is not a date such as 2027-03-31"]),
    ],
)
def test_a_bad_value_is_named_with_line_and_column(
    tmp_path: Path, stem: str, header: str, line: str, expected: list[str]
) -> None:
    assert problems(tmp_path, stem, header, line) == [f"{stem}.csv:2:{problem}" for problem in expected]


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "problem"),
    [
        ("yesterday", "", "valid_from: 'yesterday' is not an instant such as 2026-01-01T00:00+05:00"),
        ("2026-01-01", "", "valid_from: '2026-01-01' has no offset; write for example 2026-01-01T00:00+05:00"),
        (
            "2026-01-01T00:10+05:00",
            "",
            "valid_from: '2026-01-01T00:10+05:00' is not the start of a quarter-hour of the years 2000 to 2099",
        ),
        (
            "1999-12-31T00:00+05:00",
            "",
            "valid_from: '1999-12-31T00:00+05:00' is not the start of a quarter-hour of the years 2000 to 2099",
        ),
        (
            "2026-01-01T00:00+05:00",
            "2025-12-31T18:45+00:00",
            "valid_to: '2025-12-31T18:45+00:00' lies before valid_from",
        ),
        ("infinity", "2026-01-01T00:00Z", "valid_to: '2026-01-01T00:00Z' lies before valid_from"),
    ],
)
def test_a_bad_period_is_named(tmp_path: Path, valid_from: str, valid_to: str, problem: str) -> None:
    lines = f"{ENTITIES},valid_from,valid_to", f"K,Name,,,{valid_from},{valid_to}"
    assert problems(tmp_path, "entities", *lines) == [f"entities.csv:2:{problem}"]


def test_a_code_is_said_once_for_each_start(tmp_path: Path) -> None:
    lines = [
        "E,01,D,,,5,",
        "E,02,D,,,5,",
        "E,01,D,,,5,2026-01-01T00:00Z",
        "E,01,D,,,6,",
        "E,01,D,,,5,2026-01-01T05:00+05:00",
    ]
    assert problems(tmp_path, "channels", f"{CHANNELS},valid_from", *lines) == [
        "channels.csv:5:emc: line 2 already says what holds of E/01 from the same valid_from",
        "channels.csv:6:emc: line 4 already says what holds of E/01 from the same valid_from",
    ]


def test_errors_of_all_files_come_together(tmp_path: Path) -> None:
    (tmp_path / "entities.csv").write_text(f"{ENTITIES}\nK,Name,1,\n")
    (tmp_path / "units.csv").write_text("unit\nU\n")
    assert [(error.file, error.line, error.column) for error in read_folder(tmp_path).errors] == [
        ("entities.csv", 2, "bin"),
        *(("units.csv", 1, column) for column in ("name", "facility", "kind", "fuel", "capacity_mw")),
    ]


def test_what_is_empty_gets_its_meaning(tmp_path: Path) -> None:
    (tmp_path / "entities.csv").write_text(f"{ENTITIES}\nK,,,\n")
    (tmp_path / "facilities.csv").write_text(f"{FACILITIES}\nF,,K,,,,,,\n")
    (tmp_path / "units.csv").write_text(f"{UNITS}\nU,,F,interchange,,\n")
    (tmp_path / "channels.csv").write_text(f"{CHANNELS}\nE,03,D,,,12.3456\n")
    said = [entry[0].row.model_dump() for entry in read_folder(tmp_path).entries.values() if entry]
    always = {"valid_from": ALWAYS, "valid_to": FOR_EVER}
    place = {"zone": "", "region": "", "branch": "", "hub": "", "lat": None, "lon": None}
    assert said == [
        {"entity": "K", "name": "K", "bin": "", "provider": "K", **always},
        {"facility": "F", "name": "F", "entity": "K", **place, **always},
        {"unit": "U", "name": "U", "facility": "F", "kind": "interchange", "fuel": "", "capacity_w": None, **always},
        {"emc": "E", "code": "03", "dctu": "D", "unit": "", "sign": 0, "max_wh": 12346, **always},
    ]


def test_megawatts_become_watts_and_kilowatt_hours_watt_hours(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text(f'{UNITS}\nU,,F,generation,gas,"57,5"\n')
    (tmp_path / "channels.csv").write_text(f"{CHANNELS}\nE,01,D,U,+1,1250.125\n")
    entries = read_folder(tmp_path).entries
    assert entries["units"][0].row.model_dump()["capacity_w"] == 57_500_000
    assert entries["channels"][0].row.model_dump()["max_wh"] == 1_250_125


def test_references_that_the_folder_answers_are_not_open(tmp_path: Path) -> None:
    (tmp_path / "entities.csv").write_text(f"{ENTITIES}\nK,Name,1234,\nL,Name,,P\n")
    (tmp_path / "facilities.csv").write_text(f"{FACILITIES}\nF,,K,,,,,,\nG,,M,,,,,,\n")
    (tmp_path / "channels.csv").write_text(f"{CHANNELS}\nE,01,D,U,1,5\nE,02,D,,,5\n")
    (tmp_path / "emcs.csv").write_text(f"{EMCS}\nE{',' * 10}\nX{',' * 10}\n")
    assert [
        (ref.stem, ref.line, ref.column, ref.target, ref.code) for ref in open_references(read_folder(tmp_path))
    ] == [
        ("entities", 3, "provider", "entities", "P"),
        ("facilities", 3, "entity", "entities", "M"),
        ("channels", 2, "dctu", "dctus", "D"),
        ("channels", 3, "dctu", "dctus", "D"),
        ("channels", 2, "unit", "units", "U"),
        ("emcs", 3, "emc", "channels", "X"),
    ]


def test_a_folder_with_none_of_the_files_and_no_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "schedule.csv").write_text("unit,hour,mwh,version\n")
    with pytest.raises(TableError, match=r"has none of entities.csv, facilities.csv, .*, emcs.csv"):
        read_folder(tmp_path)
    with pytest.raises(TableError, match="there is no such folder"):
        read_folder(tmp_path / "nowhere")
