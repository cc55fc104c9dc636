"""Tests of alerts.conditions: values, limits and excuses of each type, by hand."""

from dataclasses import replace
from typing import Any

import pytest

from alerts.conditions import Judged, Why, judge
from alerts.frame import GENERATION
from alerts.master import Master
from schemas.alarm import AlarmType, Unit
from tests.alerts.making import NOON, Node, frame, lead, master

MW = 1_000_000


def zone(node: Node, code: str = "NORTH") -> Node:
    return replace(node, kind="zone", code=code)


def judged(type_: AlarmType, *nodes: Node, rules: Master | None = None) -> Judged:
    (found,) = [one for one in judge(rules or master(), frame(*nodes)) if one.type is type_]
    return found


def levels(type_: AlarmType, node: Node, rules: Master | None = None) -> tuple[list[int], list[int]]:
    """Of the judged intervals: the level whose limit is passed, and the same less the deadband."""
    found = judged(type_, node, rules=rules)
    return found.beyond[0].tolist(), found.within[0].tolist()


def whys(type_: AlarmType, node: Node, **changes: dict[str, Any]) -> list[int]:
    found: list[int] = judged(type_, node, rules=master(**changes)).why[0].tolist()
    return found


def test_a_deviation_passes_the_levels_of_its_share_of_the_plan() -> None:
    # Of 400 MW: 5 % are 20, 10 % are 40, 20 % are 80 MW (less than the 100 MW that are as good).
    node = Node(gen=(400, lead(381, 380, 360, 320, before=400)))
    assert levels(AlarmType.DEV_GEN, node)[0] == [0, 1, 2, 3]


def test_a_surplus_deviates_like_a_deficit() -> None:
    node = Node(gen=(400, lead(419, 420, 440, 480, before=400)))
    assert levels(AlarmType.DEV_GEN, node)[0] == [0, 1, 2, 3]


def test_of_two_entries_of_one_priority_either_is_enough() -> None:
    # Of 2000 MW 100 MW are 5 %, and as such low; 100 MW are high by themselves.
    assert levels(AlarmType.DEV_GEN, Node(gen=(2000, lead(1901, 1900, 2000, 2000, before=2000))))[0] == [0, 3, 0, 0]


def test_all_figures_of_one_entry_must_be_reached() -> None:
    # Of 40 MW 5 % are 2 MW, but 5 MW it must be.
    assert levels(AlarmType.DEV_GEN, Node(gen=(40, lead(38, 35.2, 35, 40, before=40))))[0] == [0, 0, 2, 0]


def test_a_share_of_the_capacity_counts_as_well() -> None:
    # Of 3000 MW 1 % are 30 MW, more than 5 % of the plan.
    rules = master(DEV_GEN={"levels": [{"priority": "low", "percent": 5, "capacity_percent": 1}]})
    node = Node(gen=(100, lead(85, 71, 70, 130, before=100)), capacity=3000)
    assert levels(AlarmType.DEV_GEN, node, rules)[0] == [0, 0, 1, 1]


def test_the_deadband_is_a_fifth_of_the_limit() -> None:
    # Limits 20, 40, 80 MW; less a fifth: 16, 32, 64 MW.
    node = Node(gen=(400, lead(384.4, 384, 368, 336, before=400)))
    assert levels(AlarmType.DEV_GEN, node) == ([0, 0, 1, 2], [0, 1, 2, 3])


def test_values_and_limits_are_mean_powers() -> None:
    found = judged(AlarmType.DEV_GEN, Node(gen=(400, lead(400, 360, 390, 320, before=400))))
    assert found.unit is Unit.W
    assert found.value.tolist() == [[0, -40 * MW, -10 * MW, -80 * MW]]
    # Of the level reached, else of the lowest.
    assert found.limit.tolist() == [[20 * MW, 40 * MW, 20 * MW, 80 * MW]]


def test_the_first_interval_judged_is_the_first_after_the_lead() -> None:
    assert judged(AlarmType.DEV_GEN, Node(gen=(400, 400))).first == NOON


