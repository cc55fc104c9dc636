"""Tests of schemas.topics."""

from schemas.topics import topics_of


def test_every_topic_of_a_space_bears_its_name() -> None:
    assert topics_of("demo") == ("demo.frames", "demo.changes", "demo.events", "demo.commands")


def test_two_spaces_share_no_topic() -> None:
    assert not set(topics_of("a")) & set(topics_of("b"))
