"""The page and the API, served by uvicorn in a thread of the test."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from dashboards.api.app import make_app
from schemas.settings import Settings


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Serve a space while the block lasts; gives the address."""
    config = uvicorn.Config(
        make_app(settings), host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
