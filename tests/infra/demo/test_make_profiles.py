import csv
import gzip
import io
from pathlib import Path
from zipfile import ZipFile

import pytest

from infra.demo import make_profiles
from infra.demo.tables import DATA


def wheel(path: Path, *, leave_out: str = "") -> Path:
    """A SimBench wheel in small: a row before the extract, its rows, a row after."""
    with ZipFile(path, "w") as archive:
        for table, names in make_profiles.TABLES.items():
            if table == leave_out:
                continue
            text = io.StringIO()
            writer = csv.writer(text, delimiter=";")
            writer.writerow(["time", "other", *names])
            writer.writerow(["10.01.2016 23:45", *["0.9"] * (len(names) + 1)])
            writer.writerow([make_profiles.FIRST, *["0.25"] * (len(names) + 1)])
            writer.writerows([["later", *["0.5004"] * (len(names) + 1)]] * make_profiles.STEPS)
            archive.writestr(f"{make_profiles.GRID}/{table}", text.getvalue())
    return path


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "profiles.csv.gz"
    monkeypatch.setattr(make_profiles, "OUT", path)
    return path


def test_the_extract_is_cut_out_of_the_wheel_per_mille(tmp_path: Path, out: Path) -> None:
    assert make_profiles.main([str(wheel(tmp_path / "simbench.whl"))]) == 0
    rows = list(csv.reader(io.StringIO(gzip.decompress(out.read_bytes()).decode())))
    with gzip.open(DATA / "profiles.csv.gz", "rt") as committed:
        assert rows[0] == next(csv.reader(committed))
    assert set(rows[1]) == {"250"}
    assert set(rows[2]) == set(rows[-1]) == {"500"}
    assert len(rows) == 1 + make_profiles.STEPS


def test_a_wheel_without_the_tables_is_refused_in_one_sentence(
    tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make_profiles.main([str(wheel(tmp_path / "half.whl", leave_out="RESProfile.csv"))]) == 2
    assert "not a SimBench wheel" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("content", [None, b"no zip"])
def test_what_is_no_wheel_is_refused(
    tmp_path: Path, out: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "simbench.whl"
    if content is not None:
        path.write_bytes(content)
    assert make_profiles.main([str(path)]) == 2
    assert str(path) in capsys.readouterr().err
    assert not out.exists()
