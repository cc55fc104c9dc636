"""Tests of schemas.export."""

import json
from pathlib import Path

import pytest

from schemas.export import FOLDER, MESSAGES, main, schema_of, stale, write


def test_the_schemas_in_the_docs_are_up_to_date() -> None:
    assert stale() == [], "run python -m schemas.export"


def test_the_docs_hold_no_schema_of_nothing() -> None:
    assert {file.name for file in FOLDER.iterdir()} == {f"{name}.schema.json" for name in MESSAGES}


def test_a_schema_says_what_it_is_and_by_which_draft() -> None:
    schema = json.loads(schema_of("frame"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == "Frame"
    assert schema["required"] == ["dctu", "seq", "sent_at", "slices"]
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("name", ["change", "event"])
def test_what_is_sent_from_here_always_has_every_field(name: str) -> None:
    for message in json.loads(schema_of(name))["$defs"].values():
        assert message["required"] == list(message["properties"])


def test_files_are_written_and_checked(tmp_path: Path) -> None:
    folder = tmp_path / "messages"
    assert len(stale(folder)) == len(MESSAGES)
    write(folder)
    assert stale(folder) == []
    (folder / "tick.schema.json").write_text("{}")
    assert stale(folder) == [folder / "tick.schema.json"]


def test_a_wrong_argument_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--chek"]) == 2
    assert capsys.readouterr().err == "usage: python -m schemas.export [--check]\n"
