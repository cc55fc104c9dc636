"""Tests of `tengerim quarantine list | show | replay`."""

import csv
import io
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

import pytest
from psycopg import sql

from connectors.database import connect, connect_async, create_database, drop_database, space_url
from connectors.kafka import delete_topics, ensure_topics
from connectors.migrations import migrate
from connectors.refusals import Refusal, write_refusals
from infra.cli import main
from infra.stack.stack import Addresses
from schemas.rules import Rule
from schemas.time import to_us
from schemas.topics import topics_of
from tests.messages import messages_of

RECEIVED = datetime(2026, 3, 1, 0, 20, tzinfo=UTC)
MESSAGE = b'{"dctu":"D1",\xff\x00\r\n'


def reading(rule: Rule, channel: str, minute: int = 20) -> Refusal:
    received = to_us(RECEIVED.replace(minute=minute))
    return Refusal(
        rule, "why, in words", received, b"{}", "D1", channel, "2026-03-01T00:00:00+00:00", "-5", "0",
        "2026-03-01T00:16:00+00:00", 7,
    )  # fmt: skip


REFUSALS = [
    reading(Rule.NEGATIVE, "E1/01", 20),
    reading(Rule.OVER_MAX, "E2/01", 21),
    reading(Rule.CONFLICT, "E3/01", 22),
    Refusal(Rule.MALFORMED, "what it is", to_us(RECEIVED.replace(minute=23)), MESSAGE),
]


@pytest.fixture(scope="module")
def own_space(stack: Addresses) -> Iterator[str]:
    """A space for all tests of this file: making one takes long."""
    space = f"t{secrets.token_hex(6)}"
    url = space_url(stack.database, space)
    create_database(url)
    with connect(url) as connection:
        migrate(connection)
    yield space
    drop_database(url)


class Ward:
    """The refusals above, by their rules, and the topic to which they are replayed."""

    def __init__(self, stack: Addresses, space: str) -> None:
        self.kafka, self.topic, self.url = stack.kafka, topics_of(space).frames, space_url(stack.database, space)

    async def fill(self) -> None:
        async with await connect_async(self.url) as connection, connection.cursor() as cursor:
            await cursor.execute("truncate quarantine, quarantine_frame")
            await write_refusals(cursor, REFUSALS)

    def number(self, rule: Rule) -> str:
        return next(str(number) for number, known in self._rows("quarantine_id, rule") if known == rule)

    def waiting(self) -> list[str]:
        """The rules of what has not been replayed."""
        return sorted(str(rule) for rule, at in self._rows("rule, replayed_at") if at is None)

    def sent(self) -> list[bytes]:
        return [message.value for message in messages_of(self.kafka, self.topic)]

    def _rows(self, columns: LiteralString) -> list[tuple[object, ...]]:
        with connect(self.url) as connection:
            return connection.execute(sql.SQL("select {} from quarantine").format(sql.SQL(columns))).fetchall()


@pytest.fixture
async def ward(stack: Addresses, own_space: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ward]:
    monkeypatch.setenv("TENGERIM_SPACE", own_space)
    ensure_topics(stack.kafka, own_space, 8)
    ward = Ward(stack, own_space)
    await ward.fill()
    yield ward
    delete_topics(stack.kafka, own_space)


@pytest.mark.stack
@pytest.mark.usefixtures("ward")
def test_a_table_shows_the_newest_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quarantine", "list"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["quarantine_id", "received_at", "rule"]
    assert [line.split()[2] for line in lines] == ["MALFORMED", "CONFLICT", "OVER_MAX", "NEGATIVE"]
    assert lines[3].split()[3:7] == ["D1", "E1/01", "2026-03-01T00:00:00+00:00", "-5"]
    assert lines[3].rstrip().endswith("why, in words")


@pytest.mark.stack
def test_csv_has_every_column(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quarantine", "list", "--format", "csv", "--rule", "NEGATIVE"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row == {
        "quarantine_id": ward.number(Rule.NEGATIVE),
        "received_at": "2026-03-01T00:20:00Z",
        "rule": "NEGATIVE",
        "dctu": "D1",
        "channel": "E1/01",
        "start": "2026-03-01T00:00:00+00:00",
        "wh": "-5",
        "status": "0",
        "sent_at": "2026-03-01T00:16:00+00:00",
        "seq": "7",
        "replayed_at": "",
        "detail": "why, in words",
    }


