import csv
from collections import Counter
from pathlib import Path

import pytest

from connectors.registry_files import read_folder
from infra.demo.fleet import CODES, Fleet, fleet, mean_loads
from infra.demo.geography import region_at, regions
from infra.demo.plants import plants
from infra.demo.registry import write_registry

COLUMNS = {
    "entities": "entity,name,bin,provider",
    "facilities": "facility,name,entity,zone,region,branch,hub,lat,lon",
    "units": "unit,name,facility,kind,fuel,capacity_mw",
    "dctus": "dctu,name,facility",
    "channels": "emc,code,dctu,unit,sign,max_kwh",
    "emcs": "emc,connection,role,voltage_kv,ct_ratio,vt_ratio,ct_class,vt_class,meter_class,serial,verification_due",
}


@pytest.fixture(scope="module")
def of() -> Fleet:
    return fleet()


def read(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("registry")
    write_registry(folder)
    return folder


def test_the_fleet_is_as_large_as_the_demonstration_says(of: Fleet) -> None:
    assert (len(of.entities), len(of.facilities), len(of.emcs), len(of.channels)) == (61, 155, 500, 2000)
    assert len(of.facilities) <= len(of.dctus) <= 1.25 * len(of.facilities)


def test_the_real_144_plants_are_metered_by_their_nameplates(of: Fleet) -> None:
    assert len(plants()) == 144
    nameplate = Counter[str]()
    for plant in plants():
        nameplate[plant.fuel] += round(plant.capacity_mw * 1000)
    # The data set's totals, with GRES-1 at 4,000 MW in place of 3,500.
    figures = {"coal": 13_467, "gas": 5_105, "hydro": 2_726, "solar": 822, "wind": 649}
    assert {fuel: round(kw / 1000) for fuel, kw in nameplate.items()} == pytest.approx(figures, abs=1)
    metered = sum(emc.capacity_mw for emc in of.emcs if emc.role == "generation")
    assert metered == pytest.approx(sum(plant.capacity_mw for plant in plants()))


def test_gres_1_is_an_entity_of_its_own_with_eight_blocks(of: Fleet) -> None:
    unit = next(unit for unit in of.units if unit.code == "GRES1-G")
    assert (unit.kind, unit.fuel, unit.capacity_mw) == ("generation", "coal", 4000)
    blocks = [emc for emc in of.emcs if emc.unit == "GRES1-G" and emc.role == "generation"]
    assert [emc.capacity_mw for emc in blocks] == [500] * 8
    assert [facility.code for facility in of.facilities if facility.entity == "GRES1"] == ["GRES1"]


def test_codes_are_short_ascii_upper_case_and_unique(of: Fleet) -> None:
    kinds: list[list[str]] = [
        [entity.code for entity in of.entities],
        [facility.code for facility in of.facilities],
        [unit.code for unit in of.units],
        [dctu.code for dctu in of.dctus],
        [emc.code for emc in of.emcs],
    ]
    for codes in kinds:
        assert len(set(codes)) == len(codes)
        for code in codes:
            assert code.isascii()
            assert code == code.upper()
            assert len(code) <= 12


def test_every_reference_is_known(of: Fleet) -> None:
    entities = {entity.code for entity in of.entities}
    facilities = {facility.code for facility in of.facilities}
    assert {entity.provider for entity in of.entities} <= entities
    assert {facility.entity for facility in of.facilities} <= entities
    assert {unit.facility for unit in of.units} == facilities
    assert {dctu.facility for dctu in of.dctus} == facilities
    assert {emc.unit for emc in of.emcs} == {unit.code for unit in of.units}
    assert {emc.dctu for emc in of.emcs} == {dctu.code for dctu in of.dctus}


def test_some_entities_leave_their_balance_to_another(of: Fleet) -> None:
    providers = Counter(entity.provider for entity in of.entities if entity.provider != entity.code)
    assert sum(providers.values()) >= 10
    assert providers["RFC"] >= 3


@pytest.mark.parametrize(
    ("facility", "zone", "region"),
    [
        ("GRES1", "NORTH", "PAVLODAR"),
        ("SHLHPP", "NORTH", "EASTKAZ"),
        ("TOPGRES", "NORTH", "KARAGANDA"),
        ("ZHZCHP", "NORTH", "KARAGANDA"),
        ("BLHCHP", "NORTH", "KARAGANDA"),
        ("ZHNGT", "NORTH", "AKTOBE"),
        ("YBRWPP", "NORTH", "KOSTANAY"),
        ("PTRCHP", "NORTH", "NORTHKAZ"),
        ("ERMWPP", "NORTH", "AKMOLA"),
        ("ABAWPP", "NORTH", "EASTKAZ"),
        ("ZHMGRES", "SOUTH", "ZHAMBYL"),
        ("ZHTWPP", "SOUTH", "ZHAMBYL"),
        ("KUMGT", "SOUTH", "KYZYLORDA"),
        ("SHRHPP", "SOUTH", "TURKESTAN"),
        ("MNKHPP", "SOUTH", "ALMATY"),
        ("MAEKTPP3", "WEST", "MANGYSTAU"),
        ("KLMGT", "WEST", "MANGYSTAU"),
        ("TCOGT3", "WEST", "ATYRAU"),
        ("KPOGT", "WEST", "WESTKAZ"),
    ],
)
def test_a_station_lies_where_it_lies(of: Fleet, facility: str, zone: str, region: str) -> None:
    found = of.facility_of[facility].region
    assert (found.zone, found.code) == (zone, region)


def test_the_nearest_town_decides_a_region() -> None:
    assert region_at(43.25, 76.9).code == "ALMATY"


def test_each_regions_grid_takes_what_its_works_leave() -> None:
    assert sum(mean_loads().values()) == pytest.approx(sum(region.mean_mw for region in regions().values()))
    assert min(mean_loads().values()) > 50


def test_a_generator_counts_what_it_delivers_less_what_it_draws(of: Fleet) -> None:
    sign = dict(zip(of.channels, of.signs, strict=True))
    assert [sign[f"GRES1-B1/{code}"] for code in CODES] == [-1, 1, 0, 0]
    assert [sign[f"GRES1-A1/{code}"] for code in CODES] == [-1, 0, 0, 0]
    assert [sign[f"KEZ-L1/{code}"] for code in CODES] == [1, -1, 0, 0]
    assert [sign[f"KGSOUTH-W1/{code}"] for code in CODES] == [-1, 1, 0, 0]
    assert [sign[f"RUNORTH-W3/{code}"] for code in CODES] == [0, 0, 0, 0]


def test_every_unit_has_a_summed_channel(of: Fleet) -> None:
    assert all(any(of.signs[row] for row in rows) for rows in of.rows_of_unit.values())


def test_the_files_have_exactly_the_columns_of_the_import(written: Path) -> None:
    for table, columns in COLUMNS.items():
        first = (written / f"{table}.csv").read_text("utf-8").splitlines()[0]
        assert first == columns


def test_the_files_are_the_same_bytes_each_time(written: Path, tmp_path: Path) -> None:
    write_registry(tmp_path)
    for table in COLUMNS:
        assert (tmp_path / f"{table}.csv").read_bytes() == (written / f"{table}.csv").read_bytes()


def test_the_files_hold_the_whole_fleet(written: Path, of: Fleet) -> None:
    assert [f"{row['emc']}/{row['code']}" for row in read(written, "channels")] == list(of.channels)
    assert len(read(written, "emcs")) == len(of.emcs)
    assert all(len(row["bin"]) == 12 and row["bin"].isdigit() for row in read(written, "entities"))
    assert {row["kind"] for row in read(written, "units")} == {"generation", "consumption", "interchange"}


def test_a_limit_is_the_capacity_of_a_quarter_hour_and_five_percent(written: Path) -> None:
    limits = {row["emc"]: row["max_kwh"] for row in read(written, "channels")}
    assert limits["GRES1-B1"] == "131250.000"


def test_an_own_provider_is_left_empty(written: Path) -> None:
    providers = {row["entity"]: row["provider"] for row in read(written, "entities")}
    assert providers["GRES1"] == ""
    assert providers["RESNORTH"] == "RFC"


def test_the_import_finds_nothing_wrong_with_the_files(written: Path, of: Fleet) -> None:
    folder = read_folder(written)
    assert folder.errors == []
    assert {stem: len(entries) for stem, entries in folder.entries.items()} == {
        "entities": 61, "facilities": 155, "units": 155, "dctus": len(of.dctus), "channels": 2000, "emcs": 500,
    }  # fmt: skip
