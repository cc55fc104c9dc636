"""Tests of infra.sizes."""

import subprocess
from pathlib import Path

import pytest

from infra import sizes


def test_lines_are_counted_of_what_git_knows_or_would_know(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=x", "-c", "user.email=x"]
    (tmp_path / ".gitignore").write_text("left_out.py\n")
    for name, lines in {"known.py": 3, "new.sql": 2, "left_out.py": 9, "gone.py": 1, "notes.md": 5}.items():
        (tmp_path / name).write_text("x\n" * lines)
    for words in (["init", "-q"], ["add", "known.py", "gone.py"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    (tmp_path / "gone.py").unlink()
    assert sizes.sizes(tmp_path) == {"known.py": 3, "new.sql": 2}


def test_no_file_of_the_repository_is_over_the_limit(capsys: pytest.CaptureFixture[str]) -> None:
    assert sizes.main() == 0
    out = capsys.readouterr().out
    assert "lines of source" in out
    assert "OVER" not in out


def test_a_file_over_the_limit_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sizes, "LIMIT", 10)
    assert sizes.main() == 1
    assert "OVER THE LIMIT" in capsys.readouterr().out
