"""What `make chaos` as a whole must have been: hard enough for its books to mean something. Collected last."""

import pytest

from tests.chaos.conftest import Books

pytestmark = [pytest.mark.chaos, pytest.mark.stack]

CAMPAIGNS = 20


def test_it_was_hard_enough(books: Books) -> None:
    if books.campaigns < CAMPAIGNS:
        pytest.skip(f"only {books.campaigns} campaigns of the whole were run")
    assert books.kills >= 20
    assert books.failpoints >= 15
    assert books.fenced >= 2
    assert books.readings_per_s >= 5000
    assert (books.lost, books.wrong) == (0, 0)
