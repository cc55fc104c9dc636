"""Tests of connectors.archive."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from connectors.archive import (
    VIEWS,
    ArchiveError,
    Column,
    Period,
    Selection,
    check,
    columns_of,
    count,
    lines,
    objects,
    reading,
    view_named,
)
from connectors.database import DatabaseError, create_database, drop_database, space_url
from infra.stack.stack import Addresses
from tests.connectors.filled import DAY, GRACE, Version, at, fill_every_view, new_archive, register, store

stack = pytest.mark.stack

ONE_DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def filled(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """Something in every view, readings of three days; nobody writes to it."""
    with new_archive(stack.database) as connection:
        fill_every_view(connection, tmp_path_factory.mktemp("filled"))
        yield connection


def texts(connection: psycopg.Connection, selection: Selection, limit: int | None = None) -> list[str]:
    """The lines as text."""
    return [line.decode().removesuffix("\n") for line in lines(connection, selection, limit)]


def of_m1(**chosen: object) -> Selection:
    """Readings of M1."""
    return Selection("reading", equal={"emc": "M1"}, **chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["gap", "v_gap"])
def test_a_view_is_named_with_or_without_its_prefix(name: str) -> None:
    assert view_named(name) == "gap"


def test_an_unknown_view_is_told_which_there_are() -> None:
    with pytest.raises(ArchiveError, match="no view 'gaps'; the views are reading, revision, balance_15m, balance_1h"):
        view_named("gaps")


@stack
def test_every_view_of_the_database_can_be_read(filled: psycopg.Connection) -> None:
    known = filled.execute("select viewname from pg_views where schemaname = 'public'").fetchall()
    assert {name for (name,) in known} == {f"v_{view}" for view in VIEWS}
    for view in VIEWS:
        number = count(filled, Selection(view))
        assert len(texts(filled, Selection(view))) == number > 0, view


@stack
def test_the_same_rows_come_as_json(filled: psycopg.Connection) -> None:
    (row,) = [json.loads(line) for line in objects(filled, Selection("alarm_event"))]
    assert (row["at"], row["annunciated"], row["detail"], row["value"]) == (
        "2026-03-02T01:00:00Z",
        True,
        {"of": 3},
        None,
    )
    (refused,) = [json.loads(line) for line in objects(filled, Selection("quarantine"))]
    assert refused["detail"] == 'two\nlines, "so"'
    gap, *_ = (json.loads(line) for line in objects(filled, Selection("gap")))
    assert (gap["late_by"], gap["healed_at"]) == (6302, "2026-03-02T03:00:01.500000Z")
    for view in VIEWS:
        assert len(list(objects(filled, Selection(view)))) == count(filled, Selection(view)), view


@stack
def test_pages_of_every_view_make_the_whole(filled: psycopg.Connection) -> None:
    for name, view in VIEWS.items():
        whole = [json.loads(line) for line in objects(filled, Selection(name))]
        paged: list[dict[str, object]] = []
        after: tuple[str, ...] | None = None
        while page := [json.loads(line) for line in objects(filled, Selection(name, after=after), 2)]:
            paged += page
            after = tuple(str(page[-1][column]) for column in view.order)
        assert paged == whole, name


@stack
def test_every_answer_for_a_moment_is_in_the_end_that_for_now(filled: psycopg.Connection) -> None:
    for view in VIEWS:
        if VIEWS[view].as_of:
            moment = Selection(view, known_at=at("72:00"), grace=GRACE)
            # The hand-filled balance has no sums of energy.
            compared = count if view.startswith("balance") else texts
            assert compared(filled, moment) == compared(filled, Selection(view)), view


@stack
def test_rows_come_in_order_over_days(filled: psycopg.Connection) -> None:
    found = texts(filled, Selection("reading"))
    assert [line.split(",")[:4] for line in found] == [
        ["M1", "01", "2026-03-01T00:00:00Z", "100"],
        ["M1", "01", "2026-03-02T00:00:00Z", "101"],
        ["M2", "01", "2026-03-02T00:00:00Z", "8"],
        ["M1", "01", "2026-03-02T00:15:00Z", "102"],
        ["M1", "01", "2026-03-02T23:45:00Z", "103"],
        ["M1", "01", "2026-03-03T00:00:00Z", "104"],
    ]


@stack
@pytest.mark.parametrize(
    ("begin", "end", "values"),
    [
        (None, None, [100, 101, 102, 103, 104]),
        (DAY, DAY + ONE_DAY, [101, 102, 103]),
        (at("00:15"), None, [102, 103, 104]),
        (None, at("00:15"), [100, 101]),
        (at("00:01"), at("00:15"), []),
        (at("96:00"), at("120:00"), []),
    ],
)
def test_a_period_takes_its_begin_and_leaves_its_end(
    filled: psycopg.Connection, begin: datetime | None, end: datetime | None, values: list[int]
) -> None:
    for known_at in (None, at("72:00")):
        selection = of_m1(period=Period(begin, end), known_at=known_at)
        assert [int(line.split(",")[3]) for line in texts(filled, selection)] == values
        assert count(filled, selection) == len(values)


@stack
def test_a_limit_counts_over_days(filled: psycopg.Connection) -> None:
    assert texts(filled, Selection("reading"), 4) == texts(filled, Selection("reading"))[:4]


@stack
def test_an_archive_without_readings_has_no_rows(archive: psycopg.Connection) -> None:
    assert texts(archive, Selection("reading")) == []
    assert texts(archive, Selection("balance_15m", known_at=DAY)) == []


@stack
def test_a_moment_is_answered_with_what_had_come(filled: psycopg.Connection) -> None:
    selection = Selection("reading", equal={"emc": "M2"}, known_at=at("26:00"))
    assert texts(filled, selection) == ["M2,01,2026-03-02T00:00:00Z,7,4,0,2026-03-03T01:00:00Z"]


@stack
def test_a_balance_of_a_moment_is_closed_as_far_as_was_watched_by_then(filled: psycopg.Connection) -> None:
    def last(known_at: datetime) -> str:
        selection = Selection("balance_15m", known_at=known_at, grace=GRACE, equal={"node_kind": "unit", "node": "UG"})
        return texts(filled, selection)[-1].split(",")[2]

    assert last(at("01:00")) == "2026-03-02T00:30:00Z"
    # Asked for later than anybody has watched.
    assert last(at("72:00")) == "2026-03-03T01:30:00Z"


@stack
@pytest.mark.parametrize(
    ("begin", "end", "number"),
    [
        ("-6:00", "19:00", 2),
        ("-5:00", "19:00", 2),
        ("-4:59", "19:00", 0),
        ("-5:00", "18:59", 2),
        ("-30:00", "-5:00", 0),
    ],
)
def test_operating_days_are_taken_by_their_start(filled: psycopg.Connection, begin: str, end: str, number: int) -> None:
    # The day of 2026-03-02 runs from 19:00 UTC of the day before.
    assert count(filled, Selection("completeness", Period(at(begin), at(end)))) == number


@stack
def test_values_are_written_for_people_and_programs_alike(filled: psycopg.Connection) -> None:
    assert texts(filled, Selection("gap", equal={"dctu": "DF"})) == [
        "DF,2026-03-02T01:00:00Z,2026-03-02T02:00:00Z,4,2026-03-02T01:20:00Z,2026-03-02T03:00:01.500000Z,6302,false"
    ]
    assert texts(filled, Selection("completeness", equal={"dctu": "DF"})) == ["DF,2026-03-02,1,1,0,0"]
    assert texts(filled, Selection("quarantine"))[0].endswith(
        ',2026-03-02T01:00:00Z,UNKNOWN,"two\nlines, ""so""","",,,,,,,'
    )


