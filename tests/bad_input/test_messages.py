"""Bad messages on Kafka are refused by name, the rest of each is stored, and the worker lives on."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from kafka import KafkaProducer

from connectors.database import connect
from connectors.kafka import MAX_MESSAGE_BYTES, partition_count
from schemas.partitioning import partition_of
from schemas.time import INTERVAL
from schemas.topics import topics_of
from tests.bad_input.conftest import Worked
from tests.bad_input.messages import DCTU, MESSAGES, Message
from tests.bad_input.template import fits
from tests.spaces import Space

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ALL = [(f"{group}: {message.what}", message) for group, some in MESSAGES.items() for message in some]


@dataclass(frozen=True)
class Sent:
    """A case as it was sent."""

    message: Message
    payload: bytes
    start: datetime


class Kafka:
    """Sends anything to the topics of a space, also what the project's own producer would not."""

    def __init__(self, space: Space) -> None:
        self.topics = topics_of(space.name)
        self.partition = partition_of(DCTU, partition_count(space.kafka, self.topics.frames))
        self._producer = KafkaProducer(bootstrap_servers=space.kafka, max_request_size=MAX_MESSAGE_BYTES)

    def send(self, topic: str, payload: bytes | None) -> None:
        to_frames = topic == "frames"
        partition = self.partition if to_frames else 0
        self._producer.send(getattr(self.topics, topic), payload, key=DCTU.encode(), partition=partition).get(30)

    def close(self) -> None:
        self._producer.close()


@pytest.fixture(scope="module")
def sent(worked: Worked) -> dict[str, Sent]:
    """All of them sent, one after the other, behind a first tick and before a good frame; all processed."""
    space = worked.space
    kafka = Kafka(space)
    cases = {}
    for number, (name, message) in enumerate(ALL):
        start = space.first + number * INTERVAL
        cases[name] = Sent(message, message.payload(number, start), start)
        kafka.send(message.topic, cases[name].payload)
    kafka.send("frames", None)
    good = Message("good", None)
    kafka.send("frames", good.payload(len(ALL), space.first + len(ALL) * INTERVAL))
    kafka.close()
    space.run("drain --timeout 170")
    return cases


@pytest.mark.parametrize("name", [name for name, _ in ALL])
def test_a_bad_message_is_refused_and_the_rest_of_it_stored(name: str, sent: dict[str, Sent], worked: Worked) -> None:
    case = sent[name]
    with connect(worked.space.url) as connection:
        refused = connection.execute(
            "select distinct rule, detail from quarantine join quarantine_frame f on f.digest = frame_digest"
            " where message = %s",
            [case.payload],
        ).fetchall()
        stored = connection.execute(
            "select count(*) from v_reading where ts = %s and emc || '/' || code in ('M1/01', 'M1/02')", [case.start]
        ).fetchone()
    expected = case.message.rule.value if case.message.rule else None
    assert {rule for rule, _ in refused} == ({expected} if expected else set())
    assert all(fits(detail, case.message.gets) for _, detail in refused), refused
    assert stored == (case.message.stored,)


def test_every_refused_reading_stands_in_the_quarantine(sent: dict[str, Sent], worked: Worked) -> None:
    many = next(case for name, case in sent.items() if "20,000 channels" in name)
    with connect(worked.space.url) as connection:
        row = connection.execute(
            "select count(distinct channel) from quarantine join quarantine_frame f on f.digest = frame_digest"
            " where message = %s",
            [many.payload],
        ).fetchone()
    assert row == (len(many.message.changed["channels"]),)


@pytest.mark.usefixtures("sent")
def test_the_worker_took_all_of_it_without_a_death(worked: Worked) -> None:
    assert worked.worker.process.poll() is None
    assert "an agent died" not in worked.worker.said()
    assert "Traceback" not in worked.worker.said()
    with connect(worked.space.url) as connection:
        after = worked.space.first + len(ALL) * INTERVAL
        row = connection.execute("select count(*) from v_reading where ts = %s and emc = 'M1'", [after]).fetchone()
        assert row == (2,)
        tries = connection.execute("select max(tries), max(suspect_off) from ingest_offset").fetchone()
    assert tries == (0, -1)


@pytest.mark.usefixtures("sent")
def test_no_wrong_tick_moved_the_stream_s_time(worked: Worked) -> None:
    with connect(worked.space.url) as connection:
        row = connection.execute("select max(watched_until) - now() from ingest_offset").fetchone()
    assert row is not None
    assert row[0] < timedelta(seconds=5)


@pytest.mark.usefixtures("sent")
def test_what_was_refused_can_be_listed_and_shown_whatever_it_is(worked: Worked) -> None:
    assert "MALFORMED" in worked.space.run("quarantine list --format csv").out
    for command in ("quarantine list --limit 100000", "history quarantine"):
        listed = worked.space.run(command).out
        assert "MALFORMED" in listed
        assert "\x1b" not in listed
    with connect(worked.space.url) as connection:
        row = connection.execute("select max(length(detail)), max(length(channel)) from quarantine").fetchone()
    assert row is not None
    assert max(row) < 1000


@pytest.mark.usefixtures("sent")
def test_a_change_that_cannot_be_read_is_logged(worked: Worked) -> None:
    assert worked.worker.said().count("a change that cannot be read") == len(MESSAGES["Changes"])
