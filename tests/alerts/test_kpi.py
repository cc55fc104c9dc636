"""Tests of alerts.kpi: the figures of a period, counted by hand."""

import pytest

from alerts.kpi import Call, Entry, Figure, Kpis, calls_of, kpis
from schemas.alarm import Priority
from tests.alerts.making import NOON_AT, at

HOUR_END = at(60)


def call(minute: float, alarm: str = "A", priority: Priority = Priority.LOW, cleared: float | None = None) -> Call:
    return Call(at(minute), alarm, priority, None if cleared is None else at(cleared))


def figure(found: Kpis, name: str) -> Figure:
    (one,) = [one for one in found.figures if one.name == name]
    return one


def value(name: str, *calls: Call, minutes: float = 60, positions: int = 1) -> float:
    return figure(kpis(calls, NOON_AT, at(minutes), positions), name).value


def met(name: str, *calls: Call, minutes: float = 60, positions: int = 1) -> bool | None:
    return figure(kpis(calls, NOON_AT, at(minutes), positions), name).met


def burst(minute: float, number: int) -> list[Call]:
    """So many calls of different alarms within ten minutes."""
    return [call(minute + n / 100, f"{minute}-{n}") for n in range(number)]


def entry(minute: float, event: str, alarm: str = "A", *, annunciated: bool = False) -> Entry:
    return Entry(at(minute), alarm, event, annunciated, Priority.LOW)


def test_a_call_of_the_journal_ends_with_its_condition() -> None:
    entries = [entry(0, "raise", annunciated=True), entry(5, "acknowledge"), entry(20, "clear")]
    assert calls_of(entries) == [call(0, cleared=20)]


def test_what_called_nobody_is_no_call() -> None:
    assert calls_of([entry(0, "suppress"), entry(0, "raise"), entry(20, "clear")]) == []


def test_every_call_of_one_condition_ends_with_it() -> None:
    entries = [entry(0, "raise", annunciated=True), entry(5, "rise", annunciated=True), entry(20, "clear")]
    assert calls_of(entries) == [call(0, cleared=20), call(5, cleared=20)]


def test_the_end_of_one_alarm_is_not_that_of_another_nor_of_a_later_call() -> None:
    entries = [
        entry(0, "raise", annunciated=True),
        entry(1, "raise", "B", annunciated=True),
        entry(2, "clear"),
        entry(3, "raise", annunciated=True),
        entry(9, "clear"),
    ]
    assert calls_of(entries) == [call(0, cleared=2), call(1, "B"), call(3, cleared=9)]


def test_calls_are_those_of_the_period_its_end_excluded() -> None:
    assert value("annunciated", call(-1), call(0), call(59), call(60)) == 2


def test_rates_are_by_time_and_position() -> None:
    calls = [call(n, str(n)) for n in range(12)]
    assert value("per_10_min", *calls) == 2
    assert value("per_10_min", *calls, positions=2) == 1
    assert value("per_day", *calls) == 12 * 24
    assert value("per_day", *calls, positions=2) == 12 * 12


def test_more_than_two_in_ten_minutes_are_too_many() -> None:
    assert met("per_10_min", *burst(0, 12)) is True
    assert met("per_10_min", *burst(0, 13)) is False


def test_a_day_of_150_calls_is_acceptable() -> None:
    assert met("per_day", *burst(0, 150), minutes=1440) is True
    assert met("per_day", *burst(0, 151), minutes=1440) is False


def test_the_worst_ten_minutes_and_the_worst_hour() -> None:
    calls = [*burst(0, 3), *burst(20, 5), *burst(70, 7)]
    assert value("most_per_10_min", *calls, minutes=120) == 7
    assert value("most_per_hour", *calls, minutes=120) == 8
    assert value("most_per_hour", *calls, minutes=120, positions=2) == 4


def test_the_worst_ten_minutes_may_have_ten_calls_for_each_position() -> None:
    assert met("most_per_10_min", *burst(0, 10)) is True
    assert met("most_per_10_min", *burst(0, 11)) is False
    assert value("most_per_10_min", *burst(0, 16), positions=2) == 8
    assert met("most_per_10_min", *burst(0, 16), positions=2) is True


def test_a_flood_begins_above_ten_and_ends_below_five() -> None:
    # Of six times ten minutes the second, third and fourth.
    calls = [*burst(0, 10), *burst(10, 11), *burst(20, 5), *burst(30, 9), *burst(40, 4), *burst(50, 10)]
    assert value("time_in_flood", *calls) == 50
    assert met("time_in_flood", *calls) is False


