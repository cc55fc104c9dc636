"""Tests of alerts.master: what a rule file says, and how a wrong one is refused."""

from datetime import timedelta

import pytest
import yaml

from alerts.master import LANGUAGES, MasterError, parse, shipped
from alerts.timing import Delays
from schemas.alarm import AlarmType, Priority
from tests.alerts.making import master, text_of

TEXT = text_of()


def refusal(text: str) -> list[str]:
    """What is said of a file, line by line."""
    with pytest.raises(MasterError) as refused:
        parse(text, "rules.yml")
    return str(refused.value).splitlines()


def line_of(text: str, entry: str, below: str) -> int:
    """The number of the first line that begins with `entry` after the one that is `below`."""
    lines = text.splitlines()
    begin = lines.index(below)
    return next(n for n, line in enumerate(lines[begin:], begin + 1) if line.strip().startswith(entry))


def edited(before: str, after: str) -> str:
    assert TEXT.count(before) >= 1
    return TEXT.replace(before, after, 1)


def test_the_shipped_rules_say_everything_of_every_type() -> None:
    rules = shipped()
    for type_ in AlarmType:
        rule = rules.rule(type_)
        for words in (rule.title, rule.response):
            assert all(words.in_(language) for language in LANGUAGES)
        assert rule.cause
        assert rule.consequence


def test_the_shipped_sudden_loss_latches_and_nothing_else_does() -> None:
    assert [type_ for type_ in AlarmType if shipped().rule(type_).latching] == [AlarmType.TRIP]


def test_the_shipped_silences_call_louder_the_more_is_silent() -> None:
    rules = shipped()
    types = (AlarmType.GAP_EMC, AlarmType.GAP_DCTU, AlarmType.GAP_ENTITY)
    assert [rules.rule(type_).priorities for type_ in types] == [[Priority.LOW], [Priority.MEDIUM], [Priority.HIGH]]


def test_a_type_gives_its_own_rule() -> None:
    rules = master(TRIP={"respond_within_min": 7})
    assert rules.rule(AlarmType.TRIP).respond_within == timedelta(minutes=7)
    assert rules.rule(AlarmType.ZONE_IMB).respond_within == timedelta(minutes=30)


def test_delays_are_in_intervals() -> None:
    assert master(DEV_GEN={"on_delay": 2, "off_delay": 3}).types.DEV_GEN.delays == Delays(2, 3)


def test_priorities_ascend_each_once_whatever_the_order_of_the_levels() -> None:
    levels = [{"priority": name, "mw": 1} for name in ("high", "low", "high")]
    assert master(TRIP={"levels": levels}).types.TRIP.priorities == [Priority.LOW, Priority.HIGH]


def test_another_text_has_another_digest_and_the_same_text_the_same() -> None:
    assert parse(TEXT, "a.yml").digest == parse(TEXT, "b.yml").digest
    assert parse(TEXT + "# tuned\n", "a.yml").digest != parse(TEXT, "a.yml").digest


def test_the_text_is_kept() -> None:
    assert parse(TEXT, "a.yml").text == TEXT


def test_an_override_changes_what_it_names_and_keeps_the_rest() -> None:
    override = {"zone/NORTH": {"on_delay": 3, "levels": [{"priority": "high", "mw": 500}]}}
    rule = master(ZONE_IMB={"off_delay": 2, "overrides": override}).types.ZONE_IMB
    own = rule.of("zone", "NORTH")
    assert (own.delays, own.priorities) == (Delays(3, 2), [Priority.HIGH])
    assert (own.title, own.deadband_percent) == (rule.title, 20)


def test_an_override_is_of_its_object_alone() -> None:
    rule = master(ZONE_IMB={"overrides": {"zone/NORTH": {"enabled": False}}}).types.ZONE_IMB
    assert not rule.of("zone", "NORTH").enabled
    assert rule.of("zone", "SOUTH") is rule
    assert rule.of("region", "NORTH") is rule


def test_an_override_of_zero_counts() -> None:
    rule = master(DEV_GEN={"on_delay": 2, "overrides": {"facility/GRES1": {"on_delay": 0}}}).types.DEV_GEN
    assert rule.of("facility", "GRES1").on_delay == 0


def test_a_wrong_value_is_refused_with_its_line() -> None:
    text = edited("    on_delay: 0", "    on_delay: -1")
    line = line_of(text, "on_delay: -1", "  DEV_GEN:")
    (said,) = refusal(text)
    assert said.startswith(f"rules.yml:{line}: types.DEV_GEN.on_delay: it should be greater than or equal to 0")


