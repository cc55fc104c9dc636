"""A way to the database that can lose the answer to a commit: it was done, and nobody knows."""

import contextlib
import selectors
import socket
import threading
import time
from typing import Self
from urllib.parse import urlsplit, urlunsplit

# Of a connection's bytes only these must be seen whole: what the transaction did, and that it ends.
COPY, ANY = b" from stdin ", b""
_COMMIT = b"COMMIT"


class Proxy:
    """Forwards connections to a database while the `with` block lasts."""

    def __init__(self, url: str, work: bytes = COPY) -> None:
        """Listen on a port of loopback. `work`: of which transactions answers are lost, COPY or ANY."""
        self._work = work
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = urlunsplit(parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}"))
        self.lost = 0
        self._armed = threading.Event()
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        """Begin to forward."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take no more connections; those that are open end with their clients."""
        self._closing.set()
        self._listener.close()

    def lose_answer(self) -> None:
        """Let the next commit through, but not its answer: the connection ends instead."""
        self._armed.set()

    def await_lost(self, number: int, timeout_s: float) -> None:
        """Return once so many answers have been lost in all."""
        until = time.monotonic() + timeout_s
        while self.lost < number:
            assert time.monotonic() < until, f"{self.lost} of {number} answers were lost"
            time.sleep(0.05)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        works = False
        with selectors.DefaultSelector() as ready, client, server, contextlib.suppress(OSError):
            ready.register(client, selectors.EVENT_READ)
            ready.register(server, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(2**18)  # type: ignore[union-attr]
                    if not data:
                        return
                    if key.fileobj is server:
                        client.sendall(data)
                        continue
                    server.sendall(data)
                    works = works or self._work in data
                    if works and _COMMIT in data:
                        if self._armed.is_set():
                            self._armed.clear()
                            server.recv(2**18)
                            self.lost += 1
                            return
                        works = False
