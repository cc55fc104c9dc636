import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.stack.process import Process

SLEEP = ["sleep", "600"]
STUBBORN = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"]
PARENT = ["sh", "-c", "sleep 600 & echo $!; wait"]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    process = Process("server", tmp_path)
    yield process
    process.kill()


def said(process: Process) -> str:
    until = time.monotonic() + 10
    while not (words := process.last_words()) and time.monotonic() < until:
        time.sleep(0.01)
    return words


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_started_process_is_known_by_its_pid(process: Process) -> None:
    process.start(SLEEP, "spec")
    pid = process.pid()
    assert pid is not None
    assert Path(f"/proc/{pid}/stat").exists()
    assert json.loads((process.home / "run" / "server.json").read_text())["pid"] == pid


def test_another_interpreter_sees_the_same_process(process: Process) -> None:
    process.start(SLEEP, "spec")
    code = (
        "import sys; from pathlib import Path; from infra.stack.process import Process; "
        "print(Process('server', Path(sys.argv[1])).pid())"
    )
    seen = subprocess.run([sys.executable, "-c", code, str(process.home)], capture_output=True, text=True, check=True)
    assert int(seen.stdout) == process.pid()


def test_it_leads_a_session_of_its_own(process: Process) -> None:
    process.start(SLEEP, "spec")
    pid = process.pid()
    assert pid is not None
    until = time.monotonic() + 10
    while os.getsid(pid) != pid and time.monotonic() < until:
        time.sleep(0.01)
    assert os.getsid(pid) == pid


def test_nothing_started_is_nothing_running(process: Process) -> None:
    assert process.pid() is None
    assert not process.stop()


def test_a_stopped_process_is_gone(process: Process) -> None:
    process.start(SLEEP, "spec")
    pid = process.pid()
    assert pid is not None
    assert process.stop()
    assert process.pid() is None
    assert has_ended(pid)


def test_a_process_that_ended_by_itself_does_not_run(process: Process) -> None:
    process.start(["true"], "spec")
    until = time.monotonic() + 10
    while process.pid() is not None and time.monotonic() < until:
        time.sleep(0.01)
    assert process.pid() is None


def test_one_that_ignores_the_signal_is_killed(process: Process) -> None:
    process.start(STUBBORN, "spec")
    assert said(process) == "ready"
    assert process.stop(seconds=0.2)
    assert process.pid() is None


def test_a_kill_takes_the_children(process: Process) -> None:
    process.start(PARENT, "spec")
    child = int(said(process))
    assert Path(f"/proc/{child}").exists()
    process.kill()
    assert has_ended(child)


def test_a_pid_given_to_another_process_is_not_ours(process: Process) -> None:
    process.start(SLEEP, "spec")
    record = process.home / "run" / "server.json"
    remembered = json.loads(record.read_text())
    record.write_text(json.dumps({**remembered, "started_at": remembered["started_at"] - 1}))
    assert process.pid() is None
    assert not process.stop()
    assert Path(f"/proc/{remembered['pid']}").exists()
    os.kill(remembered["pid"], 9)


def test_it_runs_only_as_the_spec_says(process: Process) -> None:
    process.start(SLEEP, "spec")
    assert process.runs("spec")
    assert not process.runs("another")


def test_a_broken_record_counts_as_none(process: Process) -> None:
    (process.home / "run").mkdir()
    (process.home / "run" / "server.json").write_text("{")
    assert process.pid() is None


def test_its_last_words_are_the_end_of_its_output(process: Process) -> None:
    process.start(["sh", "-c", "seq 1 100 >&2"], "spec")
    until = time.monotonic() + 10
    while not process.last_words().endswith("100") and time.monotonic() < until:
        time.sleep(0.01)
    assert process.last_words(3) == "98\n99\n100"
