"""Tests of alerts.backtest: what a rule set would have called for."""

from datetime import date, timedelta
from typing import Any

from alerts.backtest import Inputs, Mended, Occurrence, Replay, vanished
from alerts.book import Key
from alerts.frame import Frame
from alerts.planning import SYSTEM, Planned
from alerts.silence import Presence
from schemas.alarm import AlarmType, Priority
from tests.alerts.making import GRES1, NOON, NOON_AT, Node, at, frame, lead, master

GRACE = timedelta(minutes=5)
D1, D2 = (Key(AlarmType.GAP_DCTU, "dctu", code) for code in ("UKHPP-D1", "UKHPP-D2"))
ENTITY = Key(AlarmType.GAP_ENTITY, "entity", "UKHPP")
OWNERS = {"UKHPP-D1": "UKHPP", "UKHPP-D2": "UKHPP"}
NOBODY = frame(Node())

ONCE = Occurrence(GRES1, Priority.LOW, NOON_AT, at(15), at(45), True, -40_000_000, "W")


def replayed(*frames: Frame, inputs: Inputs | None = None, **changes: dict[str, Any]) -> Replay:
    replay = Replay(master(**changes), GRACE)
    for one in frames:
        replay.follow(one, inputs or Inputs())
    return replay


def presence(*on_time: tuple[int, int]) -> dict[int, dict[str, Presence]]:
    """From noon on, of two units how many of their ten points were there in time."""
    return {
        NOON + n: {"UKHPP-D1": Presence(10, one), "UKHPP-D2": Presence(10, other)}
        for n, (one, other) in enumerate(on_time)
    }


def when(found: Replay, key: Key) -> list[tuple[object, ...]]:
    return [(one.raised_at, one.cleared_at, one.annunciated) for one in found.occurrences if one.key == key]


def test_a_deviation_is_one_occurrence_from_when_it_was_seen_until_it_was_over() -> None:
    found = replayed(frame(Node(gen=(400, lead(360, 370, 400, 400, before=400)))))
    assert found.occurrences == [
        Occurrence(GRES1, Priority.MEDIUM, NOON_AT, at(15), at(60), True, -40_000_000, "W"),
    ]


def test_what_still_stands_has_no_end() -> None:
    assert when(replayed(frame(Node(gen=(400, lead(400, 360, 360, 360, before=400))))), GRES1) == [(at(30), None, True)]


def test_each_time_is_an_occurrence_of_its_own() -> None:
    found = replayed(frame(Node(gen=(400, lead(360, 400, 360, 400, before=400)))), DEV_GEN={"off_delay": 0})
    assert when(found, GRES1) == [(at(15), at(30), True), (at(45), at(60), True)]


def test_the_rules_that_are_tried_decide() -> None:
    found = replayed(frame(Node(gen=(400, 360))), DEV_GEN={"levels": [{"priority": "low", "mw": 41}]})
    assert found.occurrences == []


def test_what_is_suppressed_calls_nobody() -> None:
    assert when(replayed(frame(Node(gen=(400, 360), completeness=0.5))), GRES1) == [(at(15), None, False)]


def test_what_is_suppressed_first_and_called_then_is_called() -> None:
    found = frame(Node(gen=(400, 360), version=lead(2, 2, 2, 2, before=1)))
    assert when(replayed(found, DEV_GEN={"after_correction": 1}), GRES1) == [(at(15), None, True)]


def test_a_rise_is_the_same_occurrence_of_the_higher_priority() -> None:
    (one,) = [
        one
        for one in replayed(frame(Node(gen=(400, lead(380, 320, 320, 320, before=400))))).occurrences
        if one.key == GRES1
    ]
    assert one.priority is Priority.HIGH


def test_one_frame_after_the_other_is_as_if_it_were_one() -> None:
    power = [400.0, 400, 400, 400, 400, 400, 400, 360, 360, 400, 400, 400]
    whole = frame(Node(gen=(400, power)), width=12)
    parts = [frame(Node(gen=(400, power[:8]))), frame(Node(gen=(400, power[4:])), first=NOON)]
    rules: dict[str, Any] = {"on_delay": 1}
    apart = replayed(*parts, DEV_GEN=rules).occurrences
    assert len(apart) == 1
    assert apart == replayed(whole, DEV_GEN=rules).occurrences


def test_an_open_interval_is_not_looked_at() -> None:
    assert replayed(frame(Node(gen=(400, 360), closed=False))).occurrences == []


def test_silence_is_called_at_its_root() -> None:
    inputs = Inputs(presence((10, 10), (0, 0), (0, 0), (0, 0)), OWNERS)
    found = replayed(NOBODY, inputs=inputs)
    assert when(found, ENTITY) == [(at(35), None, True)]
    assert when(found, D1) == when(found, D2) == [(at(35), None, False)]


