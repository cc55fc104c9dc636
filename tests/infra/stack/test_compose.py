"""compose.yaml and Dockerfile say the same as the local stack."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors import reader_role
from infra.cli import main
from infra.stack import grafana, kafka, postgres
from infra.stack.ports import FIRST
from infra.stack.root import PACKAGES, Root
from infra.stack.stack import Addresses
from infra.stack.state import KINDS, NAMES, NEEDED
from schemas.settings import Settings

INFRA = Path(kafka.__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((INFRA / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
IMAGES = {name: service["image"] for name, service in SERVICES.items() if "image" in service}


def options(command: list[str]) -> dict[str, str]:
    return dict(word.removeprefix("--").split("=", 1) for word in command if word.startswith("--"))


# Services that are ours.
OURS = {"dashboards", "worker", "serve"}


def test_the_services_are_the_parts_and_what_is_ours() -> None:
    assert SERVICES.keys() == {*NAMES, *OURS}


def test_no_image_names_a_registry() -> None:
    assert not [image for image in IMAGES.values() if "." in image.partition("/")[0].partition(":")[0]]


def test_every_image_has_a_version() -> None:
    assert not [image for image in IMAGES.values() if not re.search(r":v?\d", image)]


def test_kafka_has_the_version_of_the_pom() -> None:
    assert IMAGES["kafka"] == f"apache/kafka:{kafka.Kafka(INFRA, FIRST).version}"


def test_kafka_has_the_same_settings() -> None:
    environment = SERVICES["kafka"]["environment"]
    said = {name: environment.get(f"KAFKA_{name.upper().replace('.', '_')}") for name in kafka.SETTINGS}
    assert said == dict(kafka.SETTINGS)


def test_the_database_has_the_same_major_and_a_timescale_that_is_mended() -> None:
    found = re.fullmatch(r"timescale/timescaledb:(\d+)\.(\d+)\.(\d+)-pg(\d+)", IMAGES["database"])
    assert found
    major, minor, patch, server = map(int, found.groups())
    assert server == postgres.MAJOR
    assert (major, minor, patch) >= (2, 29, 2)
    assert f"postgresql-{postgres.MAJOR}" in PACKAGES


def test_the_database_has_the_same_settings() -> None:
    command = SERVICES["database"]["command"]
    assert command[0] == "postgres"
    assert options(command) == {**postgres.SETTINGS, "shared_buffers": "2GB"}


def test_the_database_is_made_alike() -> None:
    environment = SERVICES["database"]["environment"]
    assert shlex.split(environment["POSTGRES_INITDB_ARGS"]) == list(postgres.INITDB)
    assert (environment["POSTGRES_USER"], environment["POSTGRES_DB"]) == (postgres.USER, postgres.DATABASE)


@pytest.mark.stack
@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(
    ("name", "package"),
    [("redis", "redis-server"), ("prometheus", "prometheus"), ("alertmanager", "prometheus-alertmanager")],
)
def test_the_other_servers_have_the_versions_of_the_root(name: str, package: str, home: Path) -> None:
    installed = Root(home).run(
        "usr/bin/dpkg-query", "--admindir=/root/var/lib/dpkg", "--showformat=${Version}", "--show", package
    )
    version = IMAGES[name].partition(":")[2].removeprefix("v")
    assert re.match(rf"(\d+:)?{re.escape(version)}\b", installed)


def test_everything_is_published_on_loopback_at_the_local_stacks_ports() -> None:
    published = {name: service["ports"][0].split(":") for name, service in SERVICES.items() if "ports" in service}
    assert {host for host, _, _ in published.values()} == {"127.0.0.1"}
    assert {name: int(published[name][1]) for name in NAMES} == {name: FIRST[name] for name in NAMES}


def test_every_server_has_a_health_check_and_the_worker_waits_for_it() -> None:
    assert {name for name in SERVICES if "healthcheck" not in SERVICES[name]} == OURS
    waits = SERVICES["worker"]["depends_on"]
    assert waits == {name: {"condition": "service_healthy"} for name in NEEDED}


def test_the_worker_is_pointed_at_every_service() -> None:
    environment = SERVICES["worker"]["environment"]
    fields = {name.removeprefix("TENGERIM_").lower() for name in environment}
    assert fields <= Settings.model_fields.keys()
    addresses = Addresses(**{name: environment[f"TENGERIM_{name.upper()}"] for name in NEEDED})
    for name in NEEDED:
        assert re.search(rf"(^|[/@]){name}:\d+", getattr(addresses, name))


def test_the_page_is_pointed_at_the_ports_that_the_host_has() -> None:
    service = SERVICES["serve"]
    assert service["network_mode"] == "host"
    for name in ("kafka", "database", "redis"):
        port = SERVICES[name]["ports"][0].split(":")[1]
        assert f"127.0.0.1:{port}" in service["environment"][f"TENGERIM_{name.upper()}"]


def test_prometheus_reads_the_same_configuration_and_the_workers_targets() -> None:
    service = SERVICES["prometheus"]
    config = Path(options(service["command"])["config.file"])
    mounts = dict(volume.split(":")[:2] for volume in service["volumes"])
    assert mounts["./prometheus"] == str(config.parent)
    assert mounts["targets"] == str((config.parent / "../../targets").resolve())
    worker = SERVICES["worker"]
    assert worker["volumes"] == [f"targets:{worker['environment']['TENGERIM_HOME']}/targets"]
    assert (INFRA / "prometheus" / config.name).is_file()


def test_grafana_is_provisioned_with_what_our_command_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, service = SERVICES["dashboards"], SERVICES["grafana"]
    written, seen = ours["command"][2], ours["command"][4]
    assert f"provisioning:{written}" in ours["volumes"]
    assert f"provisioning:{seen}:ro" in service["volumes"]
    assert service["depends_on"] == {"dashboards": {"condition": "service_completed_successfully"}}
    for name, value in ours["environment"].items():
        monkeypatch.setenv(name, value)
    assert main([*ours["command"][:2], str(tmp_path), *ours["command"][3:]]) == 0
    home = Path(service["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (tmp_path / home.relative_to(seen)).is_file()
    # What the worker makes in the same database.
    sources = yaml.safe_load((tmp_path / "datasources" / "tengerim.yaml").read_text(encoding="utf-8"))["datasources"]
    assert (sources[0]["url"], sources[0]["user"], sources[0]["jsonData"]["database"]) == (
        "database:5432", reader_role.ROLE, postgres.DATABASE,
    )  # fmt: skip


def test_grafana_is_the_one_that_the_local_stack_takes_from_docker() -> None:
    assert IMAGES["grafana"] == grafana.IMAGE


def test_every_volume_is_declared_and_used() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert {name for name in used if not name.startswith(".")} == COMPOSE["volumes"].keys()


def test_the_image_of_the_worker_is_built_here_and_runs_the_worker() -> None:
    build = SERVICES["worker"]["build"]
    dockerfile = INFRA / build["context"] / build["dockerfile"]
    lines = dockerfile.read_text().splitlines()
    assert 'ENTRYPOINT ["tengerim"]' in lines
    assert 'CMD ["worker"]' in lines
    copied = [word for line in lines if line.startswith("COPY requirements") for word in line.split()[1:-1]]
    assert [name for name in copied if not (INFRA.parent / name).is_file()] == []


def test_every_part_is_of_the_stack() -> None:
    assert tuple(KINDS) == NAMES
