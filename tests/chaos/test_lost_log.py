"""The broker has lost its log: it comes back empty, without a topic."""

import time
from contextlib import closing
from pathlib import Path

import pytest

from connectors.database import connect
from connectors.kafka import KafkaError, partition_count
from infra.stack import stack as local
from schemas.topics import topics_of
from tests.chaos.campaign import Campaign
from tests.chaos.worker import WAIT_S

pytestmark = [pytest.mark.chaos, pytest.mark.stack]


def test_workers_make_the_topics_anew_and_what_was_processed_stays(
    under_load: Campaign, own_home: Path, say: local.Say
) -> None:
    worker = under_load.worker()
    under_load.load.start()
    under_load.await_progress()
    under_load.work_on(3, 5)
    under_load.settle()
    local.lose_log(own_home, say)
    await_topics(under_load)
    under_load.begin_log()
    under_load.load.start()
    under_load.await_progress()
    under_load.settle()
    assert len(worker.events("starts anew")) == under_load.settings.partitions + 1


def test_balances_are_right_though_their_changes_are_gone(under_load: Campaign, own_home: Path, say: local.Say) -> None:
    both = under_load.worker()
    under_load.load.start()
    under_load.await_progress()
    both.stop()
    # From here on nobody computes balances, and in the end nobody even collects.
    collector = under_load.worker("collect")
    under_load.await_progress(1000)
    collector.stop()
    under_load.work_on(2, 4)
    under_load.load.pause()
    under_load.take_log(processed(under_load))
    local.lose_log(own_home, say)
    under_load.worker()
    await_topics(under_load)
    under_load.begin_log()
    under_load.settle()
    under_load.load.start()
    under_load.await_progress()
    under_load.settle()


def processed(of: Campaign) -> dict[int, int]:
    """How far collect is in every partition."""
    with closing(connect(of.url)) as connection:
        return dict(
            connection.execute("select partition, next_off from ingest_offset where agent = 'collect'").fetchall()
        )


def await_topics(of: Campaign) -> None:
    """Wait until somebody has made the topics."""
    until = time.monotonic() + WAIT_S
    while True:
        try:
            partition_count(of.settings.kafka, topics_of(of.settings.space).frames)
        except KafkaError:
            assert time.monotonic() < until, f"nobody makes the topics; see {of.folder}"
            time.sleep(0.5)
        else:
            return
