"""A stand-in for Alertmanager that remembers what it was sent, and answers as it is told to."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Hook:
    """What it has taken, a list of alerts a request; how it answers from now on."""

    address: str = ""
    status: int = 200
    words: str = ""
    slow_s: float = 0.0
    paths: list[str] = field(default_factory=list)
    taken: list[list[dict[str, Any]]] = field(default_factory=list)
    refused: int = 0


@contextmanager
def listening() -> Iterator[Hook]:
    """One that listens."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            alerts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(hook.slow_s)
            if hook.status < 300:
                hook.paths.append(self.path)
                hook.taken.append(alerts)
            else:
                hook.refused += 1
            said = hook.words.encode()
            self.send_response(hook.status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Who asked has lost patience; that is their affair."""

    server = Server(("127.0.0.1", 0), Handler)
    hook.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
