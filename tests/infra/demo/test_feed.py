import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from infra.demo.day import energy
from infra.demo.expected import Expected, expected
from infra.demo.feed import Sending, feed
from infra.demo.fleet import fleet
from infra.demo.script import DEMO, DEMO_DAY, ORDINARY, QUIET, Refusal, Script, Silence
from schemas.frame import Frame, Tick
from schemas.rules import Rule
from schemas.time import INTERVAL, day_slots, slot_start

Cell = tuple[str, datetime]
LIMITS = {channel: emc.max_wh for emc in fleet().emcs for channel in emc.channels}
START, END = (slot_start(edge) for edge in (day_slots(DEMO_DAY).start, day_slots(DEMO_DAY).stop))


@pytest.fixture(scope="module")
def sent() -> list[Sending]:
    return list(feed(DEMO_DAY, with_yesterday=True))


@pytest.fixture(scope="module")
def frames(sent: list[Sending]) -> list[tuple[Sending, Frame]]:
    return [(one, Frame.model_validate_json(one.payload)) for one in sent if one.kind == "frame"]


@pytest.fixture(scope="module")
def counts() -> Expected:
    return expected(DEMO_DAY, with_yesterday=True)


def refused_by(frame: Frame, channel: str, wh: int, start: datetime) -> Rule | None:
    """The rules as their names say, over the master data: what a worker must find out too."""
    if channel not in LIMITS:
        return Rule.UNKNOWN
    if wh < 0:
        return Rule.NEGATIVE
    if wh > LIMITS[channel]:
        return Rule.OVER_MAX
    return Rule.FUTURE if start + INTERVAL > frame.sent_at else None


def test_a_feed_is_the_same_each_time(sent: list[Sending]) -> None:
    assert list(feed(DEMO_DAY, with_yesterday=True)) == sent


def test_a_feed_is_in_the_order_of_time(sent: list[Sending]) -> None:
    assert all(one.at <= other.at for one, other in pairwise(sent))
    assert all(one.at.tzinfo is UTC for one in sent)


def test_ticks_come_every_minute_of_the_day_and_a_quarter_hour_more(sent: list[Sending]) -> None:
    ticks = [one for one in sent if one.kind == "tick"]
    assert all(Tick.model_validate_json(one.payload).now == one.at for one in ticks)
    minutes = int((END - START) / timedelta(minutes=1)) + 15
    assert [one.at for one in ticks if one.at >= START] == [START + timedelta(minutes=n) for n in range(minutes)]
    assert [one.at for one in ticks if one.at < START] == [START + n * INTERVAL for n in range(-96, 0)]


def test_a_frame_leaves_ten_seconds_to_four_minutes_after_its_interval() -> None:
    sent = [one for one in feed(DEMO_DAY, script=QUIET) if one.kind == "frame"]
    frames = [Frame.model_validate_json(one.payload) for one in sent]
    delays = [frame.sent_at - frame.slices[-1].start - INTERVAL for frame in frames]
    assert (min(delays), max(delays)) == (timedelta(seconds=10), timedelta(seconds=240))
    assert [one.at for one in sent] == [frame.sent_at for frame in frames]


def test_a_repetition_is_the_same_bytes_at_a_later_time(frames: list[tuple[Sending, Frame]]) -> None:
    times = Counter(one.payload for one, _ in frames)
    assert set(times.values()) == {1, 2}
    assert sum(count == 2 for count in times.values()) / sum(frame.sent_at >= START for _, frame in frames) == (
        pytest.approx(0.02, abs=0.003)
    )


def test_frame_numbers_of_a_dctu_go_upward(frames: list[tuple[Sending, Frame]]) -> None:
    seen: dict[str, set[int]] = {}
    last: dict[str, tuple[datetime, int]] = {}
    for _, frame in frames:
        if frame.seq not in seen.setdefault(frame.dctu, set()):
            before = last.get(frame.dctu)
            assert before is None or frame.sent_at > before[0]
            last[frame.dctu] = (frame.sent_at, frame.seq)
            seen[frame.dctu].add(frame.seq)
    assert all(max(numbers) < 1_000_000_000 for numbers in seen.values())


def test_a_later_day_numbers_on() -> None:
    first, second = (
        min(json.loads(one.payload)["seq"] for one in feed(day, script=QUIET) if one.kind == "frame")
        for day in (DEMO_DAY, DEMO_DAY + timedelta(days=1))
    )
    assert second == first + 1000


def test_every_good_reading_arrives_with_its_true_energy(frames: list[tuple[Sending, Frame]], counts: Expected) -> None:
    archive: dict[Cell, tuple[datetime, int, int]] = {}
    refused: Counter[Rule] = Counter()
    duplicates = corrections = 0
    for _, frame in frames:
        for piece in frame.slices:
            for channel, wh in zip(piece.channels, piece.wh, strict=True):
                assert wh is not None
                rule = refused_by(frame, channel, wh, piece.start)
                if rule is not None:
                    refused[rule] += 1
                    continue
                version = (frame.sent_at, frame.seq, wh)
                before = archive.get((channel, piece.start))
                duplicates += before == version
                corrections += before not in (None, version)
                archive[channel, piece.start] = max(version, before or version)
    assert len(archive) == counts.readings == 2 * 2000 * 96
    assert (duplicates, corrections) == (counts.duplicates, counts.corrections)
    assert refused == {rule: n for rule, n in counts.refused.items() if rule is not Rule.MALFORMED}

    truth = energy(DEMO_DAY, DEMO)
    for row, channel in enumerate(fleet().channels):
        found = [archive[channel, slot_start(slot)][2] for slot in day_slots(DEMO_DAY)]
        assert found == truth[row].tolist()


