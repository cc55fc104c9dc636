"""The dashboards as JSON: of the SDK's types, whole in every language, and quiet where they must be."""

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards.grafana import links, palette
from dashboards.grafana.build import BUILDERS, dashboards
from dashboards.grafana.words import FILE, Language, table
from tests.dashboards.grafana.asking import QUOTING, targets

LANGUAGES: tuple[Language, ...] = ("kk", "ru", "en")
ALL = {language: dashboards(language) for language in LANGUAGES}
ENGLISH = ALL["en"]
BY_UID = {dashboard["uid"]: dashboard for dashboard in ENGLISH}


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return list(dashboard["panels"])


def strings(value: Any) -> Iterator[str]:
    """Every string within a document."""
    match value:
        case str():
            yield value
        case dict():
            for one in value.values():
                yield from strings(one)
        case list():
            for one in value:
                yield from strings(one)


@pytest.mark.parametrize("uid", BY_UID)
def test_the_sdk_reads_a_dashboard_as_it_was_written(uid: str) -> None:
    plugins.register_default_plugins()
    read = json.loads(json.dumps(Dashboard.from_json(BY_UID[uid]), cls=JSONEncoder))
    for one in (*read["links"], *read["annotations"]["list"]):
        # What the SDK always adds.
        assert one.pop("placement") == "inControlsMenu"
    assert read == BY_UID[uid]


def test_uids_are_for_ever() -> None:
    assert list(BY_UID) == [
        "tengerim-control-room", "tengerim-unit", "tengerim-quality", "tengerim-archive", "tengerim-alarm-kpis",
        "tengerim-pipeline",
    ]  # fmt: skip
    for language in LANGUAGES:
        assert [dashboard["uid"] for dashboard in ALL[language]] == list(BY_UID)
    assert all(len(uid) <= 40 for uid in BY_UID)


@pytest.mark.parametrize("uid", BY_UID)
def test_every_panel_has_a_title_a_unit_and_an_explanation(uid: str) -> None:
    for panel in panels(BY_UID[uid]):
        assert panel["title"]
        assert len(panel["description"]) > 20, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]


