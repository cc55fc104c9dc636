import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.stack import ports
from infra.stack.error import StackError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((ports.LOOPBACK, 0))
        server.listen()
        yield server.getsockname()[1]


def test_every_server_gets_a_free_port_of_its_own() -> None:
    chosen = ports.choose({}, frozenset())
    assert chosen.keys() == ports.FIRST.keys()
    assert len(set(chosen.values())) == len(chosen)
    assert all(ports.is_free(port) for port in chosen.values())


def test_a_remembered_port_is_kept_while_it_is_free() -> None:
    assert ports.choose({"redis": 16999}, frozenset())["redis"] == 16999


def test_a_remembered_port_that_another_took_is_left_to_it(taken: int) -> None:
    assert ports.choose({"redis": taken}, frozenset())["redis"] != taken


def test_the_port_of_our_own_running_server_is_kept(taken: int) -> None:
    assert ports.choose({"redis": taken}, frozenset({"redis"}))["redis"] == taken


def test_no_two_servers_share_a_remembered_port() -> None:
    chosen = ports.choose({"redis": 16999, "database": 16999}, frozenset())
    assert chosen["redis"] != chosen["database"]


def test_when_every_port_is_taken_the_message_names_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "SPAN", 0)
    with pytest.raises(StackError, match="for kafka"):
        ports.choose({}, frozenset())


def test_no_port_is_one_the_kernel_gives_to_clients() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(ports.FIRST.values()) + ports.SPAN < lowest
