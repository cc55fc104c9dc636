from datetime import date

import numpy as np
import pytest

from infra.demo.day import Energies, energy, unit_facts
from infra.demo.fleet import Fleet, fleet
from infra.demo.noise import hashed, pick
from infra.demo.profiles import profiles
from infra.demo.script import DEMO, DEMO_DAY, QUIET
from infra.demo.tables import DATA
from schemas.time import day_slots

MW = 250_000  # Wh of a quarter-hour
WORKING_DAYS = [date(2026, 1, 14), date(2026, 1, 20), DEMO_DAY, date(2026, 1, 22), date(2026, 1, 29)]


@pytest.fixture(scope="module")
def of() -> Fleet:
    return fleet()


@pytest.fixture(scope="module")
def quiet() -> Energies:
    return energy(DEMO_DAY, QUIET)


@pytest.fixture(scope="module")
def demo() -> Energies:
    return energy(DEMO_DAY, DEMO)


def by_kind(energies: Energies, kind: str, zone: str | None = None) -> Energies:
    facts, of = unit_facts(energies), fleet()
    chosen = [
        facts[unit.code]
        for unit in of.units
        if unit.kind == kind and zone in (None, of.facility_of[unit.facility].region.zone)
    ]
    return np.asarray(np.sum(chosen, axis=0), dtype=np.int64)


def balancing_import(energies: Energies) -> Energies:
    rows = [4 * place for place, emc in enumerate(fleet().emcs) if emc.role == "balancing"]
    return np.asarray(np.sum([energies[row] - energies[row + 1] for row in rows], axis=0), dtype=np.int64)


def test_the_extract_is_compact() -> None:
    assert (DATA / "profiles.csv.gz").stat().st_size < 200_000
    assert sum(file.stat().st_size for file in DATA.iterdir()) < 300_000


def test_the_extract_holds_four_weeks_of_per_unit_profiles() -> None:
    assert len(profiles()) == 24
    for values in profiles().values():
        assert len(values) == 28 * 96
        assert 0 <= values.min() < values.max() <= 1


def test_one_hash_is_as_many() -> None:
    numbers = np.array([0, 1, 96, 1_966_000], dtype=np.int64)
    assert [pick("name", int(number), 2**64) for number in numbers] == hashed("name", numbers).tolist()


def test_a_day_is_the_same_each_time() -> None:
    first = energy(DEMO_DAY, DEMO).copy()
    energy.cache_clear()
    assert np.array_equal(energy(DEMO_DAY, DEMO), first)


def test_every_energy_is_a_whole_number_within_its_limit(of: Fleet, demo: Energies) -> None:
    assert demo.dtype == np.int64
    assert demo.shape == (2000, 96)
    assert demo.min() >= 0
    limits = np.repeat([emc.max_wh for emc in of.emcs], 4)
    assert (demo.max(axis=1) <= limits).all()


@pytest.mark.parametrize("day", WORKING_DAYS)
def test_a_winter_working_day_peaks_in_the_evening_at_15_to_16_gw(day: date) -> None:
    load = by_kind(energy(day), "consumption") / MW
    assert 15_000 <= load.max() <= 16_000
    assert 0.75 <= load.min() / load.max() <= 0.81
    assert 17 * 4 <= load.argmax() <= 20 * 4
    assert load.argmin() < 5 * 4


def test_a_sunday_is_lower(quiet: Energies) -> None:
    sunday = by_kind(energy(date(2026, 1, 25)), "consumption")
    assert sunday.sum() < 0.99 * by_kind(quiet, "consumption").sum()


def test_zones_take_their_shares_of_the_countrys_consumption(quiet: Energies) -> None:
    total = by_kind(quiet, "consumption").sum()
    for zone, share in (("NORTH", 0.657), ("SOUTH", 0.217), ("WEST", 0.126)):
        assert by_kind(quiet, "consumption", zone).sum() / total == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("day", WORKING_DAYS)
def test_what_is_made_and_brought_in_is_what_is_taken_and_lost(day: date) -> None:
    energies = energy(day, DEMO if day == DEMO_DAY else QUIET)
    supply = by_kind(energies, "generation") - by_kind(energies, "interchange") + balancing_import(energies)
    load = by_kind(energies, "consumption")
    losses = (supply - load) / load
    assert (losses > 0.02).all()
    assert (losses < 0.035).all()


def test_an_ordinary_day_needs_little_balancing(quiet: Energies) -> None:
    assert np.abs(balancing_import(quiet) / MW).max() < 300


def test_gres_1_runs_at_2080_mw_on_a_quiet_day(quiet: Energies) -> None:
    power = unit_facts(quiet)["GRES1-G"] / MW
    assert power.min() > 2060
    assert power.max() < 2100


def test_gres_1_falls_to_320_mw_at_nine_and_is_back_at_night(demo: Energies) -> None:
    power = unit_facts(demo)["GRES1-G"] / MW
    assert power[35] == pytest.approx(2080, abs=20)
    assert power[36:72] == pytest.approx(320, abs=5)
    assert power[95] == pytest.approx(2080, abs=20)
    assert balancing_import(demo)[36] / MW == pytest.approx(1700, abs=150)


def test_the_fall_changes_no_other_hour_or_unit(quiet: Energies, demo: Energies) -> None:
    before, after = unit_facts(quiet), unit_facts(demo)
    changed = {unit for unit in before if not np.array_equal(before[unit], after[unit])}
    assert changed == {course.unit for course in DEMO.courses}
    assert np.array_equal(demo[:, :36], quiet[:, :36])


def test_a_standing_block_draws_and_delivers_nothing(of: Fleet, demo: Energies) -> None:
    taken, given = (demo[of.channels.index(f"GRES1-B3/{code}")] for code in ("01", "02"))
    assert (taken > 0).all()
    assert (given == 0).all()


def test_nights_have_no_sun(of: Fleet, quiet: Energies) -> None:
    facts = unit_facts(quiet)
    for unit in of.units:
        if unit.fuel == "solar":
            fact = facts[unit.code]
            assert (fact[:24] == 0).all()
            assert fact[32:64].max() > 0


def test_reservoirs_peak_in_the_morning_and_in_the_evening(quiet: Energies) -> None:
    fact = unit_facts(quiet)["SHLHPP-G"]
    assert fact[36:42].mean() > 1.3 * fact[12:20].mean()
    assert fact[74:82].mean() > 1.2 * fact[56:62].mean()


def test_days_join_without_a_jump(quiet: Energies) -> None:
    following = energy(date(2026, 1, 22))
    step = by_kind(following, "consumption")[0] - by_kind(quiet, "consumption")[-1]
    assert abs(step / MW) < 400


def test_the_day_of_25_hours_has_100_intervals(of: Fleet) -> None:
    day = date(2024, 2, 29)
    assert len(day_slots(day)) == 100
    energies = energy(day)
    assert energies.shape == (2000, 100)
    assert (energies.max(axis=1) <= np.repeat([emc.max_wh for emc in of.emcs], 4)).all()
