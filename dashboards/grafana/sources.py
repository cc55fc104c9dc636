"""Whom the dashboards ask, and the folder they stand in: as Grafana's API and its provisioning files both have it."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from dashboards.grafana.targets import POSTGRES_TYPE, PROMETHEUS_TYPE
from dashboards.grafana.words import Language, table

FOLDER_UID = "tengerim"


def folder(language: Language) -> dict[str, str]:
    """The folder of all dashboards."""
    return {"uid": FOLDER_UID, "title": table()["folder"][language]}


def archive(space: str, address: str) -> dict[str, Any]:
    """The archive of a space, at the address `postgresql://role[:password]@host:port/database` as Grafana has it."""
    parts = urlsplit(address)
    options = parse_qs(parts.query)
    found: dict[str, Any] = {
        "uid": f"tengerim-{space}",
        "name": f"Tengerim {space}",
        "type": POSTGRES_TYPE,
        "access": "proxy",
        "url": f"{parts.hostname}:{parts.port or 5432}",
        "user": unquote(parts.username or ""),
        "jsonData": {
            "database": parts.path.lstrip("/"),
            "sslmode": options.get("sslmode", ["disable"])[0],
            "postgresVersion": 1700,
            "timescaledb": True,
            "maxOpenConns": 10,
            "maxIdleConns": 2,
            "connMaxLifetime": 14400,
        },
    }
    if parts.password:
        found["secureJsonData"] = {"password": unquote(parts.password)}
    return found


def metrics(address: str) -> dict[str, Any]:
    """Prometheus at `http://[user:password@]host:port`, as Grafana reaches it; it scrapes every five seconds."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    found: dict[str, Any] = {
        "uid": "tengerim-prometheus",
        "name": "Tengerim Prometheus",
        "type": PROMETHEUS_TYPE,
        "access": "proxy",
        "url": parts._replace(netloc=host if parts.port is None else f"{host}:{parts.port}").geturl(),
        "jsonData": {"httpMethod": "POST", "timeInterval": "5s"},
    }
    if parts.username:
        found |= {"basicAuth": True, "basicAuthUser": unquote(parts.username)}
        found["secureJsonData"] = {"basicAuthPassword": unquote(parts.password or "")}
    return found
