"""Prometheus: the pipeline's own health, and the alert rules on it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from infra.stack import http
from infra.stack.part import Part
from infra.stack.ports import LOOPBACK

# prometheus.yml names everything else relative to itself, so that it serves here and in compose.yaml as it is.
CONFIG = Path(__file__).parents[1] / "prometheus" / "prometheus.yml"


@dataclass(frozen=True)
class Prometheus(Part):
    """One server; it scrapes whoever has a file in `home/targets`, and sends alerts to `alertmanager` (its address)."""

    alertmanager: str = ""

    name: ClassVar[str] = "prometheus"
    title: ClassVar[str] = "Prometheus"

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.ports[self.name]}"

    def files(self) -> Mapping[Path, str]:
        target = [{"targets": [urlsplit(self.alertmanager).netloc]}]
        files = {self.conf / CONFIG.name: CONFIG.read_text(), self.conf / "alertmanager.json": json.dumps(target)}
        for rules in sorted((CONFIG.parent / "rules").glob("*.yml")):
            files[self.conf / "rules" / rules.name] = rules.read_text()
        return files

    def argv(self) -> list[str]:
        return self.root.command(
            "usr/bin/prometheus",
            f"--config.file={self.root.path(self.conf / CONFIG.name)}",
            f"--storage.tsdb.path={self.root.path(self.data)}",
            "--storage.tsdb.retention.time=15d",
            f"--web.listen-address={LOOPBACK}:{self.ports[self.name]}",
        )

    @staticmethod
    def probe(address: str) -> str:
        http.ready(address)
        return str(http.document(address, "api/v1/status/buildinfo")["data"]["version"]).partition("+")[0]
