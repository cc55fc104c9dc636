"""Alertmanager: who is told of an alert."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from infra.receivers import CONFIG, filled
from infra.stack import http
from infra.stack.part import Part
from infra.stack.ports import LOOPBACK
from schemas.settings import Settings


class Alertmanager(Part):
    """One server, of no cluster; the settings of the environment say who is told."""

    name: ClassVar[str] = "alertmanager"
    title: ClassVar[str] = "Alertmanager"

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.ports[self.name]}"

    def files(self) -> Mapping[Path, str]:
        return {self._config: filled(CONFIG.read_text(encoding="utf-8"), Settings())}

    def configure(self, files: Mapping[Path, str]) -> None:
        super().configure(files)
        # It holds passwords.
        for file in files:
            self.root.own_file(file)

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
