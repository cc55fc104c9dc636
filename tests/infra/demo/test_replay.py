"""Tests of infra.demo.replay."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from connectors.database import connect
from infra import space as spaces
from infra.demo.feed import Sending
from infra.demo.fleet import fleet
from infra.demo.replay import paced, register, send
from infra.stack.stack import Addresses
from schemas.settings import Settings
from schemas.topics import topics_of
from tests.connectors import filled
from tests.messages import messages_of

AT = datetime(2026, 3, 2, 6, tzinfo=UTC)
HOUR = b"unit,hour,mwh,version\nUG,2026-03-02T06:00Z,1,1\n"


@dataclass(frozen=True)
class Space:
    """A space to be replayed into."""

    settings: Settings
    archive: psycopg.Connection

    def sent(self) -> list[bytes]:
        return [message.value for message in messages_of(self.settings.kafka, topics_of(self.settings.space).frames)]


@pytest.fixture
def own(stack: Addresses, space: str, home: Path) -> Iterator[Space]:
    settings = Settings(home=home, space=space, partitions=2, **asdict(stack))
    with connect(spaces.prepare(settings, str)) as archive:
        yield Space(settings, archive)
    spaces.remove(settings)


def feed() -> list[Sending]:
    """A tick, a frame, a correction of the schedule, and what is no frame."""
    tick = json.dumps({"now": AT.isoformat()}).encode()
    return [
        Sending(AT, "tick", "", tick),
        Sending(AT, "frame", "DF", b'{"dctu":"DF"}'),
        Sending(AT + timedelta(minutes=1), "schedule", "", HOUR),
        Sending(AT + timedelta(minutes=2), "raw", "DF", b"\xff no frame"),
    ]


@pytest.mark.stack
def test_messages_go_to_kafka_and_schedules_into_the_archive(own: Space, tmp_path: Path) -> None:
    filled.register(own.archive, tmp_path)
    assert send(own.settings, own.archive, feed()) == 3
    # A tick goes to each of the two partitions.
    assert sorted(own.sent()) == sorted([b'{"now":"2026-03-02T06:00:00Z"}'] * 2 + [b'{"dctu":"DF"}', b"\xff no frame"])
    planned = own.archive.execute("select unit, wh, received_at from v_schedule").fetchall()
    assert planned == [("UG", 1_000_000, AT + timedelta(minutes=1))]


@pytest.mark.stack
def test_what_is_sent_is_kept_in_its_order(own: Space, tmp_path: Path) -> None:
    filled.register(own.archive, tmp_path)
    send(own.settings, own.archive, feed(), keep=tmp_path / "kept")
    lines = [json.loads(line) for line in (tmp_path / "kept" / "sent.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["tick", "frame", "schedule", "raw"]
    assert [line["payload"] for line in lines[1:]] == ['{"dctu":"DF"}', HOUR.decode(), "\\xff no frame"]
    assert datetime.fromisoformat(lines[3]["at"]) == AT + timedelta(minutes=2)


@pytest.mark.stack
def test_a_replay_ends_where_it_is_told(own: Space) -> None:
    assert send(own.settings, own.archive, feed(), wait=lambda at: at < AT + timedelta(minutes=1)) == 2
    assert len(own.sent()) == 3


@pytest.mark.stack
def test_the_fleet_is_registered_from_the_moment_given(own: Space, tmp_path: Path) -> None:
    register(own.archive, own.settings, AT, tmp_path)
    row = own.archive.execute("select count(*), min(received_at), max(received_at) from channel_version").fetchone()
    assert row == (len(fleet().channels), AT, AT)
    assert len(messages_of(own.settings.kafka, topics_of(own.settings.space).changes)) == 1
    assert (tmp_path / "channels.csv").exists()


def test_stream_time_passes_as_fast_as_asked() -> None:
    wait = paced(3600.0, lambda: False)
    begun = time.monotonic()
    assert all(wait(AT + timedelta(minutes=minutes)) for minutes in (0, 1, 5))
    assert 5 / 60 <= time.monotonic() - begun < 5


def test_what_is_behind_is_not_waited_for() -> None:
    wait = paced(1.0, lambda: False)
    begun = time.monotonic()
    assert wait(AT)
    assert wait(AT - timedelta(hours=1))
    assert time.monotonic() - begun < 1


def test_a_stopped_replay_waits_no_longer() -> None:
    stopped: list[bool] = []
    wait = paced(1.0, lambda: bool(stopped))
    assert wait(AT)
    stopped.append(True)
    assert not wait(AT + timedelta(days=1))
