"""A stand-in for Grafana, which cannot be had here: keeps what it is sent, and answers as its HTTP API is documented."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "glsa_secret"


@dataclass
class Kept:
    """What it has, every request that changed something, and how it is told to misbehave."""

    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: list[tuple[str, str]] = field(default_factory=list)
    # Status and body in answer to whatever would change something.
    refuses: tuple[int, Any] | None = None
    provisioned: bool = False
    address: str = ""


class _Handler(BaseHTTPRequestHandler):
    kept: Kept

    def do_GET(self) -> None:
        match self._parts():
            case None:
                return
            case ["health"]:
                self._answer(200, {"database": "ok", "version": "12.0.2"})
            case ["folders", uid] if uid in self.kept.folders:
                self._answer(200, self.kept.folders[uid])
            case ["folders", _]:
                self._answer(404, {"message": "folder not found", "status": "not-found"})
            case ["datasources", "uid", uid] if uid in self.kept.sources:
                self._answer(200, _without_secrets(self.kept.sources[uid]))
            case ["datasources", "uid", _]:
                self._answer(404, {"message": "Data source not found"})
            case ["dashboards", "uid", uid] if uid in self.kept.dashboards:
                self._answer(200, self.kept.dashboards[uid])
            case ["dashboards", "uid", _]:
                self._answer(404, {"message": "Dashboard not found"})
            case _:
                self._answer(404, {"message": "Not found"})

    def do_POST(self) -> None:
        self._change("POST")

    def do_PUT(self) -> None:
        self._change("PUT")

    def _change(self, method: str) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        parts = self._parts()
        if parts is None:
            return
        if self.kept.refuses is not None:
            self._answer(*self.kept.refuses)
            return
        self.kept.changes.append((method, "/".join(parts)))
        match method, parts:
            case "POST", ["folders"]:
                made = {**body, "id": len(self.kept.folders) + 1, "version": 1, "hasAcl": False}
                self.kept.folders[body["uid"]] = made
                self._answer(200, made)
            case "PUT", ["folders", uid]:
                self.kept.folders[uid] |= {"title": body["title"]}
                self._answer(200, self.kept.folders[uid])
            case "POST", ["datasources"]:
                if any(one["name"] == body["name"] for one in self.kept.sources.values()):
                    self._answer(409, {"message": "data source with the same name already exists"})
                    return
                self.kept.sources[body["uid"]] = {**body, "id": 7, "orgId": 1, "readOnly": False, "version": 1}
                self._answer(200, {"message": "Datasource added", "id": 7, "name": body["name"]})
            case "PUT", ["datasources", "uid", uid]:
                self.kept.sources[uid] |= body
                self._answer(200, {"message": "Datasource updated", "id": 7, "name": body["name"]})
            case "POST", ["dashboards", "db"]:
                self._save(body)
            case _:
                self._answer(404, {"message": "Not found"})

    def _save(self, body: dict[str, Any]) -> None:
        dashboard, uid = body["dashboard"], body["dashboard"]["uid"]
        before = self.kept.dashboards.get(uid)
        if self.kept.provisioned:
            self._answer(400, {"message": "Cannot save provisioned dashboard"})
        elif before is not None and not body.get("overwrite"):
            self._answer(
                412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
            )
        elif body["folderUid"] not in self.kept.folders:
            self._answer(400, {"message": "folder not found"})
        else:
            version = before["dashboard"]["version"] + 1 if before else 1
            kept = {**dashboard, "id": 1 + len(self.kept.dashboards), "version": version}
            meta = {"folderUid": body["folderUid"], "version": version, "provisioned": False}
            self.kept.dashboards[uid] = {"dashboard": kept, "meta": meta}
            self._answer(200, {"uid": uid, "status": "success", "version": version})

    def _parts(self) -> list[str] | None:
        """The parts of the path below /api/, None where it has been answered already."""
        basic = "Basic " + b64encode(b"admin:pa ss").decode()
        if self.headers.get("Authorization") not in (f"Bearer {TOKEN}", basic):
            self._answer(401, {"message": "Unauthorized"})
            return None
        if not self.path.startswith("/api/"):
            self._answer(404, "<html>", "text/html")
            return None
        return self.path.removeprefix("/api/").split("/")

    def _answer(self, status: int, body: Any, kind: str = "application/json") -> None:
        text = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing."""


def _without_secrets(source: dict[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in source.items() if name != "secureJsonData"}
    return {**told, "secureJsonFields": dict.fromkeys(source.get("secureJsonData", {}), True)}


@contextmanager
def stand_in() -> Iterator[Kept]:
    """One that listens while the block lasts, at `address`."""
    kept = Kept()
    handler = type("Handler", (_Handler,), {"kept": kept})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        kept.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()
