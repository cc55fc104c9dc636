"""Tests of streams.validation."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.refusals import Refusal
from schemas.rules import Rule
from schemas.time import FIRST_SLOT, LAST_SLOT, slot_start
from streams.incoming import gather
from streams.validation import Verdict, is_ahead, refusals, refuse_ahead, validate
from tests.streams.making import MINUTE, NOON, RULES, Channel, Part, arrival, at, message, registry, us

REGISTRY = registry(
    Channel("A/01", max_wh=1000),
    Channel("A/01", max_wh=10, first=NOON + 1),
    Channel("GONE/01", end=NOON),
    Channel("OTHER/01", dctu="D2"),
)
GOOD = ("A/01", 5)


def judge(*parts: Part, dctu: str = "D1", **sent: Any) -> tuple[Verdict, list[Refusal]]:
    incoming = gather(REGISTRY, dctu, [arrival(message(*parts, dctu=dctu, **sent), time_us=us(NOON, 17))])
    assert incoming is not None
    layout = REGISTRY.layout(dctu)
    verdict = validate(incoming, layout)
    return verdict, refusals(incoming, verdict, layout)


def refused(*parts: Part, **sent: Any) -> Refusal:
    verdict, rows = judge(*parts, **sent)
    assert (len(verdict.accepted), len(verdict.declared)) == (0, 0)
    (row,) = rows
    return row


def test_a_good_reading_is_accepted() -> None:
    verdict, rows = judge(Part(NOON, [GOOD]))
    assert (verdict.accepted.tolist(), verdict.declared.tolist(), rows) == ([0], [], [])


@pytest.mark.parametrize("reading", [("A/01", 0), ("A/01", 1000), ("A/01", 5, 1)])
def test_zero_the_maximum_and_a_suspect_value_are_accepted(reading: tuple[Any, ...]) -> None:
    assert judge(Part(NOON, [reading]))[0].accepted.tolist() == [0]


def test_a_device_may_say_that_it_has_no_value() -> None:
    verdict, rows = judge(Part(NOON, [("A/01", None, 1)]))
    assert (verdict.accepted.tolist(), verdict.declared.tolist(), rows) == ([], [0], [])


@pytest.mark.parametrize(
    ("reading", "rule", "detail"),
    [
        (("NO/01", 5), Rule.UNKNOWN, "channel NO/01 is not in the master data"),
        (("OTHER/01", 5), Rule.FOREIGN, "channel OTHER/01 is not of DCTU D1 at this interval"),
        (("GONE/01", 5), Rule.FOREIGN, "channel GONE/01 is not of DCTU D1 at this interval"),
        (("A/01", 5, 2), Rule.STATUS, "the status is neither 0 nor 1"),
        (("A/01", 5, -1), Rule.STATUS, "the status is neither 0 nor 1"),
        (("A/01", 5, 2**40), Rule.STATUS, "the status is neither 0 nor 1"),
        (("A/01", None, 2), Rule.STATUS, "the status is neither 0 nor 1"),
        (("A/01", None, 0), Rule.EMPTY, "status 0 without a value"),
        (("A/01", -1), Rule.NEGATIVE, "-1 Wh is below zero"),
        (("A/01", -(2**63)), Rule.NEGATIVE, f"{-(2**63)} Wh is below zero"),
        (("A/01", 1001), Rule.OVER_MAX, "1001 Wh is over the channel's maximum of 1000 Wh"),
        (("A/01", 2**63 - 1), Rule.OVER_MAX, f"{2**63 - 1} Wh is over the channel's maximum of 1000 Wh"),
    ],
)
def test_each_rule_refuses_in_words(reading: tuple[Any, ...], rule: Rule, detail: str) -> None:
    row = refused(Part(NOON, [reading]))
    assert (row.rule, row.detail) == (rule, detail)


def test_the_limit_is_that_of_the_interval() -> None:
    parts = [Part(NOON + 1, [("A/01", 11)]), Part(NOON, [("A/01", 11)])]
    verdict, (row,) = judge(*parts)
    assert verdict.accepted.tolist() == [1]
    assert row.detail == "11 Wh is over the channel's maximum of 10 Wh"


def test_a_channel_is_accepted_until_it_is_gone() -> None:
    assert judge(Part(NOON - 1, [("GONE/01", 5)]))[0].accepted.tolist() == [0]


def test_nothing_of_an_unknown_dctu_is_accepted() -> None:
    row = refused(Part(NOON, [GOOD]), dctu="D9")
    assert (row.rule, row.detail) == (Rule.UNKNOWN, "DCTU D9 is not in the master data")


@pytest.mark.parametrize("minutes", [1, 14.999999, 0.000001])
def test_a_start_beside_the_grid_is_refused(minutes: float) -> None:
    text = at(NOON, minutes).isoformat().encode()
    raw = message(Part(NOON, [GOOD])).replace(f"{slot_start(NOON):%Y-%m-%dT%H:%M:%SZ}".encode(), text)
    incoming = gather(REGISTRY, "D1", [arrival(raw)])
    assert incoming is not None
    assert [rule for _, rule in validate(incoming, REGISTRY.layout("D1")).refused] == [Rule.GRID]


@pytest.mark.parametrize(
    ("slot", "rule"), [(FIRST_SLOT - 1, Rule.GRID), (LAST_SLOT, Rule.GRID), (LAST_SLOT - 1, Rule.FUTURE)]
)
def test_a_start_outside_the_calendar_is_refused(slot: int, rule: Rule) -> None:
    assert refused(Part(slot, [("A/01", 5)]), sent=at(NOON, 16)).rule == rule


def test_the_calendar_begins_with_the_year_2000() -> None:
    assert judge(Part(FIRST_SLOT, [GOOD]), sent=at(NOON))[0].accepted.tolist() == [0]


@pytest.mark.parametrize(("minutes", "good"), [(15, True), (14.99, False)])
def test_an_interval_must_have_ended_when_the_frame_was_sent(minutes: float, good: bool) -> None:
    verdict, rows = judge(Part(NOON, [GOOD]), sent=at(NOON, minutes))
    assert len(verdict.accepted) == good
    assert [row.rule for row in rows] == ([] if good else [Rule.FUTURE])


def test_a_future_interval_is_told_with_the_sending() -> None:
    row = refused(Part(NOON + 8, [GOOD]), sent=datetime(2026, 3, 2, 12, 16, tzinfo=UTC))
    assert row.detail == "the interval ends after the frame was sent, 2026-03-02T12:16:00Z"


@pytest.mark.parametrize(
    ("slot", "reading", "rule"),
    [
        (LAST_SLOT, ("NO/01", -1, 2), Rule.GRID),
        (NOON + 8, ("NO/01", -1, 2), Rule.UNKNOWN),
        (NOON + 8, ("OTHER/01", -1, 2), Rule.FOREIGN),
        (NOON + 8, ("A/01", -1, 2), Rule.STATUS),
        (NOON + 8, ("A/01", None, 0), Rule.EMPTY),
        (NOON + 8, ("A/01", -1, 0), Rule.NEGATIVE),
        (NOON + 8, ("A/01", 2**60, 1), Rule.OVER_MAX),
        (NOON + 8, ("A/01", 5, 1), Rule.FUTURE),
        (NOON + 8, ("A/01", None, 1), Rule.FUTURE),
    ],
)
def test_a_reading_is_refused_by_the_first_rule_that_holds(slot: int, reading: tuple[Any, ...], rule: Rule) -> None:
    assert refused(Part(slot, [reading]), sent=at(NOON, 16)).rule == rule


def test_a_refusal_says_what_was_written() -> None:
    row = refused(Part(NOON, [("A/01", 1001, 1)]), seq=7, sent=at(NOON, 16))
    assert (row.dctu, row.channel, row.wh, row.status, row.seq) == ("D1", "A/01", "1001", "1", 7)
    assert (row.start, row.sent_at) == ("2026-03-02T12:00:00+00:00", "2026-03-02T12:16:00+00:00")
    assert row.received_us == us(NOON, 17)


def test_one_bad_reading_does_not_keep_the_others_out() -> None:
    verdict, rows = judge(Part(NOON, [GOOD, ("NO/01", 5)]), Part(NOON - 1, [("A/01", -1), GOOD, ("A/01", None, 1)]))
    assert (verdict.accepted.tolist(), verdict.declared.tolist()) == ([0, 3], [4])
    assert [row.channel for row in rows] == ["NO/01", "A/01"]


@pytest.mark.parametrize(("minutes", "ahead"), [(16, False), (21, False), (21.00001, True), (600, True)])
def test_a_clock_may_run_ahead_of_the_stream_by_the_tolerance(minutes: float, ahead: bool) -> None:
    came = arrival(message(Part(NOON, [GOOD]), sent=at(NOON, minutes)), time_us=us(NOON, 16))
    assert is_ahead(came, 5 * MINUTE) == ahead


def test_before_the_first_tick_no_clock_runs_ahead() -> None:
    assert not is_ahead(arrival(message(Part(NOON, [GOOD]), sent=at(NOON + 96))), RULES.ahead_us)


def test_a_frame_that_runs_ahead_is_refused_reading_by_reading() -> None:
    came = arrival(message(Part(NOON, [GOOD, ("NO/01", None, 1)]), sent=at(NOON, 60)), time_us=us(NOON, 16))
    incoming = gather(REGISTRY, "D1", [came])
    assert incoming is not None
    rows = refuse_ahead(incoming)
    assert {(row.rule, row.channel, row.wh) for row in rows} == {
        (Rule.FUTURE, "A/01", "5"),
        (Rule.FUTURE, "NO/01", None),
    }
    assert {row.detail for row in rows} == {"the sender's clock runs ahead: it was 2026-03-02T12:16:00Z"}


def test_a_large_frame_of_nothing_but_bad_readings_is_refused_in_time_that_grows_with_it() -> None:
    # Were every refusal to read the whole list of channels again, this would take an hour.
    n = 100_000
    incoming = gather(REGISTRY, "D1", [arrival(message(Part(NOON, [(f"NO{i}/01", 5) for i in range(n)])))])
    assert incoming is not None
    rows = refusals(incoming, validate(incoming, REGISTRY.layout("D1")), REGISTRY.layout("D1"))
    assert (len(rows), rows[-1].channel) == (n, f"NO{n - 1}/01")
