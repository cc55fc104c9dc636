"""The page and the API, served by uvicorn in a thread of the test, or as a user has it: in a process."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import uvicorn

from dashboards.api.app import make_app
from infra.worker import environment
from schemas.settings import Settings


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def serving(settings: Settings, port: int = 0) -> Iterator[str]:
    """Serve a space while the block lasts; gives the address. `port`: 0, any that is free."""
    app = make_app(settings)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="warning", proxy_headers=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    found = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{found}"
    finally:
        app.state.hub.end()
        server.should_exit = True
        thread.join(10)


class Server:
    """`tengerim serve` as a process, which may be killed and started again at the same port."""

    def __init__(self, settings: Settings, log: Path) -> None:
        """`log`: what it says goes there."""
        self._settings, self._log, self._port = settings, log, 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop."""
        self.stop(signal.SIGTERM)

    @property
    def address(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Return once it has the archive and the live state."""
        self._port = self._port or free_port()
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "infra", "serve", "--port", str(self._port)],
                env=environment(self._settings, 0), stdout=output, stderr=output,
            )  # fmt: skip
        until = time.monotonic() + 120
        while not self._ready():
            assert self._process.poll() is None, self._log.read_text(encoding="utf-8")
            assert time.monotonic() < until, self._log.read_text(encoding="utf-8")
            time.sleep(0.1)

    def stop(self, how: signal.Signals) -> None:
        """End it."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(60)

    def _ready(self) -> bool:
        with suppress(httpx.HTTPError):
            found = httpx.get(f"{self.address}/api/v1/ready", timeout=5)
            return bool(found.status_code == 200 and found.json()["redis"])
        return False
