"""Tests of schemas.rules."""

from schemas.rules import MEANING, Rule


def test_every_rule_says_what_is_wrong() -> None:
    assert MEANING.keys() == set(Rule)
    assert all(MEANING.values())


def test_a_rule_is_written_as_its_name() -> None:
    assert {str(rule) for rule in Rule} == set(Rule.__members__)
