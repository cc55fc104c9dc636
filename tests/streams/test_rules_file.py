"""Tests of streams.rules_file."""

import os
import time
from pathlib import Path

import pytest

from alerts.master import shipped
from streams.rules_file import RulesFile
from tests.alerts.making import master, text_of

GOOD, OTHER = text_of(), text_of(TRIP={"on_delay": 3})
WRONG = GOOD.replace("on_delay: 0", "on_delay: -1", 1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yml"
    write(path, GOOD, 1)
    return path


def write(path: Path, text: str, second: int) -> None:
    """The file as it is from then on: clocks of file systems may be coarse."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, (second, second))


def test_without_a_path_it_is_the_shipped_one() -> None:
    rules = RulesFile("")
    assert (rules.changed() or master()).digest == shipped().digest
    assert rules.changed() is None


def test_a_file_is_read_and_then_left_alone(file: Path) -> None:
    rules = RulesFile(str(file))
    assert (rules.changed() or shipped()).text == GOOD
    assert rules.changed() is None


def test_a_changed_file_is_taken_once(file: Path) -> None:
    rules = RulesFile(str(file))
    rules.changed()
    write(file, OTHER, 2)
    changed = rules.changed()
    assert changed is not None
    assert changed.types.TRIP.on_delay == 3
    assert rules.changed() is None


def test_a_file_that_was_only_touched_is_no_change(file: Path) -> None:
    rules = RulesFile(str(file))
    rules.changed()
    write(file, GOOD, 2)
    assert rules.changed() is None


def test_a_file_replaced_within_one_tick_of_its_clock_is_seen_by_its_size(file: Path) -> None:
    rules = RulesFile(str(file))
    rules.changed()
    write(file, OTHER + "\n# another\n", 1)
    assert rules.changed() is not None


@pytest.mark.parametrize("text", [WRONG, "", "types: [", GOOD[: len(GOOD) // 2]])
def test_a_wrong_file_is_refused_until_it_is_mended(file: Path, text: str) -> None:
    rules = RulesFile(str(file))
    rules.changed()
    write(file, text, 2)
    assert rules.changed() is None
    assert "rules.yml:" in rules.ailment().says
    write(file, OTHER, 3)
    changed = rules.changed()
    assert changed is not None
    assert changed.text == OTHER
    assert (rules.ailment().seconds, rules.ailment().says) == (0, "")


def test_a_wrong_file_that_is_put_back_as_it_was_is_well_and_no_change(file: Path) -> None:
    rules = RulesFile(str(file))
    rules.changed()
    write(file, WRONG, 2)
    rules.changed()
    write(file, GOOD, 3)
    assert rules.changed() is None
    assert rules.ailment().says == ""


def test_it_ails_from_when_it_became_wrong(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    rules = RulesFile(str(file))
    rules.changed()
    assert rules.ailment().seconds == 0
    write(file, WRONG, 2)
    rules.changed()
    clock = 130.0
    write(file, WRONG + "\n", 3)
    rules.changed()
    clock = 160.0
    assert rules.ailment().seconds == 60


def test_what_is_wrong_is_said_line_by_line(file: Path) -> None:
    rules = RulesFile(str(file))
    rules.changed()
    write(file, WRONG, 2)
    rules.changed()
    line = next(number for number, text in enumerate(WRONG.splitlines(), 1) if "on_delay: -1" in text)
    assert rules.ailment().says.startswith(f"rules.yml:{line}: types.")


@pytest.mark.parametrize("begin", ["wrong", "absent", "not UTF-8"])
def test_a_worker_that_begins_with_a_wrong_file_has_none_and_ails(file: Path, begin: str) -> None:
    if begin == "wrong":
        write(file, WRONG, 1)
    elif begin == "absent":
        file.unlink()
    else:
        file.write_bytes(b"\xff\xfe")
    rules = RulesFile(str(file))
    assert rules.changed() is None
    assert rules.ailment().says
    write(file, OTHER, 2)
    changed = rules.changed()
    assert changed is not None
    assert changed.text == OTHER


def test_a_file_that_is_gone_leaves_the_old_rules_and_ails(file: Path) -> None:
    rules = RulesFile(str(file))
    rules.changed()
    file.unlink()
    assert rules.changed() is None
    assert "No such file" in rules.ailment().says
    write(file, GOOD, 1)
    assert rules.changed() is None
    assert rules.ailment().says == ""


def test_a_file_that_cannot_be_read_at_a_moment_is_read_at_the_next(file: Path, tmp_path: Path) -> None:
    rules = RulesFile(str(file))
    rules.changed()
    aside = tmp_path / "aside.yml"
    write(file, OTHER, 2)
    # As an editor that writes beside and renames.
    file.rename(aside)
    assert rules.changed() is None
    aside.rename(file)
    assert rules.changed() is not None