@pytest.mark.stack
def test_json_keeps_numbers_and_nulls(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quarantine", "list", "--format", "json", "--rule", "MALFORMED"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["quarantine_id"] == int(ward.number(Rule.MALFORMED))
    assert (row["dctu"], row["seq"], row["replayed_at"]) == (None, None, None)


@pytest.mark.stack
@pytest.mark.usefixtures("ward")
@pytest.mark.parametrize(
    ("options", "rules"),
    [
        (["--dctu", "D1"], ["CONFLICT", "OVER_MAX", "NEGATIVE"]),
        (["--limit", "2"], ["MALFORMED", "CONFLICT"]),
        (["--from", "2026-03-01T05:22+05:00"], ["MALFORMED", "CONFLICT"]),
        (["--to", "2026-03-01T00:21Z"], ["NEGATIVE"]),
        (["--from", "2026-03-01T00:21Z", "--to", "2026-03-01T00:23Z", "--rule", "OVER_MAX"], ["OVER_MAX"]),
        (["--dctu", "D2"], []),
    ],
)
def test_options_narrow_the_list(options: list[str], rules: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quarantine", "list", "--format", "json", *options]) == 0
    assert [row["rule"] for row in json.loads(capsys.readouterr().out)] == rules


@pytest.mark.stack
def test_a_message_is_shown_byte_for_byte(ward: Ward, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["quarantine", "show", ward.number(Rule.MALFORMED)]) == 0
    assert capfdbinary.readouterr().out == MESSAGE


@pytest.mark.stack
def test_all_is_replayed_but_conflicts(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quarantine", "replay", "--all"]) == 0
    assert capsys.readouterr().out == (
        "Sent again: 2 readings and 1 whole message; 1 CONFLICT left alone, both values are kept already.\n"
    )
    assert MESSAGE in ward.sent()
    assert len(ward.sent()) == 2
    assert ward.waiting() == ["CONFLICT"]


@pytest.mark.stack
def test_a_rule_is_replayed_once(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quarantine", "replay", "--rule", "OVER_MAX", "--dctu", "D1"]) == 0
    assert main(["quarantine", "replay", "--rule", "OVER_MAX"]) == 0
    assert capsys.readouterr().out == "Sent again: 1 reading.\nNothing to send again.\n"
    assert ward.waiting() == ["CONFLICT", "MALFORMED", "NEGATIVE"]


@pytest.mark.stack
def test_numbers_are_replayed(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quarantine", "replay", ward.number(Rule.NEGATIVE), ward.number(Rule.MALFORMED)]) == 0
    assert capsys.readouterr().out == "Sent again: 1 reading and 1 whole message.\n"
    assert ward.waiting() == ["CONFLICT", "OVER_MAX"]


@pytest.mark.stack
def test_a_mended_message_is_sent_in_place(ward: Ward, tmp_path: Path) -> None:
    mended = b'{"dctu":"D1","seq":7,"sent_at":"2026-03-01T00:16:00Z","slices":[]}'
    (tmp_path / "mended.json").write_bytes(mended)
    number = ward.number(Rule.MALFORMED)
    assert main(["quarantine", "replay", number, "--frame", str(tmp_path / "mended.json")]) == 0
    assert ward.sent() == [mended]
    assert ward.waiting() == ["CONFLICT", "NEGATIVE", "OVER_MAX"]


@pytest.mark.stack
@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["show", "999999"], "nothing stands in quarantine under 999999; see `tengerim quarantine list`"),
        (["replay", "999998", "999999"], "nothing stands in quarantine under 999998, 999999;"),
        (["replay", "1", "--frame", "{tmp}/none.json"], "{tmp}/none.json cannot be read: No such file or directory"),
        (["replay", "1", "--frame", "{tmp}/bad.json"], "the mended message is not a frame (as a whole: Invalid JSON"),
    ],
)
def test_what_cannot_be_done_is_told(
    ward: Ward, tmp_path: Path, words: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.json").write_text("{")
    assert main(["quarantine", *(word.format(tmp=tmp_path) for word in words)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("tengerim: " + problem.format(tmp=tmp_path))
    assert ward.sent() == []


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["replay"], "say what to replay: numbers, or --rule or --dctu or both, or --all"),
        (["replay", "1", "--all"], "say what to replay"),
        (["replay", "1", "--rule", "GRID"], "say what to replay"),
        (["replay", "--all", "--dctu", "D1"], "say what to replay"),
        (["replay", "--frame", "x.json"], "--frame mends one message"),
        (["replay", "1", "2", "--frame", "x.json"], "--frame mends one message"),
        (["replay", "--all", "--frame", "x.json"], "--frame mends one message"),
        (["replay", "one"], "invalid value"),
        (["replay", "--rule", "BORING"], 'invalid value "BORING" for --rule; choose from: "MALFORMED", "UNKNOWN"'),
        (["list", "--limit", "0"], 'invalid value "0" for --limit'),
        (["list", "--format", "xml"], 'invalid value "xml" for --format'),
        (["list", "--from", "yesterday"], "--from 'yesterday' is not an instant"),
        (["list", "--to", "1.3.2026"], "--to '1.3.2026' is not an instant"),
        (["show"], 'command "quarantine show" parameter'),
    ],
)
def test_what_is_not_clear_is_refused_before_anything_is_asked(
    words: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quarantine", *words]) == 2
    assert problem in capsys.readouterr().err


@pytest.mark.stack
def test_a_space_that_was_never_used_has_no_quarantine(
    stack: Addresses, space: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENGERIM_SPACE", space)
    assert main(["quarantine", "list"]) == 2
    assert capsys.readouterr().err.startswith(f"tengerim: there is no database tengerim_{space}")
    create_database(space_url(stack.database, space))
    try:
        assert main(["quarantine", "list"]) == 2
        assert f"space {space} has no tables yet" in capsys.readouterr().err
    finally:
        drop_database(space_url(stack.database, space))
