"""Tests of infra.cli.tables."""

import pytest

from infra.cli.tables import shown, table_lines


def test_columns_stand_below_each_other() -> None:
    rows = [["Теңгерім", "7", "x"], ["b", "1000", ""]]
    assert list(table_lines(("name", "wh", "detail"), rows, {"wh"})) == [
        "name        wh  detail",
        "Теңгерім     7  x",
        "b         1000",
    ]


def test_nothing_is_cut() -> None:
    assert list(table_lines(["name"], [["x" * 1000]])) == ["name", "x" * 1000]


def test_a_header_alone_is_a_table() -> None:
    assert list(table_lines(["a", "b"], [])) == ["a  b"]


@pytest.mark.parametrize(
    ("text", "seen"), [("plain", "plain"), ("қазақ", "қазақ"), ("\x1b[31mred", "�[31mred"), ("a\nb\0", "a�b�")]
)
def test_a_terminal_is_shown_texts_that_it_does_not_obey(text: str, seen: str) -> None:
    assert shown(text) == seen
    assert next(table_lines([text], [])) == text
    assert list(table_lines(["x"], [[text]]))[1] == seen