@stack
def test_columns_come_with_their_types(filled: psycopg.Connection) -> None:
    assert columns_of(filled, "gap")[-2:] == [Column("late_by", "interval"), Column("declared", "boolean")]


@stack
@pytest.mark.parametrize(
    ("selection", "problem"),
    [
        (
            Selection("completeness", known_at=DAY),
            "v_completeness is kept for now only; as it was at a moment there are",
        ),
        (Selection("node", Period(DAY, None)), "v_node has no time to choose a period by"),
        (Selection("gap", Period(DAY, DAY)), "the period is empty"),
        (Selection("gap", equal={"emc": "M1"}), "v_gap has no column emc; it has dctu, first_start"),
    ],
)
def test_what_cannot_be_chosen_is_said(filled: psycopg.Connection, selection: Selection, problem: str) -> None:
    with pytest.raises(ArchiveError, match=problem):
        check(filled, selection)


@stack
def test_what_can_be_chosen_passes(filled: psycopg.Connection) -> None:
    check(filled, Selection("balance_1h", Period(DAY, DAY + ONE_DAY), DAY, {"node_kind": "zone", "node": "W"}))


@stack
def test_a_reader_sees_one_state_and_changes_nothing(archive: psycopg.Connection, tmp_path: Path) -> None:
    register(archive, tmp_path)
    store(archive, [Version("M1/01", "00:00", 1, "00:16")])
    with reading(archive.info.dsn) as connection:
        assert count(connection, Selection("reading")) == 1
        store(archive, [Version("M1/02", "00:00", 1, "27:00")])
        assert count(connection, Selection("reading")) == 1
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("delete from reading")


@stack
def test_a_database_without_an_archive_says_how_to_make_one(stack: Addresses, space: str) -> None:
    url = space_url(stack.database, space)
    create_database(url)
    try:
        with pytest.raises(DatabaseError, match=f"tengerim_{space} has no archive yet"), reading(url):
            pass
    finally:
        drop_database(url)
