"""Tests of infra.pipeline."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from connectors.database import connect
from connectors.kafka import topic_ids
from connectors.producer import Producer
from infra import space as spaces
from infra.pipeline import Line, look
from infra.stack.stack import Addresses
from schemas.settings import Settings
from schemas.topics import topics_of
from tests.connectors.filled import register

pytestmark = pytest.mark.stack


@dataclass(frozen=True)
class Space:
    """A space whose tables and topics a test fills by hand."""

    settings: Settings
    archive: psycopg.Connection

    def line(self, name: str) -> Line:
        self.archive.commit()
        return next(line for line in look(self.settings) if line.name == name)

    def watched(self, until: datetime) -> None:
        """As if collect had processed all of its topic, up to a tick."""
        topic = topics_of(self.settings.space).frames
        self.archive.execute(
            "insert into ingest_offset (agent, topic, partition, topic_id, next_off, epoch, watched_until)"
            " values ('collect', %s, 0, %s, 1, 1, %s)",
            [topic, topic_ids(self.settings.kafka, [topic])[topic], until],
        )


def own_settings(stack: Addresses, space: str, home: Path) -> Settings:
    return Settings(home=home, space=space, partitions=1, **asdict(stack))


@pytest.fixture
def own(stack: Addresses, space: str, home: Path) -> Iterator[Space]:
    settings = own_settings(stack, space, home)
    with connect(spaces.prepare(settings, str)) as archive:
        yield Space(settings, archive)
    spaces.remove(settings)


def test_a_space_that_was_never_used_says_who_makes_it(stack: Addresses, space: str, home: Path) -> None:
    says = f"{space} has no tables or topics yet; `tengerim worker` makes them"
    assert look(own_settings(stack, space, home)) == [Line("space", "down", says)]


def test_a_new_space_waits_for_a_worker(own: Space) -> None:
    assert look(own.settings) == [
        Line("collect", "down", "no worker; nothing waits. Start one: `tengerim worker`"),
        Line("balance", "down", "no worker; nothing waits. Start one: `tengerim worker`"),
        Line("alarm", "down", "no worker; nothing waits. Start one: `tengerim worker`"),
        Line("time", "late", "no tick of a clock has been processed yet"),
        Line("outbox", "good", "empty"),
        Line("recompute", "good", "empty"),
        Line("DCTUs", "good", "none is registered yet"),
        Line("quarantine", "plain", "empty"),
        Line("alarms", "good", "0 alarms standing, 0 not acknowledged, 0 suppressed; see `tengerim alarms list`"),
        Line("notifications", "good", "everything is delivered"),
    ]


def test_what_waits_is_counted(own: Space) -> None:
    with Producer(own.settings.kafka, own.settings.space) as producer:
        producer.send_raw("D", b"any")
    assert own.line("collect").says.startswith("no worker; 1 message to process.")
    own.watched(datetime.now(UTC))
    assert own.line("collect").says.startswith("no worker; nothing waits.")


@pytest.mark.parametrize(
    ("apart", "state", "words"),
    [
        (timedelta(seconds=10), "good", r"s behind the wall clock"),
        (timedelta(minutes=30), "late", "30 min behind the wall clock"),
        (timedelta(hours=5), "late", "5 h behind the wall clock"),
        (timedelta(days=3), "late", "3.0 days behind the wall clock"),
        (timedelta(hours=-20), "late", "20 h ahead of the wall clock"),
    ],
)
def test_time_is_late_when_its_ticks_are(own: Space, apart: timedelta, state: str, words: str) -> None:
    own.watched(datetime.now(UTC) - apart)
    line = own.line("time")
    assert (line.state, words in line.says) == (state, True), line.says


def test_the_newest_closed_interval_of_another_day_has_its_date(own: Space) -> None:
    own.watched(datetime(2026, 3, 3, 5, tzinfo=UTC))
    for hours, words in ((0, "2026-03-02 05:00"), (24, "05:00")):
        own.archive.execute(
            "insert into balance (ts, node_id, present, expected, closed, imbalance_wh, computed_at)"
            " values (%s, 1, 1, 1, true, 0, now())",
            [datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hours)],
        )
        assert own.line("time").says.endswith(f"; newest closed interval {words}")


def test_silence_refusals_and_work_left_are_told(own: Space, tmp_path: Path) -> None:
    register(own.archive, tmp_path)
    own.archive.execute("delete from recompute")
    assert own.line("DCTUs") == Line("DCTUs", "good", "all 2 report")
    since = datetime(2026, 3, 2, 6, tzinfo=UTC)
    own.archive.execute(
        "insert into gap values (%s, %s, (select dctu_id from dctu_key where dctu = 'DF'), 1, false, %s)",
        [since, since, since],
    )
    for rule in ("GRID", "UNKNOWN", "UNKNOWN"):
        own.archive.execute(
            "insert into quarantine (received_at, rule, detail, digest, frame_digest) values (now(), %s, '', '', '')",
            [rule],
        )
    own.archive.execute("insert into recompute (from_ts, to_ts) values (now(), now())")
    assert own.line("DCTUs") == Line("DCTUs", "late", "1 of 2 with gaps, the longest since 2026-03-02 11:00")
    assert own.line("quarantine").says == "2 UNKNOWN, 1 GRID; see `tengerim quarantine list`"
    assert own.line("recompute") == Line("recompute", "good", "1 period to compute anew")
