import csv
import io
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from connectors.schedule import read_file
from infra.demo.day import energy, unit_facts
from infra.demo.fleet import fleet
from infra.demo.plan import as_csv, corrected, like_day, schedule, write_schedule
from infra.demo.script import DEMO, DEMO_DAY, QUIET
from schemas.energy import from_mwh
from schemas.time import is_on_grid, operating_day


def parse(payload: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(payload.decode())))


def test_every_unit_has_every_hour_of_the_day_once() -> None:
    plan = schedule(DEMO_DAY)
    assert len(plan) == len(fleet().units) * 24
    assert len({(row.unit, row.hour) for row in plan}) == len(plan)
    assert {row.version for row in plan} == {1}


def test_hours_are_local_with_their_offset_and_lie_in_the_day() -> None:
    hours = [row.hour for row in schedule(DEMO_DAY) if row.unit == "GRES1-G"]
    assert hours[0] == "2026-01-21T00:00+05:00"
    assert hours[-1] == "2026-01-21T23:00+05:00"
    for hour in hours:
        at = datetime.fromisoformat(hour)
        assert is_on_grid(at)
        assert operating_day(at) == DEMO_DAY


@pytest.mark.parametrize(("unit", "back"), [("KRGGRID-C", 7), ("GRES1-G", 7), ("KGSOUTH-X", 7), ("NURSPP-G", 1)])
def test_the_plan_is_the_like_day_by_the_hour(unit: str, back: int) -> None:
    like = unit_facts(energy(DEMO_DAY - timedelta(days=back)))[unit]
    planned = [from_mwh(row.mwh) for row in schedule(DEMO_DAY) if row.unit == unit]
    assert not any(wh.rounded for wh in planned)
    assert [wh.wh for wh in planned] == pytest.approx(like.reshape(24, 4).sum(axis=1), abs=500)


def test_the_weathers_like_day_is_the_day_before() -> None:
    back = {unit.fuel: (DEMO_DAY - like_day(unit, DEMO_DAY)).days for unit in fleet().units}
    assert back == {"coal": 7, "gas": 7, "hydro": 7, "solar": 1, "wind": 1, "": 7}


def test_an_honest_plan_is_near_the_quiet_day() -> None:
    planned = {row.unit: 0.0 for row in schedule(DEMO_DAY)}
    for row in schedule(DEMO_DAY):
        planned[row.unit] += float(row.mwh)
    facts = unit_facts(energy(DEMO_DAY))
    for kind, share in (("generation", 0.02), ("consumption", 0.02)):
        units = [unit.code for unit in fleet().units if unit.kind == kind]
        fact = sum(int(facts[unit].sum()) for unit in units) / 1e6
        assert sum(planned[unit] for unit in units) == pytest.approx(fact, rel=share)


def test_the_correction_covers_the_hours_from_three_after_the_fall_on() -> None:
    rows = corrected(DEMO_DAY, DEMO)
    assert {row.version for row in rows} == {2}
    hours = [row.hour for row in rows if row.unit == "GRES1-G"]
    assert hours == [f"2026-01-21T{hour}:00+05:00" for hour in range(12, 24)]
    assert {row.unit for row in rows} == {course.unit for course in DEMO.courses}


def test_the_correction_is_what_the_blocks_then_do() -> None:
    fact = unit_facts(energy(DEMO_DAY, DEMO))["GRES1-G"].reshape(24, 4).sum(axis=1)[12:] / 1e6
    planned = [float(row.mwh) for row in corrected(DEMO_DAY, DEMO) if row.unit == "GRES1-G"]
    assert planned == pytest.approx(fact, abs=25)
    assert planned[0] == pytest.approx(320, abs=3)


def test_the_fall_shows_as_a_deficit_until_the_correction() -> None:
    facts, kinds = unit_facts(energy(DEMO_DAY, DEMO)), {unit.code: unit.kind for unit in fleet().units}
    deficit = np.zeros(24)
    for version, rows in ((1, schedule(DEMO_DAY)), (2, corrected(DEMO_DAY, DEMO))):
        before = {(row.unit, row.hour): float(row.mwh) for row in schedule(DEMO_DAY)}
        for row in rows:
            sign = -1 if kinds[row.unit] == "generation" else 1
            hour = int(row.hour[11:13])
            change = float(row.mwh) - (before[row.unit, row.hour] if version == 2 else 0)
            deficit[hour] -= sign * change
    for unit, fact in facts.items():
        deficit += (-1 if kinds[unit] == "generation" else 1) * fact.reshape(24, 4).sum(axis=1) / 1e6
    assert np.abs(deficit[:9]).max() < 300
    assert deficit[9:12].min() > 1000
    assert np.abs(deficit[12:]).max() < 350


def test_a_quiet_day_has_no_second_version() -> None:
    assert corrected(DEMO_DAY, QUIET) == []


def test_the_day_of_25_hours_has_25_rows_a_unit() -> None:
    hours = [row.hour for row in schedule(date(2024, 2, 29)) if row.unit == "GRES1-G"]
    assert len(set(hours)) == 25
    assert hours[-2:] == ["2024-02-29T23:00+06:00", "2024-02-29T23:00+05:00"]


def test_the_file_has_exactly_the_columns_of_the_import(tmp_path: Path) -> None:
    path = tmp_path / "new" / "schedule.csv"
    write_schedule(corrected(DEMO_DAY, DEMO), path)
    assert path.read_bytes() == as_csv(corrected(DEMO_DAY, DEMO))
    rows = parse(path.read_bytes())
    assert list(rows[0]) == ["unit", "hour", "mwh", "version"]
    assert rows[0]["unit"] == "GRES1-G"
    assert len(rows[0]["mwh"].partition(".")[2]) == 3


def test_the_import_finds_nothing_wrong_with_the_files(tmp_path: Path) -> None:
    for plan in (schedule(DEMO_DAY), corrected(DEMO_DAY, DEMO)):
        write_schedule(plan, tmp_path / "schedule.csv")
        read = read_file(tmp_path / "schedule.csv")
        assert read.errors == []
        assert (len(read.hours), read.rounded) == (len(plan), 0)