def test_a_wrong_value_in_a_level_is_refused_with_its_line() -> None:
    text = edited("percent: 30", "percent: -30")
    line = line_of(text, "percent: -30", "  TRIP:")
    (said,) = refusal(text)
    assert said.startswith(f"rules.yml:{line}: types.TRIP.levels.1.percent: ")


def test_an_unknown_entry_is_refused_with_its_line() -> None:
    text = edited("    deadband_percent: 20", "    deadbend_percent: 20")
    line = line_of(text, "deadbend_percent", "  DEV_GEN:")
    assert refusal(text) == [f"rules.yml:{line}: types.DEV_GEN.deadbend_percent: no such entry here"]


def test_a_missing_entry_is_refused_with_the_line_of_what_lacks_it() -> None:
    document = yaml.safe_load(TEXT)
    del document["types"]["TRIP"]["response"]
    text = yaml.safe_dump(document, sort_keys=False)
    line = text.splitlines().index("  TRIP:") + 1
    assert refusal(text) == [f"rules.yml:{line}: types.TRIP.response: the entry is missing"]


def test_a_missing_type_is_refused() -> None:
    document = yaml.safe_load(TEXT)
    del document["types"]["TRIP"]
    (said,) = refusal(yaml.safe_dump(document, sort_keys=False))
    assert said.endswith(": types.TRIP: the entry is missing")


def test_a_text_that_lacks_a_language_is_refused() -> None:
    document = yaml.safe_load(TEXT)
    del document["types"]["TRIP"]["title"]["kk"]
    (said,) = refusal(yaml.safe_dump(document, sort_keys=False))
    assert said.endswith(": types.TRIP.title.kk: the entry is missing")


def test_everything_wrong_is_named_in_the_order_of_the_lines() -> None:
    text = edited("    on_delay: 0", "    on_delay: x").replace("percent: 30", "percent: -30", 1)
    said = refusal(text)
    assert len(said) == 2
    assert [place.split(": ")[1] for place in said] == ["types.DEV_GEN.on_delay", "types.TRIP.levels.1.percent"]


def test_everything_wrong_is_named_in_the_order_of_the_lines_whatever_the_order_of_the_types() -> None:
    document = yaml.safe_load(TEXT)
    document["types"] = dict(reversed(document["types"].items()))
    document["types"]["DEV_GEN"]["on_delay"] = document["types"]["TRIP"]["on_delay"] = -1
    said = refusal(yaml.safe_dump(document, sort_keys=False))
    assert [place.split(": ")[1] for place in said] == ["types.TRIP.on_delay", "types.DEV_GEN.on_delay"]


def test_a_level_without_a_figure_is_refused() -> None:
    with pytest.raises(MasterError, match=r"types\.TRIP\.levels\.0: a level needs mw, percent or capacity_percent"):
        master(TRIP={"levels": [{"priority": "high"}]})


def test_a_type_without_levels_is_refused() -> None:
    with pytest.raises(MasterError, match=r"types\.TRIP\.levels: "):
        master(TRIP={"levels": []})


def test_a_kind_of_object_that_is_none_is_refused() -> None:
    with pytest.raises(MasterError, match=r"types\.ZONE_IMB\.kinds\.0: "):
        master(ZONE_IMB={"kinds": ["dctu"]})


def test_an_override_that_names_no_object_is_refused() -> None:
    with pytest.raises(MasterError, match=r"types\.TRIP\.overrides: 'GRES1' is not KIND/CODE, as facility/GRES1"):
        master(TRIP={"overrides": {"GRES1": {"enabled": False}}})


def test_an_override_that_makes_no_rule_is_refused_with_its_place() -> None:
    override = {"facility/GRES1": {"levels": [{"priority": "high", "seconds": 5}]}}
    with pytest.raises(MasterError, match=r":\d+: types\.TRIP\.overrides\.facility/GRES1\.levels\.0"):
        master(TRIP={"overrides": override})


def test_an_entry_that_stands_twice_is_refused_with_the_line_of_the_second() -> None:
    text = edited("  TRIP:\n", "  TRIP:\n    latching: false\n")
    line = text.splitlines().index("    latching: true") + 1
    assert refusal(text) == [f"rules.yml:{line}: types.TRIP.latching stands twice"]


def test_what_is_not_yaml_is_refused_with_its_line() -> None:
    (said,) = refusal("positions: 1\ntypes: [\n")
    assert said.startswith("rules.yml:3: not YAML: ")


@pytest.mark.parametrize("text", ["", "- 1\n", "types\n"])
def test_what_is_no_rule_file_at_all_is_refused(text: str) -> None:
    assert refusal(text) == ["rules.yml:1: not a master alarm database: it must begin with `types:`"]


def test_control_characters_are_refused_as_no_yaml() -> None:
    (said,) = refusal("types: \x00\n")
    assert "not YAML" in said