@pytest.mark.parametrize("uid", BY_UID)
def test_panels_fill_rows_of_24_and_do_not_overlap(uid: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(BY_UID[uid]):
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place.get("x", 0), place.get("x", 0) + place["w"])
            for y in range(place.get("y", 0), place.get("y", 0) + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    assert {x for x, _ in taken} == set(range(24))
    assert all((x, y) in taken for x in range(24) for y in range(max(y for _, y in taken)))


def entries(document: Any, path: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    """Every text of the table, with its place."""
    if isinstance(document, dict):
        if set(document) & set(LANGUAGES):
            yield path, document
        else:
            for name, one in document.items():
                yield from entries(one, f"{path}.{name}")


def test_every_text_is_there_in_every_language() -> None:
    found = dict(entries(yaml.safe_load(FILE.read_text(encoding="utf-8"))))
    assert len(found) > 150
    for place, texts in found.items():
        assert texts.keys() == set(LANGUAGES), place
        assert all(isinstance(text, str) and text.strip() == text and text for text in texts.values()), place


def test_the_table_goes_along_with_the_package() -> None:
    project = tomllib.loads((FILE.parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["dashboards"]
    assert any(FILE.relative_to(FILE.parents[1]).match(pattern) for pattern in patterns)


def test_no_text_of_the_table_is_left_over() -> None:
    shown = {text for language in LANGUAGES for dashboard in ALL[language] for text in strings(dashboard)}
    # Choices of a variable, and units, stand within longer texts.
    shown |= {part for text in shown for part in re.split(r" : |,|suffix:", text)}
    unused = {place for place, texts in entries(table()) if texts["en"] not in shown}
    assert unused == set()


@pytest.mark.parametrize("uid", BY_UID)
def test_languages_differ_in_texts_alone(uid: str) -> None:
    def bare(language: Language) -> Any:
        (dashboard,) = [one for one in ALL[language] if one["uid"] == uid]
        return [(t.ref, t.sql) for t in targets(dashboard) if t.ref != "annotation"], [
            [o["matcher"]["options"] for o in panel["fieldConfig"].get("overrides", [])] for panel in panels(dashboard)
        ]

    assert bare("kk") == bare("ru") == bare("en")


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_nothing_on_a_screen_is_left_in_english(language: Language) -> None:
    for dashboard, english in zip(ALL[language], ENGLISH, strict=True):
        for panel, other in zip(panels(dashboard), panels(english), strict=True):
            assert panel["title"] != other["title"]
            assert panel["description"] != other["description"]


@pytest.mark.parametrize("uid", BY_UID)
def test_values_of_variables_are_always_quoted_in_sql(uid: str) -> None:
    names = {variable["name"] for variable in BY_UID[uid]["templating"]["list"]}
    for target in targets(BY_UID[uid]):
        found = re.findall(r"\$\{(\w+):(\w+)\}", target.sql)
        assert {form for _, form in found} <= set(QUOTING)
        assert {name for name, _ in found} <= names, target
        # No other way of writing a variable.
        rest = re.sub(r"\$\{\w+:\w+\}", "", target.sql)
        assert not re.search(r"\$\{|\[\[|\$(?!__)\w", rest), target


@pytest.mark.parametrize("uid", BY_UID)
def test_everybody_is_asked_by_a_variable_that_the_dashboard_has(uid: str) -> None:
    variables = {variable["name"]: variable for variable in BY_UID[uid]["templating"]["list"]}
    assert {name for name, one in variables.items() if one["type"] == "datasource"} == {"database", "prometheus"}
    asked = re.findall(r'"uid": "([^"]*)"', json.dumps([panels(BY_UID[uid]), BY_UID[uid]["templating"]]))
    assert set(asked) <= {"${database}", "${prometheus}"}


def test_links_lead_to_dashboards_that_exist_with_variables_that_they_have() -> None:
    found = [text for dashboard in ENGLISH for text in strings(dashboard) if text.startswith("/d/")]
    assert len(found) > 5
    for link in found:
        path, _, query = link.partition("?")
        dashboard = BY_UID[path.removeprefix("/d/")]
        names = {variable["name"] for variable in dashboard["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", query)) <= names
        assert "${__all_variables}" in query
        assert "${__url_time_range}" in query or "from=" in query


@pytest.mark.parametrize("uid", BY_UID)
def test_fields_that_links_name_are_columns_of_the_panel(uid: str) -> None:
    for panel in panels(BY_UID[uid]):
        for name in re.findall(r"__data\.fields\.(\w+)", json.dumps(panel)):
            columns = " ".join(target.get("rawSql", "") for target in panel["targets"])
            assert re.search(rf"\bas \"?{name}\b|\ba\.{name}\b|, {name}\b", columns), (panel["title"], name)


def test_a_dashboard_of_a_day_has_an_address() -> None:
    day = datetime(2026, 1, 20, 19, tzinfo=UTC)
    found = links.address("https://me:word@here/grafana/", "control_room", "demo", day, day + timedelta(days=1))
    assert found == (
        "https://here/grafana/d/tengerim-control-room?var-database=tengerim-demo&from=1768935600000&to=1769021999999"
    )


def test_every_dashboard_is_among_the_links_on_top() -> None:
    for dashboard in ENGLISH:
        (link,) = dashboard["links"]
        assert (link["type"], link["tags"]) == ("dashboards", [links.TAG])
        assert link["includeVars"]
        assert link["keepTime"]
        assert links.TAG in dashboard["tags"]


def thresholds(value: Any) -> Iterator[list[dict[str, Any]]]:
    """Every list of thresholds within a document."""
    match value:
        case {"mode": "absolute", "steps": found}:
            yield found
        case dict():
            for one in value.values():
                yield from thresholds(one)
        case list():
            for one in value:
                yield from thresholds(one)


def test_thresholds_ascend_from_a_number() -> None:
    found = list(thresholds(ENGLISH))
    assert len(found) > 20
    for steps in found:
        values = [step["value"] for step in steps]
        # In an override Grafana takes none for zero, and so looks at no negative one.
        assert values == sorted(values)
        assert values[0] < -1e9


def test_panels_have_numbers() -> None:
    for dashboard in ENGLISH:
        assert [panel["id"] for panel in panels(dashboard)] == list(range(1, len(panels(dashboard)) + 1))


def test_time_is_the_markets() -> None:
    for dashboard in ENGLISH:
        assert (dashboard["timezone"], dashboard["weekStart"]) == ("Asia/Almaty", "monday")


def test_plan_and_fact_have_one_colour_each() -> None:
    for dashboard in ENGLISH:
        for panel in panels(dashboard):
            for override in panel["fieldConfig"].get("overrides", []):
                colour = [p["value"].get("fixedColor") for p in override["properties"] if p["id"] == "color"]
                if colour and override["matcher"]["options"] in ("plan", "fact"):
                    wanted = {"plan": palette.PLAN, "fact": palette.FACT}[override["matcher"]["options"]]
                    assert colour == [wanted], (dashboard["uid"], panel["title"])


def test_deviation_is_blue_and_orange_never_green_and_red() -> None:
    colours = {value for value in vars(palette).values() if isinstance(value, str) and value.startswith("#")}
    for dashboard in ENGLISH:
        for text in strings(dashboard):
            if re.fullmatch(r"#[0-9a-f]{6}", text):
                assert text in colours
        assert not [text for text in strings(dashboard) if text in ("green", "red", "dark-green", "dark-red")]


def test_a_builder_is_named_as_its_module() -> None:
    assert {name: build.__module__.rpartition(".")[2] for name, build in BUILDERS.items()} == {n: n for n in BUILDERS}


def test_the_space_that_is_shown_first_can_be_chosen() -> None:
    for dashboard in dashboards("en", "demo"):
        (variable,) = [one for one in dashboard["templating"]["list"] if one["name"] == "database"]
        assert variable["current"]["value"] == "tengerim-demo"
