"""Grafana in the stack: what it would be started with, and that nobody misses it where there is none.

No Grafana can be had here: a program that takes its name and its port stands in, to show that the stack starts it, asks
it, and goes on without it.
"""

import configparser
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from infra.cli import main
from infra.stack import grafana, stack, state
from infra.stack.grafana import IMAGE, Grafana
from infra.stack.ports import FIRST
from infra.stack.stack import Addresses
from tests.connectors.grafana_stand_in import stand_in
from tests.dashboards.serving import free_port

ADDRESSES = Addresses(database="postgresql://tengerim@127.0.0.1:15432/tengerim", prometheus="http://127.0.0.1:19090")
PROGRAM = f"""#!{sys.executable}
import configparser, http.server, pathlib, sys
config = configparser.ConfigParser()
config.read(next(word for word in sys.argv if word.startswith("--config=")).partition("=")[2])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{{"database": "ok", "version": "12.0.2"}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = config["server"]
http.server.HTTPServer((server["http_addr"], int(server["http_port"])), Handler).serve_forever()
"""


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A machine without Grafana and Docker: a PATH of its own, to which a test may add."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "setsid", "rm"):
        (programs / name).symlink_to(next(p for p in (Path("/usr/bin") / name, Path("/bin") / name) if p.exists()))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(grafana, "PLACES", "")
    grafana.has_docker.cache_clear()
    yield programs
    grafana.has_docker.cache_clear()


def part(home: Path) -> Grafana:
    made = replace(state.State(home, FIRST, ADDRESSES)).part("grafana")
    assert isinstance(made, Grafana)
    return made


def install(programs: Path, name: str, text: str = PROGRAM) -> Path:
    program = programs / name
    program.write_text(text)
    program.chmod(0o755)
    return program


def test_it_listens_on_loopback_reads_what_the_dashboards_need_and_calls_nobody(tmp_path: Path) -> None:
    made = part(tmp_path)
    files = {str(path.relative_to(made.conf)): text for path, text in made.files().items()}
    config = configparser.ConfigParser()
    config.read_string(files["grafana.ini"])
    assert dict(config["server"]) == {"http_addr": "127.0.0.1", "http_port": "13000"}
    assert config["analytics"]["reporting_enabled"] == config["analytics"]["check_for_updates"] == "false"
    assert config["auth.anonymous"]["org_role"] == "Viewer"
    assert config["paths"]["provisioning"] == str(made.conf / "provisioning")
    sources = yaml.safe_load(files["provisioning/datasources/tengerim.yaml"])["datasources"]
    assert {one["uid"]: one.get("user") for one in sources} == {
        "tengerim-main": "tengerim_reader", "tengerim-demo": "tengerim_reader",
        "tengerim-demo_once": "tengerim_reader", "tengerim-prometheus": None,
    }  # fmt: skip
    assert sources[1]["jsonData"]["database"] == "tengerim_demo"
    (provider,) = yaml.safe_load(files["provisioning/dashboards/tengerim.yaml"])["providers"]
    home = config["dashboards"]["default_home_dashboard_path"]
    assert Path(home).parent == Path(provider["options"]["path"])
    assert json.loads(files[str(Path(home).relative_to(made.conf))])["uid"] == "tengerim-control-room"


@pytest.mark.parametrize(("name", "words"), [("grafana", ["server"]), ("grafana-server", [])])
def test_it_is_started_by_its_program(nowhere: Path, tmp_path: Path, name: str, words: list[str]) -> None:
    home = tmp_path / "usr"
    (home / "conf").mkdir(parents=True)
    (home / "conf" / "defaults.ini").touch()
    (home / "bin").mkdir()
    (nowhere / name).symlink_to(install(home / "bin", name))
    made = part(tmp_path)
    assert made.is_there()
    config = made.conf / "grafana.ini"
    assert made.argv() == [str(nowhere / name), *words, f"--homepath={home}", f"--config={config}"]


def test_or_by_docker_where_an_engine_answers(nowhere: Path, tmp_path: Path) -> None:
    install(nowhere, "docker", '#!/bin/sh\n[ "$1" = info ]\n')
    made = part(tmp_path)
    assert made.is_there()
    argv = made.argv()
    assert argv[:3] == ["docker", "run", "--rm"]
    assert argv[-1] == IMAGE
    assert argv[argv.index("--network") + 1] == "host"
    assert f"{made.conf}:{made.conf}:ro" in argv
    assert f"GF_PATHS_CONFIG={made.conf}/grafana.ini" in argv
    assert argv[argv.index("--user") + 1] == f"{os.getuid()}:{os.getgid()}"


def test_a_docker_without_an_engine_is_none(nowhere: Path, tmp_path: Path) -> None:
    install(nowhere, "docker", "#!/bin/sh\nexit 1\n")
    assert not part(tmp_path).is_there()


@pytest.fixture
def given(stack: Addresses) -> Addresses:
    """The servers of the stack as somebody's own, so that a home of the test has nothing but Grafana to start."""
    return replace(stack, grafana="")


@pytest.mark.stack
def test_where_there_is_none_the_stack_is_up_and_says_so_quietly(
    nowhere: Path, tmp_path: Path, given: Addresses
) -> None:
    home, said = tmp_path / "home", list[str]()
    assert stack.up(home, given, said.append).grafana == ""
    assert said == []
    (absent,) = [one for one in stack.status(home, given) if one.name == "grafana"]
    assert (absent.state, absent.address, absent.optional) == ("absent", "", True)
    # Whoever has another version of us reads it, too.
    assert "grafana" not in json.loads((home / "stack.json").read_text())["addresses"]


@pytest.mark.stack
def test_it_is_started_with_the_stack_and_stopped_with_it(nowhere: Path, tmp_path: Path, given: Addresses) -> None:
    install(nowhere, "grafana")
    home, said = tmp_path / "home", list[str]()
    try:
        address = stack.up(home, given, said.append).grafana
        assert said == [f"grafana: Grafana serves at {address}"]
        running = {one.name: one for one in stack.status(home, given)}["grafana"]
        assert (running.state, running.version, running.address) == ("runs", "12.0.2", address)
        assert stack.up(home, given, said.append).grafana == address
        assert len(said) == 1
    finally:
        stack.down(home, said.append)
    assert said[1:] == ["grafana: stopped"]


@pytest.mark.stack
def test_one_that_does_not_start_fails_nothing(nowhere: Path, tmp_path: Path, given: Addresses) -> None:
    install(nowhere, "grafana", "#!/bin/sh\necho no such option\nexit 1\n")
    home, said = tmp_path / "home", list[str]()
    found = stack.up(home, given, said.append)
    assert found == given
    assert said[0].startswith("grafana: everything else works without it. Grafana ended at once (")
    assert "no such option" in said[0]
    assert state.read(home).addresses == given


def test_a_given_one_with_a_password_is_asked_without_telling_it() -> None:
    with stand_in() as kept:
        address = kept.address.replace("://", "://admin:pa%20ss@")
        assert Grafana.probe(address) == "12.0.2"


@pytest.mark.stack
def test_a_given_one_is_asked_whether_it_serves(
    tmp_path: Path, given: Addresses, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, address in {**vars(given), "grafana": f"http://127.0.0.1:{free_port()}", "home": str(tmp_path)}.items():
        monkeypatch.setenv(f"TENGERIM_{name.upper()}", address)
    assert main(["up"]) == 2
    assert "Grafana at http://127.0.0.1:" in capsys.readouterr().err
