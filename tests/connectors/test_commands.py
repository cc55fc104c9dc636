"""Tests of connectors.commands."""

import threading
import time
from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest

from connectors.commands import send_commands, wait_for_answers
from connectors.database import connect
from connectors.kafka import KafkaError, delete_topics, ensure_topics
from infra.stack.stack import Addresses
from schemas.command import Command
from schemas.topics import topics_of
from tests.connectors.alarmed import at
from tests.messages import messages_of
from tests.property.database import Database

pytestmark = pytest.mark.stack


def command(number: int) -> Command:
    return Command(command_id=UUID(int=number), sent_at=at(0), order="acknowledge", alarm_id=number, actor="Айгерім")


def answer(connection: psycopg.Connection, *numbers: int) -> None:
    for number in numbers:
        connection.execute(
            "insert into alarm_command (command_id, at, sent_at, actor, command, alarm_id, done, answer)"
            " values (%s, now(), now(), 'A', 'acknowledge', %s, %s, %s)",
            [UUID(int=number), number, number % 2 == 0, f"answer {number}"],
        )
    connection.commit()


@pytest.fixture
def database_of_answers(database: Database) -> Iterator[psycopg.Connection]:
    """Nobody has been answered."""
    database.connection.execute("delete from alarm_command")
    database.connection.commit()
    with connect(database.url) as connection:
        yield connection


@pytest.fixture
def topic(stack: Addresses, space: str) -> Iterator[str]:
    ensure_topics(stack.kafka, space, 1)
    yield topics_of(space).commands
    delete_topics(stack.kafka, space)


def test_orders_stand_on_the_topic_as_they_were_given_in_order(stack: Addresses, space: str, topic: str) -> None:
    send_commands(stack.kafka, space, [command(2), command(1)])
    found = [Command.model_validate_json(message.value) for message in messages_of(stack.kafka, topic)]
    assert found == [command(2), command(1)]


def test_a_space_without_a_topic_takes_no_orders(stack: Addresses, space: str) -> None:
    with pytest.raises(KafkaError):
        send_commands(stack.kafka, space, [command(1)])


def test_answers_come_in_the_order_of_the_orders(database_of_answers: psycopg.Connection) -> None:
    answer(database_of_answers, 1, 2, 3)
    found = wait_for_answers(database_of_answers, [command(3), command(2)], 5)
    assert found == [(UUID(int=3), False, "answer 3"), (UUID(int=2), True, "answer 2")]


def test_answers_that_come_later_are_waited_for(database: Database, database_of_answers: psycopg.Connection) -> None:
    answer(database_of_answers, 1)
    later = threading.Timer(0.3, answer, [database.connection, 2])
    later.start()
    found = wait_for_answers(database_of_answers, [command(1), command(2)], 20)
    later.join()
    assert [one.answer for one in found] == ["answer 1", "answer 2"]


def test_what_has_no_answer_in_time_is_left_out(database_of_answers: psycopg.Connection) -> None:
    answer(database_of_answers, 2)
    begun = time.monotonic()
    assert [one.answer for one in wait_for_answers(database_of_answers, [command(1), command(2)], 0.3)] == ["answer 2"]
    assert 0.3 <= time.monotonic() - begun < 5


def test_while_it_waits_it_holds_no_transaction(database_of_answers: psycopg.Connection) -> None:
    wait_for_answers(database_of_answers, [command(1)], 0)
    assert database_of_answers.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
