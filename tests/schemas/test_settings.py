"""Tests of schemas.settings."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.settings import Settings


@pytest.fixture(autouse=True)
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that sets nothing."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TENGERIM_{name.upper()}", raising=False)


def test_nothing_needs_to_be_set() -> None:
    settings = Settings()
    assert (settings.kafka, settings.database, settings.redis) == ("", "", "")
    assert (settings.space, settings.partitions, settings.clock) == ("main", 8, "wall")
    assert settings.grace == timedelta(minutes=5)


def test_the_home_is_in_the_cache_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Settings().home == tmp_path / "tengerim"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings().home == tmp_path / ".cache" / "tengerim"


def test_the_environment_sets_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENGERIM_GRACE_S", "0")
    monkeypatch.setenv("TENGERIM_SPACE", "demo_2")
    monkeypatch.setenv("TENGERIM_KAFKA", "a:1,b:2")
    settings = Settings()
    assert (settings.grace, settings.space, settings.kafka) == (timedelta(0), "demo_2", "a:1,b:2")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("space", ""),
        ("space", "Main"),
        ("space", "2nd"),
        ("space", "a-b"),
        ("space", "x" * 32),
        ("partitions", "0"),
        ("partitions", "257"),
        ("partitions", "many"),
        ("clock", "sun"),
        ("tick_s", "0"),
        ("tick_s", "61"),
        ("grace_s", "-1"),
        ("grace_s", "3601"),
        ("ahead_s", "86401"),
        ("ring_intervals", "3"),
        ("batch_frames", "0"),
        ("metrics_port", "65536"),
        ("log_format", "xml"),
    ],
)
def test_a_setting_out_of_its_range_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"TENGERIM_{name.upper()}", value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert [error["loc"] for error in refused.value.errors()] == [(name,)]


def test_settings_are_read_once() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().space = "other"  # type: ignore[misc]
