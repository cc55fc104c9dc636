"""Tests of schemas.energy."""

import doctest
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import energy
from schemas.energy import WH_LIMIT, from_kwh, from_mwh, quarter, quarters

WHS = st.integers(-WH_LIMIT, WH_LIMIT)


def test_the_examples_of_the_docstrings_hold() -> None:
    tried = doctest.testmod(energy)
    assert tried.attempted > 0
    assert tried.failed == 0


@pytest.mark.parametrize(
    ("text", "wh", "rounded"),
    [
        ("12.5", 12_500, False),
        ("12,5", 12_500, False),
        (" 0 ", 0, False),
        ("-0.001", -1, False),
        ("1e3", 1_000_000, False),
        ("0.0005", 0, True),
        ("0.0015", 2, True),
        ("0.0025", 2, True),
        ("-0.0015", -2, True),
        ("0.00150000000000000000000000001", 2, True),
        ("10000000000", WH_LIMIT, False),
    ],
)
def test_kwh_become_whole_watt_hours_half_to_even(text: str, wh: int, rounded: bool) -> None:
    assert from_kwh(text) == (wh, rounded)


@pytest.mark.parametrize(
    "text", ["", "x", "1 000", "nan", "inf", "-Infinity", "1.2.3", "0x10", "10000000000.001", "1e400"]
)
def test_what_is_no_energy_is_refused_with_the_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a number|is larger than any energy") as error:
        from_kwh(text)
    assert repr(text) in str(error.value)


@given(WHS)
def test_watt_hours_written_in_mwh_come_back(wh: int) -> None:
    assert from_mwh(f"{Decimal(wh).scaleb(-6):f}") == (wh, False)


@given(WHS)
def test_the_quarters_are_the_hour(wh: int) -> None:
    parts = quarters(wh)
    assert sum(parts) == wh
    assert parts == tuple(quarter(wh, index) for index in range(4))


@given(WHS)
def test_the_remainder_goes_to_the_first_intervals_one_each(wh: int) -> None:
    parts = quarters(wh)
    assert list(parts) == sorted(parts, reverse=True)
    assert parts[0] - parts[3] in (0, 1)
    assert parts[3] == wh // 4
