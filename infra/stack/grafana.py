"""Grafana, where its program or a Docker engine is found: nobody publishes it where the other servers come from."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

from connectors.database import space_url
from connectors.reader_role import ROLE
from infra.stack import http
from infra.stack.error import StackError
from infra.stack.part import Part, Say
from infra.stack.ports import LOOPBACK
from schemas.settings import Settings

# As compose.yaml has it.
IMAGE = "grafana/grafana:12.0.2"
PULL_SECONDS = 600
# One Grafana for all spaces of the stack that people look at.
SPACES = ("main", "demo", "demo_once")
# Where packages put the program, whatever PATH says.
PLACES = "/usr/sbin:/usr/share/grafana/bin"
# Where Debian's package and the image have what comes with the program.
HOMES = (Path("/usr/share/grafana"),)


@dataclass(frozen=True)
class Grafana(Part):
    """One server with our dashboards, which reads `database` and `prometheus` (their addresses)."""

    database: str = ""
    prometheus: str = ""

    name: ClassVar[str] = "grafana"
    title: ClassVar[str] = "Grafana"
    of_root: ClassVar[bool] = False
    optional: ClassVar[bool] = True
    # It makes its own tables at its first start.
    start_seconds: ClassVar[float] = 180.0

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.ports[self.name]}"

    def is_there(self) -> bool:
        return program() is not None or has_docker()

    def install(self, say: Say) -> None:
        if program() is not None or _docker("image", "inspect", IMAGE):
            return
        say(f"{self.name}: fetching the image {IMAGE} (once)")
        if not _docker("pull", IMAGE, seconds=PULL_SECONDS):
            raise StackError(f"The Docker engine could not fetch {IMAGE}.")

    def make(self, say: Say) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        if program() is None:
            # What a killed client left running.
            _docker("rm", "--force", self._container)

    def files(self) -> Mapping[Path, str]:
        # Here, since every command asks for the stack, and hardly one for this.
        from dashboards.grafana import provisioning, sources
        from dashboards.grafana.build import dashboards

        settings = Settings()
        archives = [as_reader(space_url(self.database, space)) for space in SPACES]
        wanted = provisioning.files(
            str(self._provisioning),
            sources.folder(settings.language),
            [*map(sources.archive, SPACES, archives), sources.metrics(self.prometheus)],
            dashboards(settings.language),
        )
        files = {self._provisioning / name: text for name, text in wanted.items()}
        home = self._provisioning / provisioning.PROVIDER.parent / "control-room.json"
        files[self._config] = f"""\
[paths]
data = {self.data}
logs = {self.data}/log
plugins = {self.data}/plugins
provisioning = {self._provisioning}
[server]
http_addr = {LOOPBACK}
http_port = {self.ports[self.name]}
[auth.anonymous]
enabled = true
org_role = Viewer
[analytics]
reporting_enabled = false
check_for_updates = false
check_for_plugin_updates = false
[news]
news_feed_enabled = false
[dashboards]
default_home_dashboard_path = {home}
[log]
mode = console
"""
        return files

    def argv(self) -> list[str]:
        found = program()
        if found is not None:
            command = [found, "server"] if Path(found).name == "grafana" else [found]
            return [*command, f"--homepath={_share(found)}", f"--config={self._config}"]
        return [
            "docker", "run", "--rm", "--name", self._container, "--network", "host",
            "--user", f"{os.getuid()}:{os.getgid()}", "--volume", f"{self.conf}:{self.conf}:ro",
            "--volume", f"{self.data}:{self.data}", "--env", f"GF_PATHS_CONFIG={self._config}",
            "--env", f"GF_PATHS_DATA={self.data}", "--env", f"GF_PATHS_LOGS={self.data}/log",
            "--env", f"GF_PATHS_PLUGINS={self.data}/plugins", "--env", f"GF_PATHS_PROVISIONING={self._provisioning}",
            IMAGE,
        ]  # fmt: skip

    @property
    def _container(self) -> str:
        return f"tengerim-grafana-{self.ports[self.name]}"

    @property
    def _config(self) -> Path:
        return self.conf / "grafana.ini"

    @property
    def _provisioning(self) -> Path:
        return self.conf / "provisioning"

    @staticmethod
    def probe(address: str) -> str:
        return str(http.document(address, "api/health")["version"])


def as_reader(address: str) -> str:
    """The address of a database as the role sees it that reads and nothing else."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{ROLE}@{rest.rpartition('@')[2]}"


def program() -> str | None:
    """The program on this machine: newer ones are `grafana server`, older ones `grafana-server`."""
    path = f"{os.environ.get('PATH', '')}:{PLACES}"
    return shutil.which("grafana", path=path) or shutil.which("grafana-server", path=path)


def _share(found: str) -> Path:
    """Where its defaults and its pages are: above the program, or where packages put them."""
    candidates = (Path(found).resolve().parents[1], *HOMES)
    return next((home for home in candidates if (home / "conf" / "defaults.ini").is_file()), HOMES[0])


@cache
def has_docker() -> bool:
    """Whether a Docker engine answers."""
    return shutil.which("docker") is not None and _docker("info")


def _docker(*arguments: str, seconds: float = 10) -> bool:
    try:
        return not subprocess.run(["docker", *arguments], capture_output=True, timeout=seconds, check=False).returncode
    except (OSError, subprocess.TimeoutExpired):
        return False
