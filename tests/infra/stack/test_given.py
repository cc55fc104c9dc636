"""Servers that settings point at."""

from dataclasses import replace
from pathlib import Path

import pytest

from infra.stack import stack as local
from infra.stack.error import StackError
from infra.stack.stack import Addresses

NOBODY = {
    "kafka": "127.0.0.1:1",
    "database": "postgresql://somebody:secret@127.0.0.1:1/tengerim",
    "redis": "redis://:secret@127.0.0.1:1",
    "prometheus": "http://127.0.0.1:1",
    "alertmanager": "http://127.0.0.1:1",
    "grafana": "http://admin:secret@127.0.0.1:1",
}
NONSENSE = {
    "kafka": "here",
    "database": "mysql://127.0.0.1/tengerim",
    "redis": "127.0.0.1:6379",
    "prometheus": "127.0.0.1",
    "alertmanager": "ftp:/x",
    "grafana": "here:3000",
}


@pytest.mark.parametrize("name", NOBODY)
def test_a_server_that_is_not_there_is_named_with_its_setting(name: str, tmp_path: Path) -> None:
    with pytest.raises(StackError) as refusal:
        local.up(tmp_path / "home", replace(Addresses(), **{name: NOBODY[name]}), print)
    assert "127.0.0.1:1" in str(refusal.value)
    assert f"TENGERIM_{name.upper()}" in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("name", NONSENSE)
def test_an_address_that_is_none_is_refused_with_its_setting(name: str, tmp_path: Path) -> None:
    with pytest.raises(StackError, match=f"TENGERIM_{name.upper()}"):
        local.up(tmp_path / "home", replace(Addresses(), **{name: NONSENSE[name]}), print)


def test_nothing_is_built_for_a_setting_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(StackError):
        local.up(tmp_path / "home", Addresses(kafka=NOBODY["kafka"]), print)
    assert not (tmp_path / "home").exists()


@pytest.mark.stack
def test_given_servers_are_used_and_none_is_started(stack: Addresses, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert local.up(home, stack, print) == stack
    assert local.running(home) == stack
    assert not (home / "run").exists()
    assert {part.state for part in local.status(home, stack) if not part.optional} == {"given"}
    with pytest.raises(StackError, match="not ours"):
        local.stop(home, "kafka")
    local.down(home, print)
    assert {part.state for part in local.status(home, stack) if not part.optional} == {"given"}


@pytest.mark.stack
def test_a_server_of_another_kind_is_refused(stack: Addresses, tmp_path: Path) -> None:
    address = f"postgresql://tengerim@{stack.alertmanager.removeprefix('http://')}/tengerim"
    with pytest.raises(StackError, match="TENGERIM_DATABASE"):
        local.up(tmp_path / "home", Addresses(database=address), print)


def test_the_status_hides_passwords_and_names_the_fault(tmp_path: Path) -> None:
    parts = local.status(tmp_path, Addresses(**NOBODY))
    assert {part.state for part in parts} == {"silent"}
    assert all(part.detail for part in parts)
    assert not [part for part in parts if "secret" in part.address + part.detail]