def test_messages_are_counted_by_the_script(sent: list[Sending], counts: Expected) -> None:
    kinds = Counter(one.kind for one in sent)
    assert kinds["frame"] == counts.frames
    assert kinds["raw"] == counts.malformed == counts.refused[Rule.MALFORMED]
    assert all(n >= 3 for n in counts.refused.values())
    assert kinds["schedule"] == 4


def test_malformed_messages_are_no_frames(sent: list[Sending]) -> None:
    for one in sent:
        if one.kind == "raw":
            with pytest.raises(ValueError, match="validation error"):
                Frame.model_validate_json(one.payload)


def test_every_channel_is_sent_by_its_own_dctu(frames: list[tuple[Sending, Frame]]) -> None:
    owner = {channel: emc.dctu for emc in fleet().emcs for channel in emc.channels}
    for _, frame in frames:
        for piece in frame.slices:
            assert {owner.get(channel, frame.dctu) for channel in piece.channels} == {frame.dctu}


def test_silences_are_the_gaps_and_are_handed_over(frames: list[tuple[Sending, Frame]], counts: Expected) -> None:
    assert Counter(gap.last_end - gap.first_start for gap in counts.gaps) == {6 * INTERVAL: 1, 3 * INTERVAL: 4}
    for gap in counts.gaps:
        carried: dict[datetime, int] = {}
        for _, frame in frames:
            if frame.dctu == gap.dctu:
                for piece in frame.slices:
                    if gap.first_start <= piece.start < gap.last_end:
                        assert frame.sent_at >= gap.last_end + INTERVAL
                        carried[piece.start] = carried.get(piece.start, 0) + 1
        assert len(carried) == (gap.last_end - gap.first_start) / INTERVAL
    handover = next(frame for _, frame in frames if frame.dctu == "UKHPP-D1" and len(frame.slices) > 1)
    assert len(handover.slices) == 7


def test_an_entity_is_silent_as_a_whole(counts: Expected) -> None:
    silent = {gap.dctu for gap in counts.gaps if gap.last_end - gap.first_start == 3 * INTERVAL}
    assert silent == set(fleet().dctus_of_entity("MAEK"))


def test_schedules_come_before_they_are_needed(sent: list[Sending]) -> None:
    opening, approved, changed, of_tomorrow = [one for one in sent if one.kind == "schedule"]
    assert opening is sent[0]
    assert approved.at == START - timedelta(hours=6)
    assert b"2026-01-21T00:00+05:00" in approved.payload
    assert changed.at == START + timedelta(hours=12)
    assert b",2\n" in changed.payload
    assert of_tomorrow.at == START + timedelta(hours=18)
    assert b"2026-01-22T00:00+05:00" in of_tomorrow.payload


def test_a_day_alone_begins_with_its_schedule_and_corrects_nothing() -> None:
    sent = list(feed(DEMO_DAY))
    assert sent[0].kind == "schedule"
    assert sent[0].at == START - timedelta(minutes=1)
    assert (sent[1].kind, sent[1].at) == ("tick", START)
    assert sum(one.kind == "frame" for one in sent) == expected(DEMO_DAY).frames
    assert expected(DEMO_DAY).corrections == 0
    assert expected(DEMO_DAY).readings == 2000 * 96 + 24


def test_two_days_follow_without_a_seam() -> None:
    ticks = [one.at for one in feed(DEMO_DAY, days=2, script=QUIET) if one.kind == "tick"]
    assert [after - before for before, after in pairwise(ticks)] == [timedelta(minutes=1)] * (len(ticks) - 1)
    assert ticks[-1] == END + timedelta(days=1, minutes=14)


def test_the_second_day_is_ordinary() -> None:
    both = expected(DEMO_DAY, days=2)
    assert both.readings == 2 * 2000 * 96 + 24
    assert both.refused == expected(DEMO_DAY).refused
    assert both.gaps == expected(DEMO_DAY).gaps
    assert both.duplicates > expected(DEMO_DAY).duplicates


def test_a_script_can_be_changed() -> None:
    calm = replace(DEMO, silences=(), refusals=(), corrections=())
    found = expected(DEMO_DAY, script=calm)
    assert found.gaps == ()
    assert found.refused == {}
    assert found.frames == sum(one.kind == "frame" for one in feed(DEMO_DAY, script=calm))


def test_the_day_of_25_hours_is_sent_whole() -> None:
    day = date(2024, 2, 29)
    frames = sum(one.kind == "frame" for one in feed(day, script=ORDINARY))
    assert frames == expected(day, script=ORDINARY).frames
    assert expected(day, script=ORDINARY).readings == 2000 * 100


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (Script(refusals=(Refusal(time(0, 5), "GRES1-D1", Rule.MALFORMED, raw=b"?"),)), "from 00:15 on"),
        (Script(reschedule=time(0, 0)), "from 00:15 on"),
        (Script(silences=(Silence("MAEK", time(23, 0), 4),)), "after the day's end"),
    ],
)
def test_a_script_that_could_not_be_sent_whole_is_refused(script: Script, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(feed(DEMO_DAY, script=script))
