import os
import shutil
from pathlib import Path

import pytest

from infra.stack.error import StackError
from infra.stack.root import KEYRING_SETTING, MIRROR_SETTING, Root, privileged, remove


def only(folder: Path, *programs: str) -> str:
    """A PATH with nothing but these programs."""
    folder.mkdir()
    for program in programs:
        found = shutil.which(program)
        assert found
        (folder / program).symlink_to(found)
    return str(folder)


def test_without_rights_and_sudo_the_message_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    monkeypatch.setenv("PATH", only(tmp_path / "bin", "sh"))
    with pytest.raises(StackError, match="as root, or install sudo"):
        privileged(["true"])


def test_a_mirror_out_of_reach_is_named_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MIRROR_SETTING, "http://127.0.0.1:1/debian")
    with pytest.raises(StackError, match=f"127.0.0.1:1/debian; setting {MIRROR_SETTING}"):
        Root(tmp_path).build(print)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_keyring_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MIRROR_SETTING, "http://127.0.0.1:1/debian")
    monkeypatch.setenv(KEYRING_SETTING, str(tmp_path / "keyring"))
    with pytest.raises(StackError, match=f"{tmp_path}/keyring is missing.*debian-archive-keyring.*{KEYRING_SETTING}"):
        Root(tmp_path).build(print)


def test_a_host_without_apt_is_asked_for_a_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MIRROR_SETTING, raising=False)
    monkeypatch.setenv("PATH", only(tmp_path / "bin", "rm"))
    with pytest.raises(StackError, match=f"set {MIRROR_SETTING}"):
        Root(tmp_path).build(print)


def test_a_removal_spares_what_a_link_points_at(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    remove(tmp_path / "made")
    remove(tmp_path / "link")
    remove(tmp_path / "never_was")
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept"]


@pytest.mark.stack
@pytest.mark.usefixtures("stack")
def test_a_failing_program_of_the_root_is_told_with_its_words(home: Path) -> None:
    with pytest.raises(StackError, match="no_such_file"):
        Root(home).run("usr/bin/promtool", "check", "rules", "/no_such_file")
