"""Tests of alerts.limits: figures by hand, of the shipped rules."""

import pytest

from alerts.limits import limits_of
from alerts.master import shipped

MWH = 1_000_000


@pytest.mark.parametrize(
    ("plan_mw", "capacity_mw", "limit_mw"),
    [
        (100, 0, 14),  # at least 14 MW
        (1_000, 0, 50),  # 5 % of the plan
        (1_000, 6_000, 60),  # 1 % of the installed capacity
        (-1_000, 0, 50),
        (None, 6_000, None),
    ],
)
def test_the_band_of_generation_is_the_greatest_figure_of_the_lowest_level(
    plan_mw: int | None, capacity_mw: int, limit_mw: int | None
) -> None:
    plan = None if plan_mw is None else plan_mw * MWH
    limit = None if limit_mw is None else limit_mw * MWH
    assert limits_of(shipped().types.DEV_GEN, [plan], capacity_mw * MWH) == [limit]


def test_every_hour_has_its_own() -> None:
    found = limits_of(shipped().types.DEV_CONS, [400 * MWH, None, 800 * MWH], 0)
    assert found == [20 * MWH, None, 40 * MWH]


def test_an_override_counts() -> None:
    rule = shipped().types.ZONE_IMB
    assert limits_of(rule, [0], 0) == [150 * MWH]
    assert limits_of(rule.of("zone", "NORTH"), [0], 0) == [250 * MWH]


def test_without_a_plan_there_is_no_band() -> None:
    assert limits_of(shipped().types.DEV_GEN, [], 0) == []
