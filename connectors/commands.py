"""Operators' orders on their way: sent to the topic `commands`, answered in the table `alarm_command`."""

import time
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import psycopg

from connectors.outbox import send_messages
from schemas.command import Command
from schemas.topics import topics_of

LOOK_S = 0.1


class Answered(NamedTuple):
    """What came of one."""

    command_id: UUID
    done: bool
    answer: str


def send_commands(kafka: str, space: str, commands: Sequence[Command]) -> None:
    """Send orders, in their order. Raises KafkaError."""
    topic = topics_of(space).commands
    send_messages(kafka, [(topic, 0, None, command.model_dump_json().encode()) for command in commands])


def wait_for_answers(connection: psycopg.Connection, commands: Sequence[Command], timeout_s: float) -> list[Answered]:
    """The answers that have come within the time, in the order of the commands."""
    ids = [command.command_id for command in commands]
    until = time.monotonic() + timeout_s
    while True:
        rows = connection.execute(
            "select command_id, done, answer from alarm_command where command_id = any (%s)", [ids]
        ).fetchall()
        connection.rollback()
        if len(rows) == len(ids) or time.monotonic() > until:
            found = {row[0]: Answered(*row) for row in rows}
            return [found[one] for one in ids if one in found]
        time.sleep(LOOK_S)
