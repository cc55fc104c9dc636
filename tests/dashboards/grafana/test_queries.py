"""Every SQL target of every dashboard, as Grafana sends it, asked by the role that Grafana has."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any

import psycopg
import pytest

from dashboards.grafana.build import dashboards
from schemas.time import LOCAL
from tests.dashboards.grafana.asking import Asked, Range, Value, expanded, targets

pytestmark = pytest.mark.stack

DASHBOARDS = dashboards("en")
DAYS = Range(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC))
ASKED = [asked for dashboard in DASHBOARDS for asked in targets(dashboard)]
CHOSEN: Mapping[str, Value] = {
    "kind": ("generation", "consumption", "interchange"), "node_kind": "system", "node": "system", "step": "1 hour",
    "unit": "UG", "channel": ("M1/01", "M2/01"),
}  # fmt: skip
# PostgreSQL's numbers of the types that Grafana draws: int2, int4, int8, float8, numeric.
NUMBERS = {21, 23, 20, 701, 1700}
TIMESTAMPTZ, BOOL, TEXT = 1184, 16, {25, 1043}
# Numbers that stand for words.
CODES = {("quality", "string")}


@pytest.fixture(scope="module")
def values(reader: psycopg.Connection) -> Mapping[str, Value]:
    """What stands in the variables: what is chosen, else all that there is."""
    found = dict(CHOSEN)
    for asked in ASKED:
        name = asked.panel.removeprefix("$")
        if asked.format == "variable" and name not in found:
            found[name] = tuple(value for _, value in reader.execute(expanded(asked, DAYS, found).encode()))
    return found


def ask(reader: psycopg.Connection, asked: Asked, values: Mapping[str, Value]) -> tuple[dict[str, int], list[Any]]:
    """Columns with their types, and rows."""
    cursor = reader.execute(expanded(asked, DAYS, values).encode())
    rows = cursor.fetchall()
    assert cursor.description is not None
    columns = {column.name: column.type_code for column in cursor.description}
    assert len(columns) == len(cursor.description), f"{asked}: two columns of one name"
    return columns, rows


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_a_query_answers_with_rows(reader: psycopg.Connection, values: Mapping[str, Value], asked: Asked) -> None:
    _, rows = ask(reader, asked, values)
    assert rows


@pytest.mark.parametrize("asked", [a for a in ASKED if a.format == "time_series"], ids=str)
def test_a_series_is_time_and_numbers(reader: psycopg.Connection, values: Mapping[str, Value], asked: Asked) -> None:
    columns, rows = ask(reader, asked, values)
    (first, kind), *rest = columns.items()
    assert (first, kind) == ("time", TIMESTAMPTZ)
    if "metric" in columns:
        # Exactly these three, else Grafana names the series by label and column.
        assert [name for name, _ in rest] == ["metric", "value"]
        assert columns["metric"] in TEXT
        rest = rest[1:]
    assert rest
    assert all(kind in NUMBERS for _, kind in rest), columns
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    keys = [row[:2] if "metric" in columns else row[:1] for row in rows]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("asked", [a for a in ASKED if a.format == "variable"], ids=str)
def test_a_choice_has_texts_and_values(reader: psycopg.Connection, values: Mapping[str, Value], asked: Asked) -> None:
    columns, rows = ask(reader, asked, values)
    assert list(columns) == ["__text", "__value"]
    assert all(isinstance(text, str) and isinstance(value, str) and value for text, value in rows)
    assert len({value for _, value in rows}) == len(rows)


@pytest.mark.parametrize("asked", [a for a in ASKED if a.format == "annotation"], ids=str)
def test_a_mark_lasts_from_the_call_to_its_end(
    reader: psycopg.Connection, values: Mapping[str, Value], asked: Asked
) -> None:
    columns, rows = ask(reader, asked, values)
    assert list(columns) == ["time", "timeend", "text", "tags"]
    assert (columns["time"], columns["timeend"]) == (TIMESTAMPTZ, TIMESTAMPTZ)
    assert rows[-1] == (
        datetime(2026, 3, 2, 2, tzinfo=UTC), datetime(2026, 3, 2, 2, 20, tzinfo=UTC), "Sudden loss of generation", "high,TRIP",
    )  # fmt: skip


def one(name: str) -> Asked:
    """The target of this name."""
    (found,) = [asked for asked in ASKED if str(asked) == name]
    return found


def test_power_is_mean_mw(reader: psycopg.Connection, values: Mapping[str, Value]) -> None:
    _, rows = ask(reader, one("control-room/Generation/A"), values)
    # 1,000,000 and 900,000 Wh of a quarter-hour.
    assert [tuple(map(float, row)) for row in rows] == [(4.0, 3.6, -0.4)]


def test_the_limits_of_a_unit_lie_about_its_plan_in_mw(reader: psycopg.Connection, values: Mapping[str, Value]) -> None:
    _, rows = ask(reader, one("unit/Plan, limits, fact/A"), values)
    # The greatest of 14 MW, 5 % of 4 MW, 1 % of 100 MW.
    assert {tuple(round(mw, 6) for mw in row[1:]) for row in rows} == {(-10.0, 18.0, 4.0, 3.6)}


@pytest.mark.parametrize(("step", "mwh"), [("15 minutes", 1.0), ("1 hour", 4.0), ("1 day", 96.0)])
def test_energy_is_mwh_of_a_step(
    reader: psycopg.Connection, values: Mapping[str, Value], step: str, mwh: float
) -> None:
    _, rows = ask(reader, one("archive/Generation/A"), {**values, "step": step})
    assert max(row[1] for row in rows) == mwh


@pytest.mark.parametrize("step", ["1 day", "1 month"])
def test_days_and_months_begin_at_the_markets_midnight(
    reader: psycopg.Connection, values: Mapping[str, Value], step: str
) -> None:
    _, rows = ask(reader, one("archive/Generation/A"), {**values, "step": step})
    assert {row[0].astimezone(LOCAL).time() for row in rows} == {time()}


def test_a_place_that_is_chosen_leaves_what_is_there(reader: psycopg.Connection, values: Mapping[str, Value]) -> None:
    def units(**chosen: Value) -> set[str]:
        _, rows = ask(reader, one("control-room/Farthest from the plan/A"), {**values, **chosen})
        return {row[1] for row in rows}

    assert units() == {"UG", "UC", "UE"}
    assert units(zone=("W",)) == {"UC", "UE"}
    assert units(zone=("W",), kind=("interchange",)) == {"UE"}
    assert units(entity=("K",)) == {"UG"}
    assert units(region=("–",)) == set()


@pytest.mark.parametrize(
    "panel",
    [
        pytest.param(panel, id=f"{dashboard['uid'].removeprefix('tengerim-')}/{panel['title']}")
        for dashboard in DASHBOARDS
        for panel in dashboard["panels"]
        if "rawSql" in panel["targets"][0]
    ],
)
def test_every_column_has_a_name_in_the_readers_language_and_no_name_is_of_nothing(
    reader: psycopg.Connection, values: Mapping[str, Value], panel: Mapping[str, Any]
) -> None:
    columns: set[str] = set()
    for asked in ASKED:
        if asked.sql in [target["rawSql"] for target in panel["targets"]]:
            columns |= ask(reader, asked, values)[0].keys()
    named = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
    if "metric" not in columns:
        # Time has no heading in a chart.
        assert named == columns - {"time"}


@pytest.mark.parametrize(
    "panel",
    [
        pytest.param(panel, id=f"{dashboard['uid'].removeprefix('tengerim-')}/{panel['title']}")
        for dashboard in DASHBOARDS
        for panel in dashboard["panels"]
        if panel["type"] == "table" and "rawSql" in panel["targets"][0]
    ],
)
def test_texts_are_shown_as_texts_and_numbers_as_numbers(
    reader: psycopg.Connection, values: Mapping[str, Value], panel: Mapping[str, Any]
) -> None:
    units = {
        override["matcher"]["options"]: prop["value"]
        for override in panel["fieldConfig"]["overrides"]
        for prop in override["properties"]
        if prop["id"] == "unit"
    }
    (asked,) = [asked for asked in ASKED if asked.sql == panel["targets"][0]["rawSql"]]
    for name, kind in ask(reader, asked, values)[0].items():
        unit = units.get(name, panel["fieldConfig"]["defaults"]["unit"])
        assert (unit == "string") == (kind in TEXT | {BOOL}) or (name, unit) in CODES, name
        assert (unit.startswith("time:")) == (kind == TIMESTAMPTZ), name


@pytest.mark.parametrize("asked", [a for a in ASKED if "${" in a.sql], ids=str)
def test_what_somebody_writes_into_a_variable_stays_a_text(
    reader: psycopg.Connection, values: Mapping[str, Value], asked: Asked
) -> None:
    evil = "'; select pg_sleep(60) --"
    given = {name: evil if isinstance(value, str) else (evil, "ok'") for name, value in values.items()}
    # A step must be one; that it is refused shows that it was read as one text.
    if "${step:" in asked.sql:
        with pytest.raises(psycopg.errors.InvalidDatetimeFormat):
            ask(reader, asked, given)
    else:
        ask(reader, asked, given)
