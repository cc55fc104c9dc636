"""The broker has lost its log: it comes back empty, without a topic; or as a copy that ends too early."""

import shutil
import time
from contextlib import closing
from pathlib import Path

import pytest

from connectors.database import connect
from connectors.kafka import KafkaError, end_offsets, partition_count
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
    assert len(worker.events("starts anew")) == under_load.settings.partitions + 3


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
    # Without a tick of the new log no time passes for the alarms.
    under_load.alarmed = False
    under_load.settle()
    under_load.alarmed = True
    under_load.load.start()
    under_load.await_progress()
    under_load.settle()


def test_a_log_restored_from_an_older_copy_goes_on_at_its_end(
    under_load: Campaign, own_home: Path, tmp_path: Path, say: local.Say
) -> None:
    worker = under_load.worker()
    under_load.load.start()
    under_load.await_progress()
    under_load.settle()
    data, copy = own_home / "data" / "kafka", tmp_path / "copy"
    local.stop(own_home, "kafka")
    shutil.copytree(data, copy)
    local.start(own_home, "kafka", say)
    kept = end_offsets(under_load.settings.kafka, topics_of(under_load.settings.space).frames)
    under_load.load.start()
    under_load.await_progress(2000)
    under_load.settle()
    local.stop(own_home, "kafka")
    shutil.rmtree(data)
    shutil.copytree(copy, data)
    local.start(own_home, "kafka", say)
    under_load.begin_log(kept)
    # Of frames, changes and events: whatever is sent before that is noticed may stand where something else was processed.
    worker.await_events(
        "the broker has lost the end of its log: the partition goes on there", under_load.settings.partitions + 2
    )
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
