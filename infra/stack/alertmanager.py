"""Alertmanager: who is told of an alert."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from infra.stack import http
from infra.stack.part import Part
from infra.stack.ports import LOOPBACK

CONFIG = Path(__file__).parents[1] / "alertmanager" / "alertmanager.yml"


class Alertmanager(Part):
    """One server, of no cluster."""

    name: ClassVar[str] = "alertmanager"
    title: ClassVar[str] = "Alertmanager"

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.ports[self.name]}"

    def files(self) -> Mapping[Path, str]:
        return {self._config: CONFIG.read_text()}

    @property
    def _config(self) -> Path:
        return self.conf / CONFIG.name

    def argv(self) -> list[str]:
        return self.root.command(
            "usr/bin/prometheus-alertmanager",
            f"--config.file={self.root.path(self._config)}",
            f"--storage.path={self.root.path(self.data)}",
            f"--web.listen-address={LOOPBACK}:{self.ports[self.name]}",
            "--cluster.listen-address=",
        )

    @staticmethod
    def probe(address: str) -> str:
        http.ready(address)
        return str(http.document(address, "api/v2/status")["versionInfo"]["version"]).partition("+")[0]