def test_generation_and_consumption_deviate_apart() -> None:
    node = Node(gen=(400, 400), cons=(400, 360))
    assert levels(AlarmType.DEV_GEN, node)[0] == [0, 0, 0, 0]
    assert levels(AlarmType.DEV_CONS, node)[0] == [2, 2, 2, 2]


def test_without_a_plan_nothing_deviates() -> None:
    found = frame(Node(gen=(0, 400)))
    found.has_plan[:] = False
    (of_generation,) = [one for one in judge(master(), found) if one.type is AlarmType.DEV_GEN]
    assert of_generation.value.tolist() == [[0, 0, 0, 0]]


def test_an_open_interval_is_not_looked_at() -> None:
    node = Node(gen=(400, 0), closed=lead(True, True, False, True, before=True))
    assert judged(AlarmType.DEV_GEN, node).looked.tolist() == [[True, True, False, True]]


def test_types_look_at_their_kinds_of_nodes() -> None:
    nodes = (Node(code="GRES1"), zone(Node()), Node(code="MAEK", kind="entity"))
    assert judged(AlarmType.DEV_GEN, *nodes).row.tolist() == [0]
    found = judged(AlarmType.ZONE_IMB, *nodes)
    assert (found.row.tolist(), found.place_of) == ([1], {1: 0})


def test_an_override_gives_a_node_its_own_limits_and_leaves_the_others() -> None:
    rules = master(ZONE_IMB={"overrides": {"zone/NORTH": {"levels": [{"priority": "high", "mw": 500}]}}})
    both = frame(zone(Node(cons=(0, 499))), Node(cons=(0, 499), kind="zone", code="SOUTH"))
    found = {one.row.tolist()[0]: one for one in judge(rules, both) if one.type is AlarmType.ZONE_IMB}
    assert (found[0].beyond[0].tolist(), found[0].limit[0].tolist()) == ([0] * 4, [500 * MW] * 4)
    assert found[1].beyond[0].tolist() == [2] * 4


def test_a_type_or_node_that_is_off_is_not_judged() -> None:
    nodes = frame(zone(Node()), Node(kind="zone", code="SOUTH"), Node())
    rules = master(DEV_GEN={"enabled": False}, ZONE_IMB={"overrides": {"zone/NORTH": {"enabled": False}}})
    found = judge(rules, nodes)
    assert AlarmType.DEV_GEN not in [one.type for one in found]
    assert [one.row.tolist() for one in found if one.type is AlarmType.ZONE_IMB] == [[1]]


def test_an_imbalance_is_what_is_consumed_and_exported_too_much_and_generated_too_little() -> None:
    node = zone(Node(gen=(1000, lead(900, 1100, 1000, 1000, before=0)), cons=(900, lead(900, 900, 960, 900, before=0)),
                exch=(-50, lead(-50, -50, -50, 120, before=0))))  # fmt: skip
    assert judged(AlarmType.ZONE_IMB, node).value.tolist() == [[100 * MW, -100 * MW, 60 * MW, 170 * MW]]


def test_the_imbalance_of_a_zone_has_two_levels() -> None:
    node = zone(Node(cons=(1000, lead(1149, 1150, 1300, 1120, before=1000))))
    assert levels(AlarmType.ZONE_IMB, node) == ([0, 1, 2, 0], [1, 1, 2, 1])


def test_the_hour_is_what_was_and_the_last_deviation_going_on() -> None:
    # 40 MW too much in the first quarter are 10 MWh: 10 + 3 × 10; then none: 10; then 20 MW: 15 + 1 × 5.
    found = judged(AlarmType.HOUR_PROJ, zone(Node(cons=(1000, lead(1040, 1000, 1020, 1000, before=1000)))))
    assert found.unit is Unit.WH
    assert found.value.tolist() == [[40 * MW, 10 * MW, 20 * MW, 15 * MW]]


def test_the_hour_does_not_inherit_from_the_one_before() -> None:
    node = zone(Node(cons=(1000, lead(1000, 1000, 1000, 1000, before=1200))))
    assert judged(AlarmType.HOUR_PROJ, node).value.tolist() == [[0, 0, 0, 0]]


