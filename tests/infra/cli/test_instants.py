"""Tests of infra.cli.instants."""

from datetime import UTC, datetime

import pytest

from infra.cli.error import UserError
from infra.cli.instants import instant


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-03-02", datetime(2026, 3, 1, 19, tzinfo=UTC)),
        ("2026-03-02T05:15", datetime(2026, 3, 2, 0, 15, tzinfo=UTC)),
        ("2026-03-02T05:15Z", datetime(2026, 3, 2, 5, 15, tzinfo=UTC)),
        ("2026-03-02 05:15+03:00", datetime(2026, 3, 2, 2, 15, tzinfo=UTC)),
    ],
)
def test_without_an_offset_it_is_local_time(text: str, at: datetime) -> None:
    assert instant("--from", text) == at


def test_nothing_said_is_nothing() -> None:
    assert instant("--from", None) is None


def test_what_is_no_instant_is_told_with_its_option() -> None:
    with pytest.raises(UserError, match=r"^--to 'noon' is not an instant: write a date or"):
        instant("--to", "noon")