def test_a_silence_that_was_handed_over_ends_then() -> None:
    inputs = Inputs(
        presence((0, 10), (10, 10), (10, 10), (10, 10)), OWNERS, {"UKHPP-D1": [Mended(NOON, NOON + 1, at(40))]}
    )
    assert when(replayed(NOBODY, inputs=inputs, GAP_DCTU={"off_delay": 8}), D1) == [(at(20), at(40), True)]


def test_a_gap_that_is_mended_in_part_is_no_end() -> None:
    inputs = Inputs(
        presence((0, 10), (0, 10), (10, 10), (10, 10)), OWNERS, {"UKHPP-D1": [Mended(NOON, NOON + 1, at(40))]}
    )
    assert when(replayed(NOBODY, inputs=inputs, GAP_DCTU={"off_delay": 8}), D1) == [(at(20), None, True)]


def test_a_silent_entity_is_mended_when_all_of_its_units_are() -> None:
    silent = presence((0, 0), (10, 10), (10, 10), (10, 10))
    one = {"UKHPP-D1": [Mended(NOON, NOON + 1, at(40))]}
    rules: dict[str, Any] = {"off_delay": 8}
    found = replayed(NOBODY, inputs=Inputs(silent, OWNERS, one), GAP_ENTITY=rules, GAP_DCTU=rules)
    assert when(found, ENTITY) == [(at(20), None, True)]
    both = {**one, "UKHPP-D2": [Mended(NOON, NOON + 1, at(45))]}
    found = replayed(NOBODY, inputs=Inputs(silent, OWNERS, both), GAP_ENTITY=rules, GAP_DCTU=rules)
    assert when(found, ENTITY) == [(at(20), at(45), True)]


def test_a_missing_schedule_is_an_occurrence_until_the_next_one_is_looked_for() -> None:
    absent, there = {"MAEK": Planned(5, 5), "GRES1": Planned(5, 0)}, {"MAEK": Planned(5, 0), "GRES1": Planned(5, 0)}
    plans = [(at(10), date(2026, 3, 3), absent), (at(40), date(2026, 3, 4), there)]
    found = replayed(NOBODY, inputs=Inputs(plans=plans))
    assert when(found, Key(AlarmType.PLAN_MISSING, "entity", "MAEK")) == [(at(10), at(40), True)]
    assert when(found, SYSTEM) == []


def test_a_schedule_that_is_missing_on_the_next_day_too_is_another_occurrence() -> None:
    absent = {"MAEK": Planned(5, 5), "GRES1": Planned(5, 0)}
    plans = [(at(10), date(2026, 3, 3), absent), (at(40), date(2026, 3, 4), absent)]
    found = replayed(NOBODY, inputs=Inputs(plans=plans))
    maek = Key(AlarmType.PLAN_MISSING, "entity", "MAEK")
    assert when(found, maek) == [(at(10), at(40), True), (at(40), None, True)]


def test_the_figures_are_of_what_would_have_been_called() -> None:
    nodes = [Node(gen=(400, 360), code=f"GRES{n}", completeness=1 if n < 3 else 0.5) for n in range(5)]
    figures = replayed(frame(*nodes)).kpis(NOON_AT, at(60)).figures
    assert [one.value for one in figures if one.name == "annunciated"] == [3]


def test_the_figures_share_the_calls_between_positions() -> None:
    replay = replayed(frame(Node(gen=(400, 360))))
    (of_one,) = [one.value for one in replay.kpis(NOON_AT, at(60)).figures if one.name == "per_day"]
    replay.book.master = replay.book.master.model_copy(update={"positions": 2})
    (of_two,) = [one.value for one in replay.kpis(NOON_AT, at(60)).figures if one.name == "per_day"]
    assert (of_one, of_two) == (24, 12)


def test_times_of_one_alarm_that_touch_overlap() -> None:
    assert ONCE.overlaps(of_times(45, 60))
    assert ONCE.overlaps(of_times(0, 15))
    assert ONCE.overlaps(of_times(20, None))
    assert of_times(0, None).overlaps(ONCE)
    assert not ONCE.overlaps(of_times(46, 60))
    assert not ONCE.overlaps(of_times(46, None))


def of_times(begin: float, end: float | None) -> Occurrence:
    return ONCE._replace(raised_at=at(begin), cleared_at=None if end is None else at(end))


def test_another_alarm_never_overlaps() -> None:
    assert not ONCE.overlaps(ONCE._replace(key=GRES1._replace(code="GRES2")))


def test_a_call_that_the_other_rules_do_not_make_has_vanished() -> None:
    later = of_times(60, 75)
    assert vanished([ONCE, later], [of_times(30, 60)]) == []
    assert vanished([ONCE, later], [of_times(30, 50)]) == [later]
    assert vanished([ONCE], [ONCE._replace(key=GRES1._replace(code="GRES2"))]) == [ONCE]


def test_what_was_not_called_does_not_vanish_nor_replace() -> None:
    silent = ONCE._replace(annunciated=False)
    assert vanished([silent], []) == []
    assert vanished([ONCE], [silent]) == [ONCE]
