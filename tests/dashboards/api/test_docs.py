"""The examples of docs/api.md do what the page says, on a space with something in every view."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.kafka import delete_topics, ensure_topics
from dashboards.api import orders
from schemas.settings import Settings

pytestmark = pytest.mark.stack
PAGE = Path(__file__).parents[3] / "docs" / "api.md"
BLOCKS = re.findall(r"^```\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def topics(served: Settings) -> Iterator[None]:
    """For orders, which nobody answers."""
    ensure_topics(served.kafka, served.space, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(orders, "ANSWER_S", 0.0)
        yield
    delete_topics(served.kafka, served.space)


def said(block: str, address: str, folder: Path) -> str:
    environment = os.environ | {"api": f"{address}/api/v1", "TMPDIR": str(folder)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (block, done.stderr)
    return done.stdout


@pytest.mark.parametrize("block", BLOCKS, ids=[f"example {number}" for number in range(len(BLOCKS))])
def test_the_examples_are_answered(block: str, address: str, topics: None, tmp_path: Path) -> None:
    assert said(block, address, tmp_path)


def test_what_the_page_says_of_answers_is_so(address: str, topics: None, tmp_path: Path) -> None:
    whole = "".join(said(block, address, tmp_path) for block in BLOCKS)
    for words in ("304", "event: status", "'yesterday' is not a period", '"done":null', "emc,code,ts,wh"):
        assert words in whole
    assert (tmp_path / "march.parquet").read_bytes().startswith(b"PAR1")