def test_two_positions_bear_twice_the_flood() -> None:
    assert value("time_in_flood", *burst(0, 20), positions=2) == 0
    assert value("time_in_flood", *burst(0, 21), positions=2) == pytest.approx(100 / 6)


def test_stale_is_what_stood_longer_than_a_day() -> None:
    two_days = 2 * 1440
    assert value("stale_over_24_h", call(0, cleared=1440), minutes=two_days) == 0
    assert value("stale_over_24_h", call(0, cleared=1441), minutes=two_days) == 1
    assert value("stale_over_24_h", call(0), minutes=two_days) == 1
    assert value("stale_over_24_h", call(1440), minutes=two_days) == 0


def test_what_came_after_the_period_makes_nothing_stale() -> None:
    assert value("stale_over_24_h", call(0, cleared=5000), minutes=1440) == 0


def test_five_stale_alarms_are_too_many() -> None:
    calls = [call(n, str(n)) for n in range(5)]
    assert met("stale_over_24_h", *calls[:4], minutes=3000) is True
    assert met("stale_over_24_h", *calls, minutes=3000) is False


def test_three_calls_of_one_alarm_in_two_hours_chatter_by_our_measure() -> None:
    assert value("chattering_3_per_2_h", call(0), call(60), call(120), minutes=180) == 1
    assert value("chattering_3_per_2_h", call(0), call(60), call(121), minutes=180) == 0
    assert value("chattering_3_per_2_h", call(0), call(60), call(90, "B"), minutes=180) == 0
    assert value("chattering_3_per_minute", call(0), call(60), call(120), minutes=180) == 0


def test_three_calls_within_a_minute_chatter_by_the_standard() -> None:
    assert value("chattering_3_per_minute", call(0), call(0.5), call(1)) == 1
    assert met("chattering_3_per_minute", call(0), call(0.5), call(1)) is False
    assert met("chattering_3_per_minute", call(0), call(0.5), call(1.1)) is True


def test_an_alarm_that_chatters_all_day_is_one_that_chatters() -> None:
    assert value("chattering_3_per_2_h", *[call(15 * n) for n in range(12)], minutes=1440) == 1


def test_a_condition_of_one_interval_is_fleeting_by_our_measure() -> None:
    assert value("fleeting_one_interval", call(0, cleared=15), call(1, "B", cleared=17), call(2, "C")) == 1
    assert value("fleeting_seconds", call(0, cleared=15)) == 0
    assert value("fleeting_seconds", call(0, cleared=1)) == 1


def test_the_mix_of_priorities_is_of_the_calls() -> None:
    calls = [call(n, str(n)) for n in range(16)]
    calls += [call(n, str(n), Priority.MEDIUM) for n in range(16, 19)] + [call(19, "19", Priority.HIGH)]
    found = kpis(calls, NOON_AT, HOUR_END)
    mix = [figure(found, f"priority_{priority}") for priority in ("low", "medium", "high")]
    assert [(one.value, one.met) for one in mix] == [(80, True), (15, True), (5, True)]


def test_a_mix_far_from_its_target_does_not_meet_it() -> None:
    calls = [call(n, str(n), Priority.HIGH) for n in range(4)]
    assert met("priority_high", *calls) is False
    assert met("priority_low", *calls) is False


def test_without_calls_there_is_no_mix_to_judge() -> None:
    assert met("priority_low") is None
    assert value("annunciated") == 0


def test_the_alarms_that_call_most_come_first_ties_by_name() -> None:
    found = kpis([call(0, "B"), call(1, "C"), call(2, "A"), call(3, "C")], NOON_AT, HOUR_END)
    assert found.top == [("C", 2, 0.5), ("A", 1, 0.25), ("B", 1, 0.25)]


def test_the_ten_that_call_most_are_told_with_their_share() -> None:
    # Ten alarms twice, and thirty once: 20 of 50 calls.
    calls = [call(n % 10, f"often-{n % 10}") for n in range(20)] + [call(n, f"rare-{n}") for n in range(30)]
    found = kpis(calls, NOON_AT, HOUR_END)
    assert [name for name, _, _ in found.top] == [f"often-{n}" for n in range(10)]
    assert (figure(found, "top_10_share").value, figure(found, "top_10_share").met) == (40, False)


def test_a_period_that_ends_within_ten_minutes_counts_its_last_calls() -> None:
    assert value("most_per_10_min", *burst(20, 6), minutes=25) == 6


def test_a_period_of_no_length_has_no_rates() -> None:
    found = kpis([], NOON_AT, NOON_AT)
    assert (figure(found, "per_day").value, figure(found, "time_in_flood").value) == (0, 0)
