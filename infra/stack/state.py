"""What a stack remembers in `stack.json`: its ports, where its servers are, which broker it has."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from infra.stack import ports
from infra.stack.alertmanager import Alertmanager
from infra.stack.grafana import Grafana
from infra.stack.kafka import Kafka
from infra.stack.part import Part
from infra.stack.postgres import Postgres
from infra.stack.prometheus import Prometheus
from infra.stack.redis import Redis
from infra.stack.tansu import Tansu


@dataclass(frozen=True)
class Addresses:
    """Where the servers are; an empty one: none is known."""

    kafka: str = ""  # host:port[,host:port]
    database: str = ""  # postgresql://user@host:port/database
    redis: str = ""  # redis://host:port
    prometheus: str = ""  # http://host:port
    alertmanager: str = ""  # http://host:port
    grafana: str = ""  # http://host:port; empty, too, where there is none to be had


NAMES = tuple(field.name for field in fields(Addresses))
NOWHERE = Addresses()
KINDS: Mapping[str, type[Part]] = {
    kind.name: kind for kind in (Kafka, Postgres, Redis, Prometheus, Alertmanager, Grafana)
}
NEEDED = tuple(name for name in NAMES if not KINDS[name].optional)


@dataclass(frozen=True)
class State:
    """The stack in `home`, as last brought up."""

    home: Path
    ports: Mapping[str, int]
    addresses: Addresses
    stand_in: bool = False  # tansu in Kafka's place

    def part(self, name: str) -> Part:
        """The server of that name (one of `NAMES`)."""
        kind = Tansu if name == "kafka" and self.stand_in else KINDS[name]
        if kind is Prometheus:
            return Prometheus(self.home, self.ports, alertmanager=self.addresses.alertmanager)
        if kind is Grafana:
            addresses = self.addresses
            return Grafana(self.home, self.ports, database=addresses.database, prometheus=addresses.prometheus)
        return kind(self.home, self.ports)


def read(home: Path) -> State:
    """The state of the stack in `home`; that of one never brought up, where nothing (legible) is remembered."""
    home = home.absolute()
    try:
        content = json.loads((home / "stack.json").read_text())
        chosen = {**ports.FIRST, **content["ports"]}
        return State(home, chosen, Addresses(**content["addresses"]), content.get("stand_in", False))
    except (OSError, ValueError, KeyError, TypeError):
        return State(home, ports.FIRST, NOWHERE)


def write(state: State) -> None:
    """Remember it, all at once or not at all."""
    addresses = {name: address for name, address in asdict(state.addresses).items() if address}
    content = {"ports": dict(state.ports), "addresses": addresses, "stand_in": state.stand_in}
    written = state.home / "stack.json.new"
    written.touch(0o600)  # a given address may hold a password
    written.write_text(json.dumps(content, indent=2) + "\n")
    written.replace(state.home / "stack.json")
