"""Tests of the page's texts: every word there is, in every language, and none that is not used."""

import re

import pytest

from alerts.life import Kind
from dashboards.api.access.user import Role
from dashboards.api.page import PAGE
from schemas.alarm import AlarmType, Priority, State, Unit

_ENTRY = re.compile(r"^  \"?([\w ]+)\"?: \[(.*)\],$", re.MULTILINE)
_TEXT = re.compile(r'"([^"]*)"')
WORDS = {name: _TEXT.findall(texts) for name, texts in _ENTRY.findall((PAGE / "words.js").read_text(encoding="utf-8"))}
OF_ALARMS = {str(one) for kind in (AlarmType, Priority, State, Unit, Kind) for one in kind} - {"W", "Wh"}
OF_ALARMS |= {"refused", "would have alarmed", "notified", "not notified"}
SOURCES = {path.name: path.read_text(encoding="utf-8") for path in [*PAGE.glob("*.js"), *PAGE.glob("*.html")]}


@pytest.mark.parametrize("name", WORDS)
def test_a_word_is_there_in_every_language_with_the_same_places(name: str) -> None:
    texts = WORDS[name]
    assert len(texts) == 3
    assert all(texts)
    assert len({tuple(sorted(re.findall(r"\{\d\}", text))) for text in texts}) == 1


def test_every_word_that_is_said_is_there() -> None:
    said = {name for text in SOURCES.values() for name in re.findall(r'\bword\("(\w+)"|data-word="(\w+)"', text)}
    assert {first or second for first, second in said} <= WORDS.keys()


def test_alarms_have_their_names() -> None:
    assert WORDS.keys() >= OF_ALARMS


def test_roles_have_their_names() -> None:
    assert {role.word for role in Role} <= WORDS.keys()


def test_no_word_is_left_over() -> None:
    others = "".join(text for name, text in SOURCES.items() if name != "words.js")
    kept = OF_ALARMS | {role.word for role in Role}
    assert [name for name in WORDS if name not in kept and f'"{name}"' not in others] == []
