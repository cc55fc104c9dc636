"""Tests of `tengerim grafana`."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from infra.cli import main
from tests.connectors.grafana_stand_in import TOKEN, Kept, stand_in


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """A stand-in for Grafana, which the settings point at."""
    with stand_in() as found:
        for name, value in {
            "GRAFANA": found.address,
            "GRAFANA_TOKEN": TOKEN,
            "DATABASE": "postgresql://owner:secret@db:5433/power?sslmode=require",
            "PROMETHEUS": "http://metrics:9090",
            "SPACE": "demo",
            "LANGUAGE": "kk",
        }.items():
            monkeypatch.setenv(f"TENGERIM_{name}", value)
        yield found


def test_push_brings_it_all_and_then_nothing(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grafana", "push"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "folder Теңгерім (tengerim): new",
        "data source Tengerim demo (tengerim-demo): new",
        "data source Tengerim Prometheus (tengerim-prometheus): new",
    ]
    assert lines[3] == "dashboard Басқару залы (tengerim-control-room): new"
    assert len(lines) == 9
    kept.changes.clear()
    assert main(["grafana", "push"]) == 0
    assert capsys.readouterr().out == "Grafana has it all already\n"
    assert kept.changes == []


@pytest.mark.usefixtures("kept")
def test_diff_says_what_push_would_change_by_its_status_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grafana", "diff"]) == 1
    assert "dashboard Бірлік (tengerim-unit): new" in capsys.readouterr().out
    main(["grafana", "push"])
    capsys.readouterr()
    assert main(["grafana", "diff"]) == 0
    assert main(["grafana", "diff", "--language", "ru"]) == 1
    said = capsys.readouterr().out
    assert "dashboard Единица (tengerim-unit): changed\n  dashboard." in said
    assert "places more\n" in said


def test_grafana_asks_the_archive_of_the_space_by_the_role_that_only_reads(kept: Kept) -> None:
    main(["grafana", "push"])
    source = kept.sources["tengerim-demo"]
    assert (source["url"], source["user"]) == ("db:5433", "tengerim_reader")
    assert (source["jsonData"]["database"], source["jsonData"]["sslmode"]) == ("power_demo", "require")
    assert "secureJsonData" not in source
    assert kept.sources["tengerim-prometheus"]["url"] == "http://metrics:9090"


def test_grafana_may_see_other_addresses_and_need_a_password(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENGERIM_GRAFANA_DATABASE", "postgresql://looker:pa%24s@inside/power")
    monkeypatch.setenv("TENGERIM_GRAFANA_PROMETHEUS", "https://me:word@inside/prometheus")
    main(["grafana", "push"])
    source = kept.sources["tengerim-demo"]
    assert (source["url"], source["user"], source["secureJsonData"]) == ("inside:5432", "looker", {"password": "pa$s"})
    metrics = kept.sources["tengerim-prometheus"]
    assert (metrics["url"], metrics["basicAuthUser"]) == ("https://inside/prometheus", "me")
    assert metrics["secureJsonData"] == {"basicAuthPassword": "word"}


def test_limits_are_those_of_the_rules_in_force(kept: Kept, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from alerts.master import SHIPPED

    own = tmp_path / "rules.yml"
    own.write_text(SHIPPED.read_text(encoding="utf-8").replace("mw: 14,", "mw: 77.5,"), encoding="utf-8")
    monkeypatch.setenv("TENGERIM_ALARM_RULES", str(own))
    main(["grafana", "push"])
    assert "greatest(77.5, 0.05 * abs(b.plan)" in json.dumps(kept.dashboards["tengerim-unit"])


def test_a_refusal_ends_with_2_and_a_sentence(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    kept.refuses = (403, {"message": "Permissions needed: folders:create"})
    assert main(["grafana", "push"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"tengerim: Grafana at {kept.address} does not let us make the folder 'Теңгерім' (Permissions needed: "
        "folders:create): that needs the role Admin\n"
    )


@pytest.mark.usefixtures("kept")
def test_write_makes_a_folder_that_grafana_provisions_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "provisioning"
    assert main(["grafana", "write", str(folder), "--seen-at", "/etc/grafana/provisioning", "--language", "en"]) == 0
    assert capsys.readouterr().out == f"{folder}: 8 files, 8 of them changed\n"
    sources = yaml.safe_load((folder / "datasources/tengerim.yaml").read_text(encoding="utf-8"))
    assert [one["uid"] for one in sources["datasources"]] == ["tengerim-demo", "tengerim-prometheus"]
    (provider,) = yaml.safe_load((folder / "dashboards/tengerim.yaml").read_text(encoding="utf-8"))["providers"]
    assert provider["options"] == {"path": "/etc/grafana/provisioning/dashboards"}
    assert (provider["folder"], provider["folderUid"]) == ("Tengerim", "tengerim")
    titles = {json.loads(file.read_text(encoding="utf-8"))["title"] for file in (folder / "dashboards").glob("*.json")}
    assert titles == {"Control room", "Unit", "Gaps and quality", "Archive", "Alarm KPIs", "Pipeline"}
    assert main(["grafana", "write", str(folder), "--seen-at", "/etc/grafana/provisioning", "--language", "en"]) == 0
    assert capsys.readouterr().out.endswith("8 files, 0 of them changed\n")


@pytest.mark.usefixtures("kept")
def test_a_password_is_written_for_its_owner_alone_and_as_grafana_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENGERIM_GRAFANA_DATABASE", "postgresql://looker:pa%24s@inside/power")
    assert main(["grafana", "write", str(tmp_path)]) == 0
    file = tmp_path / "datasources/tengerim.yaml"
    assert file.stat().st_mode & 0o077 == 0
    # Grafana would take $s for a variable of its environment.
    assert yaml.safe_load(file.read_text())["datasources"][0]["secureJsonData"] == {"password": "pa$$s"}
    assert (tmp_path / "dashboards/unit.json").stat().st_mode & 0o044
