from pathlib import Path

import pytest

from infra.stack import kafka, ports
from infra.stack import stack as local
from infra.stack.error import StackError
from infra.stack.kafka import Kafka
from infra.stack.stack import Addresses
from infra.stack.tansu import Tansu

from .test_root import only


def old_java(folder: Path) -> str:
    folder.mkdir()
    (folder / "java").write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    (folder / "java").chmod(0o755)
    return str(folder)


def test_without_java_the_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", only(tmp_path / "bin", "sh"))
    with pytest.raises(StackError, match=r"needs Java.*default-jre-headless"):
        kafka.java()


def test_a_java_too_old_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{old_java(tmp_path / 'bin')}:{only(tmp_path / 'sh', 'sh')}")
    with pytest.raises(StackError, match=r"newer Java than .*java .*11.0.2"):
        kafka.java()


def test_without_maven_the_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = kafka.java()
    monkeypatch.setenv("JAVA_HOME", str(Path(java).parents[1]))
    monkeypatch.setenv("PATH", only(tmp_path / "bin", "sh", "rm"))
    with pytest.raises(StackError, match="Maven is not installed"):
        Kafka(tmp_path, ports.FIRST).install(print)


@pytest.mark.stack
@pytest.mark.slow
def test_where_kafka_cannot_be_had_a_stand_in_serves_and_is_named(
    stack: Addresses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", only(tmp_path / "bin", "sh", "rm", "setsid"))
    lines: list[str] = []
    home = tmp_path / "home"
    given = Addresses(
        database=stack.database, redis=stack.redis, prometheus=stack.prometheus, alertmanager=stack.alertmanager
    )
    try:
        address = local.up(home, given, lines.append).kafka
        assert Kafka.probe(address) == ""
        assert not local.broker_is_kafka(home)
        assert "needs Java" in lines[0]
        (broker,) = [part for part in local.status(home, given) if part.name == "kafka"]
        assert (broker.title, broker.state) == (Tansu.title, "runs")
    finally:
        local.down(home, print)
    assert local.status(home, given)[0].state == "stopped"
