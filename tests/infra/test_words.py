"""Tests of infra.words."""

import pytest

from infra.words import many


@pytest.mark.parametrize(("count", "words"), [(0, "0 frames"), (1, "1 frame"), (2, "2 frames"), (2000, "2,000 frames")])
def test_one_is_not_many(count: int, words: str) -> None:
    assert many(count, "frame") == words
