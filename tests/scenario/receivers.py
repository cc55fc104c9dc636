"""A real Alertmanager of the tests' own, and whoever it tells: a webhook and a mail server that remember."""

import email
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from infra.receivers import CONFIG, filled
from infra.stack import http
from infra.stack.part import UnhealthyError
from infra.stack.root import Root, privileged
from infra.worker import free_port
from schemas.settings import Settings

# Seconds of every route: first word, the next of the same group, again.
WAIT_S, INTERVAL_S = 1, 2


@dataclass
class Heard:
    """What was told, and when (seconds of a monotonic clock)."""

    at: float
    receiver: str
    status: str
    alerts: list[dict[str, Any]]


@dataclass
class Mail:
    """A mail that came."""

    at: float
    to: list[str]
    subject: str
    text: str


@dataclass
class Ears:
    """Everything that webhook and mail server have heard."""

    heard: list[Heard] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)

    def of(self, name: str, status: str = "firing") -> list[Heard]:
        """What the webhook heard of alerts of a name."""
        return [one for one in self.heard if one.status == status and one.alerts[0]["labels"]["alertname"] == name]


@contextmanager
def listening() -> Iterator[tuple[Ears, str, str]]:
    """The ears, the webhook's address, the mail server's."""
    ears = Ears()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            ears.heard.append(Heard(time.monotonic(), told["receiver"], told["status"], told["alerts"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    class Box:
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
            content = envelope.content
            assert isinstance(content, bytes)
            message: Message[str, str] = email.message_from_bytes(content, policy=default)
            body = message.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
            ears.mails.append(Mail(time.monotonic(), list(envelope.rcpt_tos), str(message["Subject"]), body))
            return "250 OK"

    hook = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=hook.serve_forever, daemon=True)
    thread.start()
    box = Controller(Box(), hostname="127.0.0.1", port=free_port())
    box.start()
    try:
        yield ears, f"http://127.0.0.1:{hook.server_port}/", f"127.0.0.1:{box.port}"
    finally:
        box.stop()
        hook.shutdown()
        hook.server_close()
        thread.join()


def quick(text: str) -> str:
    """The shipped configuration with all its waits shortened."""
    document = yaml.safe_load(text)
    for route in (document["route"], *document["route"]["routes"]):
        route |= {"group_wait": f"{WAIT_S}s", "group_interval": f"{INTERVAL_S}s", "repeat_interval": "1h"}
        if "high" in route["receiver"] or "urgent" in route["receiver"]:
            route["group_wait"] = "0s"
    return yaml.safe_dump(document)


class OwnAlertmanager:
    """One process, which may be stopped and started again; it forgets what it knew."""

    def __init__(self, home: Path, folder: Path, settings: Settings) -> None:
        """Not started. `folder` lies within the home; `settings` say who is told."""
        self._root, self._folder = Root(home), folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        (folder / "alertmanager.yml").write_text(filled(quick(CONFIG.read_text(encoding="utf-8")), settings))

    @property
    def address(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it; return when it serves."""
        self._starts += 1
        data = self._folder / f"data{self._starts}"
        self._root.own(data)
        argv = self._root.command(
            "usr/bin/prometheus-alertmanager",
            f"--config.file={self._root.path(self._folder / 'alertmanager.yml')}",
            f"--storage.path={self._root.path(data)}",
            f"--web.listen-address=127.0.0.1:{self._port}",
            "--cluster.listen-address=",
        )
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(privileged(argv), stdout=log, stderr=log)
        wait_until(self._serves, 30)

    def stop(self) -> None:
        """Stop it."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(20)

    def _serves(self) -> bool:
        try:
            http.ready(self.address)
        except UnhealthyError:
            return False
        return True


def wait_until(condition: Callable[[], object], seconds: float) -> None:
    """Return once it holds; fail when it does not in time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it has not come in time"
        time.sleep(0.05)