def test_no_more_than_half_of_the_plan_goes_on_deviating() -> None:
    # 200 MW too much of 100 planned: 50 MWh now, but only 3 × 12.5 MWh more.
    node = zone(Node(cons=(100, lead(300, 100, 100, 100, before=100))))
    assert judged(AlarmType.HOUR_PROJ, node).value[0, 0] == 87_500_000


def test_the_hour_is_looked_at_while_enough_of_it_is_left() -> None:
    assert judged(AlarmType.HOUR_PROJ, zone(Node())).looked.tolist() == [[True, True, True, False]]
    found = judged(AlarmType.HOUR_PROJ, zone(Node()), rules=master(HOUR_PROJ={"least_left": 3}))
    assert found.looked.tolist() == [[True, False, False, False]]


def test_an_open_interval_adds_nothing_to_the_hour() -> None:
    node = zone(Node(cons=(1000, lead(1040, 0, 1040, 1040, before=1000)), closed=lead(True, False, False, False, before=True)))  # fmt: skip
    assert judged(AlarmType.HOUR_PROJ, node).value.tolist()[0][:2] == [40 * MW, 10 * MW]


def test_a_station_that_falls_off_is_a_sudden_loss_in_that_interval_only() -> None:
    found = judged(AlarmType.TRIP, Node(gen=(2080, lead(2080, 320, 320, 320, before=2080))))
    assert found.value.tolist() == [[0, 1760 * MW, 0, 0]]
    assert found.beyond.tolist() == [[0, 1, 0, 0]]


def test_a_loss_in_the_first_interval_is_seen_against_the_lead() -> None:
    assert judged(AlarmType.TRIP, Node(gen=(2080, lead(320, 320, 320, 320, before=2080)))).value[0, 0] == 1760 * MW


def test_what_the_plan_gives_up_is_no_loss() -> None:
    plan, fact = lead(2080, 320, 320, 320, before=2080), lead(2080, 320, 320, 320, before=2080)
    assert judged(AlarmType.TRIP, Node(gen=(plan, fact))).value.tolist() == [[0, 0, 0, 0]]
    # 1000 of 1760 MW were planned.
    plan = lead(2080, 1080, 1080, 1080, before=2080)
    assert judged(AlarmType.TRIP, Node(gen=(plan, fact))).value[0, 1] == 760 * MW


def test_a_plan_that_rises_is_no_loss() -> None:
    node = Node(gen=(lead(1000, 3000, 3000, 3000, before=1000), 1000))
    assert judged(AlarmType.TRIP, node).value.tolist() == [[0, 0, 0, 0]]


def test_against_an_open_interval_there_is_no_loss() -> None:
    node = Node(gen=(2080, lead(2080, 2080, 320, 320, before=2080)), closed=lead(True, False, True, True, before=True))
    assert judged(AlarmType.TRIP, node).value.tolist() == [[0, 0, 0, 0]]


def test_the_share_of_a_loss_is_of_the_plan_before() -> None:
    # 40 of 140 MW were not planned to go: less than 30 % of 200, more than 30 % of 100 MW.
    node = Node(gen=(lead(200, 100, 100, 100, before=200), lead(200, 60, 60, 60, before=200)))
    assert levels(AlarmType.TRIP, node)[0] == [0, 0, 0, 0]


def test_a_rise_and_the_consumers_are_no_loss() -> None:
    node = Node(gen=(500, lead(500, 900, 900, 900, before=500)), cons=(500, lead(500, 0, 0, 0, before=500)))
    assert judged(AlarmType.TRIP, node).value.tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("plan", "lost", "level"), [(1000, 199, 0), (1000, 200, 1), (100, 30, 1), (100, 29, 0), (90, 29, 0)]
)
def test_a_loss_is_judged_by_its_size_or_its_share(plan: float, lost: float, level: int) -> None:
    node = Node(gen=(plan, lead(plan, plan - lost, plan - lost, plan - lost, before=plan)))
    assert levels(AlarmType.TRIP, node)[0][1] == level


