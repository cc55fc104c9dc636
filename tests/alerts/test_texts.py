"""Tests of alerts.texts: what an operator reads."""

import pytest

from alerts.book import Basis, Instance, Key
from alerts.life import Alarm
from alerts.texts import annotations, description, measure, quantity, summary
from alerts.timing import Timing
from connectors.objects import Facts
from schemas.alarm import AlarmType, Unit
from tests.alerts.making import NOON, master

TITLE = {"kk": "Аймақ", "ru": "Зона", "en": "Zone"}
RESPONSE = {"kk": "Қараңыз.", "ru": "Смотрите.", "en": "Look."}
RULES = master(ZONE_IMB={"title": TITLE, "response": RESPONSE}, GAP_DCTU={"title": TITLE, "response": RESPONSE})
MW = 1_000_000


def zone(basis: Basis, since: int | None = None) -> Instance:
    return Instance(Key(AlarmType.ZONE_IMB, "zone", "NORTH"), Alarm(), Timing(since=since), basis)


def dctu(basis: Basis) -> Instance:
    return Instance(Key(AlarmType.GAP_DCTU, "dctu", "UKHPP-D1"), Alarm(), Timing(), basis)


@pytest.mark.parametrize(
    ("value", "unit", "language", "expected"),
    [
        (150 * MW, Unit.W, "en", "150 MW"),
        (150 * MW, Unit.W, "ru", "150 МВт"),
        (1_250 * MW, Unit.WH, "kk", "1,250 МВт·сағ"),
        (149_600_000, Unit.W, "en", "150 MW"),
        (9, Unit.POINTS, "ru", "9 точек"),
        (3, Unit.DCTUS, "ru", "3 УСПД"),
        (120, Unit.SECONDS, "en", "120 s"),
        (2, Unit.UNITS, "en", "2 units without a schedule"),
    ],
)
def test_a_quantity_is_rounded_to_what_people_read(value: int, unit: Unit, language: str, expected: str) -> None:
    assert quantity(value, unit, language) == expected


def test_a_signed_quantity_has_its_sign() -> None:
    assert quantity(150 * MW, Unit.W, "en", signed=True) == "+150 MW"
    assert quantity(-150 * MW, Unit.W, "en", signed=True) == "-150 MW"


@pytest.mark.parametrize("value", [400_000, -400_000, 0])
def test_a_rounded_zero_has_no_sign(value: int) -> None:
    assert quantity(value, Unit.W, "en", signed=True) == "0 MW"


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_every_unit_has_a_name_in_every_language(unit: Unit, language: str) -> None:
    number, _, name = quantity(5 * MW, unit, language).partition(" ")
    assert number in ("5", "5,000,000")
    assert name


def test_a_deviation_is_told_with_its_sign_against_its_limit() -> None:
    assert measure(zone(Basis(Unit.W, -321 * MW, 150 * MW)), "en") == "-321 MW, limit 150 MW"
    assert measure(zone(Basis(Unit.W, 321 * MW, 150 * MW)), "ru") == "+321 МВт, предел 150 МВт"


def test_a_loss_has_no_sign() -> None:
    instance = Instance(Key(AlarmType.TRIP, "facility", "GRES1"), Alarm(), basis=Basis(Unit.W, 1760 * MW, 200 * MW))
    assert measure(instance, "en") == "1,760 MW, limit 200 MW"


def test_what_is_silent_is_told_of_how_many() -> None:
    assert measure(dctu(Basis(Unit.POINTS, 9, 8, detail={"of": 10})), "en") == "9 points, of 10"


def test_without_a_value_there_is_nothing_to_measure() -> None:
    assert measure(zone(Basis(Unit.W)), "en") == ""


def test_the_summary_is_title_name_and_value() -> None:
    instance = zone(Basis(Unit.W, 321 * MW, 150 * MW))
    assert summary(RULES, instance, Facts("North"), "en") == "Zone: North (+321 MW, limit 150 MW)"


def test_without_a_name_the_code_is_told_and_without_a_value_none() -> None:
    assert summary(RULES, zone(Basis(Unit.W)), Facts(), "kk") == "Аймақ: NORTH"


def test_the_description_has_all_to_begin_with() -> None:
    detail = {"contributors": [{"unit": "GRES1", "imbalance_w": 200 * MW}, {"unit": "MAEK", "imbalance_w": -30 * MW}]}
    instance = zone(Basis(Unit.W, 321 * MW, 150 * MW, detail=detail), since=NOON)
    # Noon in UTC is 17:00 in Almaty.
    assert description(RULES, instance, Facts(projected_wh=90 * MW), "en").splitlines() == [
        "Value: +321 MW, limit 150 MW",
        "Since: 02.03.2026 17:00",
        "Hour heading for: +90 MWh",
        "Mostly: GRES1 +200 MW; MAEK -30 MW",
        "What to do: Look.",
    ]


def test_the_description_in_russian() -> None:
    instance = zone(Basis(Unit.W, 321 * MW, 150 * MW), since=NOON)
    assert description(RULES, instance, Facts(), "ru").splitlines() == [
        "Значение: +321 МВт, предел 150 МВт",
        "Начало: 02.03.2026 17:00",
        "Что делать: Смотрите.",
    ]


def test_the_description_says_only_what_is_known() -> None:
    assert description(RULES, zone(Basis(Unit.W)), Facts(), "en") == "What to do: Look."


def test_the_hour_is_of_no_interest_where_devices_are_counted() -> None:
    text = description(RULES, dctu(Basis(Unit.POINTS, 9, 8)), Facts(projected_wh=90 * MW), "en")
    assert "Hour heading for" not in text


def test_what_ails_is_said_in_its_own_words() -> None:
    instance = dctu(Basis(Unit.SECONDS, 120, 60, detail={"says": "no tick for two minutes"}))
    assert description(RULES, instance, Facts(), "en").splitlines() == [
        "Value: 120 s, limit 60 s",
        "no tick for two minutes",
        "What to do: Look.",
    ]


def test_there_is_a_summary_and_a_description_in_every_language() -> None:
    instance = zone(Basis(Unit.W, 321 * MW, 150 * MW))
    found = annotations(RULES, instance, Facts("North"))
    assert set(found) == {
        f"{what}_{language}" for what in ("summary", "description") for language in ("kk", "ru", "en")
    }
    assert found["summary_ru"] == "Зона: North (+321 МВт, предел 150 МВт)"
    assert found["description_kk"].endswith("Не істеу керек: Қараңыз.")
