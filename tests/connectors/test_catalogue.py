"""Tests of connectors.catalogue."""

import psycopg
import pytest

from connectors.catalogue import FILE, describe, main


@pytest.mark.stack
def test_the_page_in_the_docs_is_up_to_date(archive: psycopg.Connection) -> None:
    page = describe(archive)
    assert FILE.read_text(encoding="utf-8") == page, "run python -m connectors.catalogue ADDRESS"
    assert "| `late_by` | interval | From the end of the first interval to healing. |" in page
    assert "- `gap_as_of(known_at timestamptz, grace interval)`: v_gap as it was known" in page


def test_without_an_address_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("usage: python -m connectors.catalogue ")
