"""The set-up that every target of the Makefile does first."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .test_root import only

REPOSITORY = Path(__file__).parents[3]
TOOLS = ("sh", "dirname", "flock", "mktemp", "rm", "tail", "id", "env", "sed", "cat", "sha256sum")

GIVEN = {f"TENGERIM_{name}": "x" for name in ("KAFKA", "DATABASE", "REDIS", "PROMETHEUS", "ALERTMANAGER")}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    clone = tmp_path / "clone"
    (clone / "infra").mkdir(parents=True)
    for file in ("infra/setup.sh", "Makefile", "pyproject.toml", "requirements-dev.txt"):
        shutil.copy(REPOSITORY / file, clone / file)
    return clone


def setup(clone: Path, path: str, **environment: str) -> subprocess.CompletedProcess[str]:
    argv = [str(clone / "infra" / "setup.sh")]
    return subprocess.run(argv, env={"PATH": path, **environment}, capture_output=True, text=True, check=False)


def test_without_apt_the_packages_to_install_are_named(clone: Path, tmp_path: Path) -> None:
    done = setup(clone, only(tmp_path / "bin", *TOOLS), TENGERIM_KEYRING="/nowhere")
    assert done.returncode == 2
    assert "debootstrap" in done.stderr
    assert "install it yourself" in done.stderr


def test_without_python_the_version_that_is_needed_is_named(clone: Path, tmp_path: Path) -> None:
    done = setup(clone, only(tmp_path / "bin", *TOOLS), **GIVEN)
    assert done.returncode == 2
    assert "Python 3.11" in done.stderr


def test_what_is_set_up_already_takes_no_step(clone: Path, tmp_path: Path) -> None:
    path = only(tmp_path / "bin", *TOOLS)
    (tmp_path / "bin" / "python3").symlink_to(Path(sys.executable).resolve())
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to("/bin/true")
    first = setup(clone, path, **GIVEN)
    assert "pinned requirements" in first.stderr
    second = setup(clone, path, **GIVEN)
    assert (second.returncode, second.stderr) == (0, "")
    with (clone / "requirements-dev.txt").open("a") as requirements:
        requirements.write("# changed\n")
    third = setup(clone, path, **GIVEN)
    assert "pinned requirements" in third.stderr


def test_every_target_sets_up_first_and_says_what_it_is_for() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    targets = dict(re.findall(r"^([a-z0-9-]+):(.*)$", makefile, re.MULTILINE))
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets.keys() == set(phony.split())
    assert not [name for name, rest in targets.items() if not re.search(r" ## \w.{10,}", rest)]
    alone = {"help", "setup", "clean"}
    assert not [name for name, rest in targets.items() if name not in alone and not re.match(r" (setup|up)\b", rest)]


def test_make_alone_says_what_there_is() -> None:
    said = subprocess.run(["make", "-C", str(REPOSITORY)], capture_output=True, text=True, check=True).stdout
    assert "make demo-once" in said