def test_too_little_of_the_data_excuses() -> None:
    node = Node(gen=(400, 0), completeness=lead(0.79, 0.8, 1, 0, before=1))
    assert whys(AlarmType.DEV_GEN, node) == [Why.INCOMPLETE, Why.NOTHING, Why.NOTHING, Why.INCOMPLETE]


def test_a_loss_rests_on_two_intervals() -> None:
    node = Node(gen=(400, 0), completeness=lead(1, 0.79, 1, 1, before=1))
    assert whys(AlarmType.TRIP, node) == [Why.NOTHING, Why.INCOMPLETE, Why.INCOMPLETE, Why.NOTHING]


def test_a_deviation_that_missing_facts_may_explain_is_excused() -> None:
    # 30 MW of 400; the limit is 20 MW, less its deadband 16 MW.
    node = Node(gen=(400, 370), known={GENERATION: lead(-30, -16, -15.9, 0, before=0)})
    assert whys(AlarmType.DEV_GEN, node) == [Why.NOTHING, Why.NOTHING, Why.MISSING, Why.MISSING]


def test_what_is_known_of_the_other_sign_explains_nothing() -> None:
    assert whys(AlarmType.DEV_GEN, Node(gen=(400, 370), known={GENERATION: 30})) == [Why.MISSING] * 4


def test_the_imbalance_and_the_hour_are_excused_likewise() -> None:
    node = zone(Node(gen=(1000, 700), known={GENERATION: lead(-300, 0, 0, 0, before=0)}))
    assert whys(AlarmType.ZONE_IMB, node) == [Why.NOTHING, Why.MISSING, Why.MISSING, Why.MISSING]
    # Of the hour 75 MWh are known from the first quarter on, more than its limit.
    assert whys(AlarmType.HOUR_PROJ, node) == [Why.NOTHING] * 4
    assert whys(AlarmType.HOUR_PROJ, zone(Node(gen=(1000, 700), known={GENERATION: 0}))) == [Why.MISSING] * 4


def test_a_loss_is_excused_by_missing_facts() -> None:
    fact = lead(2080, 320, 320, 320, before=2080)
    assert whys(AlarmType.TRIP, Node(gen=(2080, fact), known={GENERATION: 0}))[1] == Why.MISSING
    known = lead(0, -1760, -1760, -1760, before=0)
    assert whys(AlarmType.TRIP, Node(gen=(2080, fact), known={GENERATION: known}))[1] == Why.NOTHING


def test_intervals_after_a_correction_of_the_plan_are_excused() -> None:
    node = Node(gen=(400, 0), version=lead(1, 2, 2, 2, before=1))
    expected = {0: [0, 0, 0, 0], 1: [0, 3, 0, 0], 2: [0, 3, 3, 0], 3: [0, 3, 3, 3]}
    for intervals, why in expected.items():
        assert whys(AlarmType.DEV_GEN, node, DEV_GEN={"after_correction": intervals}) == why


def test_a_correction_in_the_lead_still_excuses() -> None:
    node = Node(gen=(400, 0), version=[1, 1, 1, 2, 2, 2, 2, 2])
    assert whys(AlarmType.DEV_GEN, node, DEV_GEN={"after_correction": 2}) == [Why.CORRECTED, 0, 0, 0]


def test_the_first_plan_is_no_correction() -> None:
    node = Node(gen=(400, 0), version=lead(0, 1, 1, 1, before=0))
    assert whys(AlarmType.DEV_GEN, node, DEV_GEN={"after_correction": 2}) == [0, 0, 0, 0]


def test_missing_data_are_the_first_excuse() -> None:
    node = Node(gen=(400, 0), completeness=0.5, known={GENERATION: 0}, version=lead(2, 2, 2, 2, before=1))
    assert whys(AlarmType.DEV_GEN, node, DEV_GEN={"after_correction": 4}) == [Why.INCOMPLETE] * 4
