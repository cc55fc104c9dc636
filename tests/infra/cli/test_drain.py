"""Tests of `tengerim drain`."""

from collections.abc import Iterator

import pytest

from connectors.database import connect, create_database, drop_database, space_url
from connectors.kafka import delete_topics, ensure_topics
from connectors.migrations import migrate
from connectors.producer import Producer
from infra.cli import main
from infra.stack.stack import Addresses


@pytest.fixture
def kafka(stack: Addresses, space: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of Kafka; the space has topics and tables, and nothing in them."""
    monkeypatch.setenv("TENGERIM_SPACE", space)
    url = space_url(stack.database, space)
    create_database(url)
    with connect(url) as connection:
        migrate(connection)
    ensure_topics(stack.kafka, space, 2)
    yield stack.kafka
    delete_topics(stack.kafka, space)
    drop_database(url)


@pytest.mark.stack
@pytest.mark.usefixtures("kafka")
def test_where_nothing_was_sent_everything_is_processed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drain"]) == 0
    assert capsys.readouterr().out.startswith("Everything is processed; waited ")


@pytest.mark.stack
def test_what_nobody_processes_ends_with_what_is_left(
    kafka: str, space: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Producer(kafka, space) as producer:
        producer.send_raw("D1", b"any")
    assert main(["drain", "--timeout", "0.1"]) == 2
    assert capsys.readouterr().err == (
        f"tengerim: not drained within 0.1 s; left: collect has 1 of 1 messages of {space}.frames before it. "
        "See `tengerim status`\n"
    )


@pytest.mark.parametrize("timeout", ["0", "-1", "soon"])
def test_a_timeout_that_is_none_is_refused(timeout: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drain", f"--timeout={timeout}"]) == 2
    assert "--timeout" in capsys.readouterr().err
