"""Tests of `tengerim serve`."""

import json
import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from infra.cli import main
from infra.stack.stack import Addresses


@pytest.mark.stack
def test_it_says_where_it_serves_and_ends_when_asked(stack: Addresses, own_space: str) -> None:
    environment = {**os.environ, "TENGERIM_SPACE": own_space}
    command = [sys.executable, "-m", "infra", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        address, _, words = line.partition(" ")
        assert words == f"shows the space {own_space}; on loopback nobody is asked who they are\n"
        assert httpx.get(address, timeout=20).status_code == 200
        with httpx.stream("GET", f"{address}api/v1/changes", timeout=20):
            process.send_signal(signal.SIGINT)
            assert process.wait(15) == 0


@pytest.mark.stack
def test_its_log_is_of_the_form_that_the_settings_ask_for(stack: Addresses, own_space: str) -> None:
    environment = {**os.environ, "TENGERIM_SPACE": own_space, "TENGERIM_LOG_FORMAT": "json"}
    command = [sys.executable, "-m", "infra", "serve", "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
    said = json.loads(line)
    assert (said["agent"], said["event"]) == ("serve", "alarm rules in force")


@pytest.mark.stack
def test_with_an_issuer_it_says_who_says_who_people_are(stack: Addresses, own_space: str) -> None:
    asked = {"TENGERIM_SPACE": own_space, "TENGERIM_OIDC_ISSUER": "https://issuer.example/realms/t"}
    command = [sys.executable, "-m", "infra", "serve", "--port", "0", "--host", "0.0.0.0"]
    with subprocess.Popen(command, env={**os.environ, **asked}, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.endswith(f"shows the space {own_space}; who people are says https://issuer.example/realms/t\n")
        address = line.partition(" ")[0].replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(f"{address}api/v1/nodes", timeout=20).status_code == 401
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0


@pytest.mark.stack
def test_a_port_that_is_taken_is_said(stack: Addresses, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    assert f"--port {port}: Address already in use" in capsys.readouterr().err


def test_nothing_but_loopback_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--host", "0.0.0.0"]) == 2
    assert "only loopback (127.0.0.1, localhost, ::1) can be served" in capsys.readouterr().err
