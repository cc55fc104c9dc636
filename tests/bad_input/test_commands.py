"""Bad files, settings, servers and words get one clear sentence each, and bring nothing."""

from pathlib import Path

import pytest

from connectors.database import connect
from connectors.kafka import end_offsets
from schemas.topics import topics_of
from tests.bad_input.commands import COMMANDS, Command
from tests.bad_input.template import fits
from tests.running import tengerim
from tests.spaces import Space

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ALL = [pytest.param(command, id=f"{group}: {command.what}") for group, some in COMMANDS.items() for command in some]


def contents(here: Space) -> tuple[int, ...]:
    """What imports would change; the last is the number of frames."""
    with connect(here.url) as connection:
        row = connection.execute(
            "select (select version from registry_version), (select count(*) from registry_import),"
            " (select count(*) from daily_schedule), (select count(*) from channel_key), (select count(*) from outbox)"
        ).fetchone()
    assert row is not None
    return (*row, sum(end_offsets(here.kafka, topics_of(here.name).frames).values()))


@pytest.mark.parametrize("case", ALL)
def test_bad_input_gets_one_sentence_and_brings_nothing(case: Command, here: Space, tmp_path: Path) -> None:
    for name, content in case.files.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    environment = {name: value.replace("{there}", str(tmp_path)) for name, value in case.env.items()}
    *before, frames = contents(here)
    done = tengerim(case.command, here.environment | environment, tmp_path)
    gets = case.gets.replace("{there}", str(tmp_path)).replace("{space}", here.name)
    assert fits(done.err, f"{gets}\n"), done.err
    assert done.status == 2
    assert "Traceback" not in done.out
    assert [*before, frames + case.brings] == [*contents(here)]


def test_a_drain_without_a_worker_ends_with_what_is_left(here: Space) -> None:
    done = tengerim("drain --timeout 2", here.environment, here.folder)
    assert done.status == 2
    left = f"collect has … of … messages of {here.name}.frames before it; …"
    assert fits(done.err, f"tengerim: not drained within 2 s; left: {left}. See `tengerim status`\n"), done.err
