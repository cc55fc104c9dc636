"""Loopback ports for the servers: the same ones every time, as long as nobody else has taken them."""

import socket
from collections.abc import Mapping

from infra.stack.error import StackError

LOOPBACK = "127.0.0.1"

# Where the search for each begins: the usual port of the server plus 10000. All lie below the range from which
# the kernel takes the ports of outgoing connections: in there a client that keeps trying to reach a stopped
# server can be given the very port it calls, connect to itself and keep the server from coming back.
FIRST = {
    "kafka": 19092,
    "kafka_controller": 19193,
    "database": 15432,
    "redis": 16379,
    "prometheus": 19090,
    "alertmanager": 19193 + 100,
    "grafana": 13000,
}
SPAN = 400


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose(remembered: Mapping[str, int], kept: frozenset[str]) -> dict[str, int]:
    """A port for every name of `FIRST`.

    A remembered port is kept while it is free, or while its name is in `kept` (our own server listens there).
    """
    ports: dict[str, int] = {name: remembered[name] for name in kept if name in remembered}
    for name, first in FIRST.items():
        if name in ports:
            continue
        candidates = [remembered[name]] if name in remembered else []
        candidates += range(first, first + SPAN)
        taken = set(ports.values())
        port = next((port for port in candidates if port not in taken and is_free(port)), None)
        if port is None:
            raise StackError(
                f"No free loopback port between {first} and {first + SPAN - 1} for {name}: stop some of the servers "
                "that listen there and try again."
            )
        ports[name] = port
    return ports
