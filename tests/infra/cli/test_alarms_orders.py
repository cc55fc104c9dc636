"""Tests of operators' orders: `tengerim alarms ack | reset | shelve | suppress | out-of-service | return | comment`."""

import getpass

import pytest

from infra.cli import main
from schemas.command import Command
from tests.messages import messages_of
from tests.room import Room

Said = pytest.CaptureFixture[str]


def ordered(room: Room) -> list[Command]:
    """What stands on the topic."""
    messages = messages_of(room.kafka, f"{room.space}.commands")
    return [Command.model_validate_json(message.value) for message in messages]


@pytest.mark.stack
def test_several_are_acknowledged_at_once_and_each_is_answered(room: Room, capsys: Said) -> None:
    trip, _, zone, *_ = room.numbers
    with room.answering():
        assert main(["alarms", "ack", str(zone), str(trip), "--as", "Айгерім"]) == 0
    assert capsys.readouterr().out == (
        f"alarm {zone} (ZONE_IMB zone/NS) is ACKED\nalarm {trip} (TRIP facility/F) is ACKED\n"
    )
    rows = room.rows("select alarm_id, acked_by from alarm where state = 'ACKED' and acked_by <> '' order by 1")
    assert rows == [(trip, "Айгерім"), (zone, "Айгерім"), (room.numbers[5], "Айгерім")]
    assert room.state(1) == "LUNACK"


@pytest.mark.stack
def test_without_a_name_it_is_who_is_logged_in(room: Room) -> None:
    with room.answering():
        assert main(["alarms", "ack", str(room.numbers[0])]) == 0
    actor = room.rows("select actor from alarm_event where event = 'acknowledge' order by event_id desc limit 1")
    assert actor == [(getpass.getuser(),)]


@pytest.mark.stack
def test_every_order_does_what_it_says(room: Room) -> None:
    trip, gap = str(room.numbers[0]), str(room.numbers[8])
    done = [
        (["shelve", trip, "--minutes", "60", "--reason", "test run"], 0, "SHLVD"),
        (["unshelve", trip], 0, "UNACK"),
        (["suppress", trip, "--reason", "ordered"], 0, "DSUPR"),
        (["return", trip], 0, "UNACK"),
        (["out-of-service", trip, "--reason", "meter", "--approver", "Daulet"], 0, "OOSRV"),
        (["return", trip], 0, "UNACK"),
        (["comment", trip, "the station expects an hour"], 0, "UNACK"),
        (["ack", trip], 0, "ACKED"),
        (["return", gap, "--reason", "replaced"], 8, "UNACK"),
    ]  # fmt: skip
    with room.answering():
        for words, place, state in done:
            assert main(["alarms", *words]) == 0
            assert room.state(place) == state, words
    events = room.rows(f"select event, reason from v_alarm_event where alarm_id = {trip} order by event_id")
    assert events[2:] == [
        ("shelve", "test run"), ("unshelve", None), ("suppress", "ordered"), ("unsuppress", None), ("remove", "meter"),
        ("return", None), ("comment", "the station expects an hour"), ("acknowledge", None),
    ]  # fmt: skip


@pytest.mark.stack
def test_a_latched_alarm_is_reset(room: Room, capsys: Said) -> None:
    number = str(room.numbers[1])
    # A LUNACK alarm whose condition has passed.
    room.write("update alarm set condition = false, latched = true where state = 'LUNACK'")
    with room.answering():
        assert main(["alarms", "ack", number]) == 0
        assert main(["alarms", "reset", number]) == 0
    assert capsys.readouterr().out.endswith(f"alarm {number} (PIPELINE system/clock) is NORM\n")


@pytest.mark.stack
def test_what_makes_no_sense_is_refused_with_the_reason_and_the_others_are_done(room: Room, capsys: Said) -> None:
    trip, acked = room.numbers[0], room.numbers[5]
    with room.answering():
        assert main(["alarms", "ack", str(acked), str(trip)]) == 2
    out, err = capsys.readouterr()
    assert out == f"alarm {trip} (TRIP facility/F) is ACKED\n"
    assert err == f"tengerim: alarm {acked} (DEV_CONS facility/G): it has been acknowledged already\n"
    refused = room.rows(
        f"select event, reason from alarm_event where alarm_id = {acked} order by event_id desc limit 1"
    )
    assert refused == [("refused", "acknowledge: it has been acknowledged already")]


@pytest.mark.stack
def test_an_order_without_an_answer_ends_with_status_2_and_is_obeyed_later(
    room: Room, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.cli.alarms.ANSWER_S", 0.2)
    assert main(["alarms", "ack", str(room.numbers[0]), str(room.numbers[2])]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("tengerim: 2 of 2 orders have no answer within 0 s; they stand on the topic")
    assert room.state(0) == "UNACK"
    with room.answering():
        room.wait_for("select count(*) >= 2 from alarm_command where command = 'acknowledge'")
    assert (room.state(0), room.state(2)) == ("ACKED", "ACKED")


@pytest.mark.stack
@pytest.mark.parametrize("words", [["ack", "999999"], ["comment", "999999", "x"], ["reset", "1000000", "999999"]])
def test_nothing_is_ordered_about_an_alarm_that_there_is_not(words: list[str], room: Room, capsys: Said) -> None:
    before = len(ordered(room))
    assert main(["alarms", *words, "--as", "A"]) == 2
    assert "there is no alarm 999999" in capsys.readouterr().err
    assert len(ordered(room)) == before


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["ack"], "say which: the numbers that `tengerim alarms list` shows, as `tengerim alarms ack 7`"),
        (["out-of-service", "--reason", "x", "--approver", "y"], "as `tengerim alarms out-of-service 7`"),
        (["shelve", "7", "--reason", "x"], "--minutes"),
        (["shelve", "7", "--minutes", "60"], "--reason"),
        (["shelve", "7", "--minutes", "0", "--reason", "x"], "--minutes 0: should be greater than 0"),
        (["suppress", "7"], "--reason"),
        (["out-of-service", "7", "--reason", "x"], "--approver"),
        (["comment", "7"], "parameter"),
        (["ack", "seven"], "invalid value"),
        (["ack", "7", "--as", "A" * 201], "--as 'AAA"),
        (["ack", "7", "--reason", "x" * 2001], "should have at most 2000 characters"),
    ],
)
def test_what_is_not_clear_is_not_ordered(words: list[str], problem: str, capsys: Said) -> None:
    assert main(["alarms", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert problem.lower() in err.lower()
