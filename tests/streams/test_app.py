"""Tests of streams.app, with the real broker."""

from pathlib import Path

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from connectors.kafka import MAX_MESSAGE_BYTES, delete_topics, ensure_topics
from infra.stack.stack import Addresses
from schemas.settings import Settings
from schemas.topics import topics_of
from streams.app import build, send

pytestmark = pytest.mark.stack


async def test_a_message_that_kafka_never_takes_is_told_from_a_broker_that_is_away(
    stack: Addresses, space: str, tmp_path: Path
) -> None:
    ensure_topics(stack.kafka, space, 2)
    app = build("collect", Settings(home=tmp_path, space=space, kafka=stack.kafka, database=stack.database))
    await app.producer.start()
    try:
        with pytest.raises(MessageSizeTooLargeError):
            await send(app, topics_of(space).frames, 0, None, bytes(MAX_MESSAGE_BYTES))
    finally:
        await app.producer.stop()
        delete_topics(stack.kafka, space)
