"""The one folder of a stack, and who may change it."""

import fcntl
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from infra.stack import stack as local
from infra.stack import state
from infra.stack.error import StackError
from infra.stack.stack import Addresses


@pytest.fixture
def held(tmp_path: Path) -> Iterator[int]:
    """The lock of the stack in `tmp_path`, held by somebody else."""
    local.down(tmp_path, print)
    lock = os.open(tmp_path / "lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    yield lock
    os.close(lock)


def test_who_comes_second_waits_and_says_so(held: int, tmp_path: Path) -> None:
    waiting = Event()
    with ThreadPoolExecutor() as pool:
        second = pool.submit(local.down, tmp_path, lambda line: waiting.set() if "waiting" in line else None)
        assert waiting.wait(10)
        assert not second.done()
        fcntl.flock(held, fcntl.LOCK_UN)
        second.result(timeout=10)


def test_a_folder_of_something_else_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    for command in (local.down, local.wipe):
        with pytest.raises(StackError, match=r"thesis.txt.*TENGERIM_HOME"):
            command(tmp_path, print)
    assert (tmp_path / "thesis.txt").exists()


def test_after_a_wipe_of_everything_nothing_made_here_is_left(tmp_path: Path) -> None:
    local.down(tmp_path, print)
    for name in ("data", "demo", "logs", "targets"):
        (tmp_path / name / "within").mkdir(parents=True)
    local.wipe(tmp_path, print, everything=True)
    assert list(tmp_path.iterdir()) == []


def test_a_wipe_takes_only_what_a_stack_made(tmp_path: Path) -> None:
    local.down(tmp_path, print)
    (tmp_path / "thesis.txt").write_text("years of work")
    local.wipe(tmp_path, print, everything=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="TENGERIM_HOME"):
        local.down(tmp_path / "file" / "home", print)


def test_a_broken_memory_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("[]")
    assert local.running(tmp_path) is None


def test_the_memory_keeps_what_it_was_given(tmp_path: Path) -> None:
    kept = state.State(tmp_path, {**state.read(tmp_path).ports, "redis": 7}, Addresses(redis="redis://there"), True)
    state.write(kept)
    assert state.read(tmp_path) == kept
    assert local.running(tmp_path) == Addresses(redis="redis://there")
    assert not local.broker_is_kafka(tmp_path)


def test_the_memory_is_the_users_own(tmp_path: Path) -> None:
    state.write(state.read(tmp_path))
    assert (tmp_path / "stack.json").stat().st_mode & 0o077 == 0
