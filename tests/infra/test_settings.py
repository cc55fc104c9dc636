"""Tests of infra.settings."""

from pathlib import Path

import pytest

from infra import settings
from infra.settings import SettingsError
from infra.stack.stack import Addresses
from schemas.settings import Settings

ADDRESSES = ("KAFKA", "DATABASE", "REDIS", "PROMETHEUS", "ALERTMANAGER")


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that sets nothing."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TENGERIM_{name.upper()}", raising=False)
    return monkeypatch


@pytest.mark.usefixtures("silent")
def test_what_is_not_set_is_as_it_should_be() -> None:
    assert settings.read() == Settings()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("KAFKA", "here", "'here' is not host:port[,host:port]"),
        ("KAFKA", "http://here:9092", "'http://here:9092' is not host:port[,host:port]"),
        ("KAFKA", "one:9092,two", "'one:9092,two' is not host:port[,host:port]"),
        ("DATABASE", "here:5432", "'here:5432' is not postgresql://user[:password]@host:port/database"),
        ("DATABASE", "postgresql://here:port/x", "'postgresql://here:port/x' is not postgresql://"),
        ("REDIS", "http://here:1", "'http://here:1' is not redis://host:port[/number]"),
        ("ALERTMANAGER", "here:1", "'here:1' is not http://host:port"),
        ("SPACE", "Main", "'Main' is not a name (a to z, then also 0 to 9 and _, 31 at most)"),
        ("TICK_S", "nan", "'nan' is wrong: it should be less than or equal to 60"),
        ("LOG_LEVEL", "loud", "'loud' is wrong: it should be 'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_should_be(
    silent: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    silent.setenv(f"TENGERIM_{name}", value)
    with pytest.raises(SettingsError) as refused:
        settings.read()
    assert str(refused.value).startswith(f"TENGERIM_{name}={problem}")
    assert str(refused.value).endswith("; mend or unset it")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAFKA", "one:9092,[::1]:9093"),
        ("DATABASE", "postgresql://me:secret@db.example:5432/tengerim?sslmode=require"),
        ("DATABASE", "postgres://db.example"),
        ("REDIS", "rediss://me:secret@cache:6379/3"),
        ("PROMETHEUS", "https://prometheus.example/path"),
    ],
)
def test_an_address_of_any_usual_form_is_taken(silent: pytest.MonkeyPatch, name: str, value: str) -> None:
    silent.setenv(f"TENGERIM_{name}", value)
    assert getattr(settings.read(), name.lower()) == value


def test_a_password_is_not_shown(silent: pytest.MonkeyPatch) -> None:
    silent.setenv("TENGERIM_DATABASE", "mysql://me:secret@here/x")
    with pytest.raises(SettingsError, match=r"mysql://me:\*\*\*@here/x"):
        settings.read()


@pytest.mark.parametrize(("name", "meant"), [("SPCE", "SPACE"), ("GRACE", "GRACE_S"), ("KAFKA_URL", "KAFKA")])
def test_a_name_that_nearly_is_a_setting_s_is_refused(silent: pytest.MonkeyPatch, name: str, meant: str) -> None:
    silent.setenv(f"TENGERIM_{name}", "x")
    with pytest.raises(SettingsError, match=rf"^TENGERIM_{name} is no setting; did you mean TENGERIM_{meant}\?"):
        settings.read()


def test_names_of_other_things_are_left_alone(silent: pytest.MonkeyPatch) -> None:
    for name in ("MIRROR", "KEYRING", "FAILPOINT", "DIES_WITH"):
        silent.setenv(f"TENGERIM_{name}", "x")
    assert settings.read() == Settings()


def test_given_is_what_the_environment_says(silent: pytest.MonkeyPatch) -> None:
    silent.setenv("TENGERIM_REDIS", "redis://here:1")
    assert settings.given(settings.read()) == Addresses("", "", "redis://here:1", "", "")


def test_without_a_stack_the_missing_address_is_named(silent: pytest.MonkeyPatch, tmp_path: Path) -> None:
    silent.setenv("TENGERIM_HOME", str(tmp_path))
    silent.setenv("TENGERIM_KAFKA", "here:1")
    with pytest.raises(SettingsError, match=r"^no address for database: start .*`tengerim up`, or set TENGERIM_DATAB"):
        settings.load()


def test_only_what_is_needed_must_be_known(silent: pytest.MonkeyPatch, tmp_path: Path) -> None:
    silent.setenv("TENGERIM_HOME", str(tmp_path))
    silent.setenv("TENGERIM_DATABASE", "postgresql://here:1/x")
    assert settings.load("database").kafka == ""


@pytest.mark.stack
def test_the_local_stack_fills_what_is_not_given(stack: Addresses, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.given(settings.load()) == stack
    monkeypatch.setenv("TENGERIM_REDIS", "redis://here:1")
    loaded = settings.load()
    assert (loaded.redis, loaded.kafka) == ("redis://here:1", stack.kafka)
