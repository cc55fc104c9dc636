"""`tengerim serve`: the control-room page and the API of the archive."""

import contextlib
import socket
from types import FrameType
from typing import Annotated

import cyclopts
import uvicorn
from fastapi import FastAPI

from dashboards.api.app import make_app
from infra import settings
from infra.cli.error import UserError
from streams.logs import configure

PORT = 8300
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Answers that are on their way are waited for so long.
STOP_S = 2


def register(app: cyclopts.App) -> None:
    """Add the command to `app`."""
    app.command(serve)


def serve(
    *,
    host: str = "127.0.0.1",
    port: Annotated[int, cyclopts.Parameter(validator=cyclopts.validators.Number(gte=0, lte=65535))] = PORT,
) -> None:
    """Serve the control-room page and the API, until Ctrl-C.

    Parameters
    ----------
    host
        The address to listen on: loopback, or any other where an OIDC issuer says who people are.
    port
        The port; 0: any that is free.
    """
    if host not in LOOPBACK and not settings.read().oidc_issuer:
        raise UserError(
            f"--host {host}: without an issuer (TENGERIM_OIDC_ISSUER) nobody is asked who they are, so only loopback"
            f" ({', '.join(LOOPBACK)}) can be served"
        )
    loaded = settings.load("kafka", "database", "redis")
    configure("serve", loaded)
    asked = (
        f"who people are says {loaded.oidc_issuer}"
        if loaded.oidc_issuer
        else "on loopback nobody is asked who they are"
    )
    with _listening(host, port) as listener:
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/"
        print(f"{address} shows the space {loaded.space}; {asked}", flush=True)  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            _Server(make_app(loaded)).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends the streams that have no end of their own when it is asked to stop."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                log_level="warning",
                proxy_headers=False,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=STOP_S,
            )
        )
        self._end = app.state.hub.end

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._end()
        super().handle_exit(sig, frame)


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise UserError(f"--port {port}: {error.strerror}; name another, or 0 for any that is free") from None
