"""The JSON Schemas of the messages, as files: `python -m schemas.export [--check]`."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from schemas.change import CHANGE
from schemas.command import Command
from schemas.event import EVENT
from schemas.frame import Frame, Tick
from schemas.live import NodeState, StatesChanged

FOLDER = Path(__file__).parent.parent / "docs" / "messages"

# The model, as which side reads or writes it, and what it is. What others send may leave defaults out; what is sent
# from here never does.
MESSAGES: dict[str, tuple[TypeAdapter[Any], JsonSchemaMode, str]] = {
    "frame": (
        TypeAdapter(Frame), "validation",
        "On the topic frames: one transmission of one DCTU, for one interval or several.",
    ),
    "tick": (
        TypeAdapter(Tick), "validation",
        "On the topic frames: the time, written into every partition by the clock.",
    ),
    "change": (CHANGE, "serialization", "On the topic changes: keys of what changed, never values."),
    "event": (EVENT, "serialization", "On the topic events: what collect and balance decided."),
    "command": (
        TypeAdapter(Command), "validation",
        "On the topic commands: an operator's order about one alarm, answered in the table alarm_command.",
    ),
    "state": (
        TypeAdapter(NodeState), "serialization",
        "In Redis, in the hash SPACE:now:KIND under the node's code: the node now.",
    ),
    "states-changed": (
        TypeAdapter(StatesChanged), "serialization",
        "In Redis, on the channel SPACE:changes: whose states were set.",
    ),
}  # fmt: skip


class _Plain(GenerateJsonSchema):
    """Without a title for every field, as its name says the same; of what is sent from here every field is there."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)


def schema_of(name: str) -> str:
    """The JSON Schema (draft 2020-12) of a message, as the text of its file."""
    adapter, mode, description = MESSAGES[name]
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name.capitalize(),
        "description": description,
    }
    body = adapter.json_schema(mode=mode, schema_generator=_Plain)
    return (
        json.dumps(head | {key: value for key, value in body.items() if key not in head}, indent=2, ensure_ascii=False)
        + "\n"
    )


def stale(folder: Path = FOLDER) -> list[Path]:
    """The files that do not say what the models say."""
    files = {folder / f"{name}.schema.json": schema_of(name) for name in MESSAGES}
    return [file for file, text in files.items() if not file.is_file() or file.read_text(encoding="utf-8") != text]


def write(folder: Path = FOLDER) -> None:
    """Write every file anew."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in MESSAGES:
        (folder / f"{name}.schema.json").write_text(schema_of(name), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Write the files; with --check only say which would change."""
    if arguments == ["--check"]:
        for file in (old := stale()):
            print(f"{file} is out of date: run python -m schemas.export", file=sys.stderr)  # noqa: T201
        return 1 if old else 0
    if arguments:
        print("usage: python -m schemas.export [--check]", file=sys.stderr)  # noqa: T201
        return 2
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
