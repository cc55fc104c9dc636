"""Tests of `tengerim ingest`."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors import producer
from connectors.database import connect, create_database, drop_database, space_url
from connectors.kafka import delete_topics, ensure_topics
from connectors.migrations import migrate
from connectors.registry import import_registry
from infra.cli import main
from infra.stack.stack import Addresses
from schemas.frame import Frame
from schemas.partitioning import partition_of
from schemas.topics import topics_of
from tests.connectors.fleet import FLEET, write_files
from tests.messages import Message, messages_of

HEADER = "emc,code,start,kwh,status"
ROWS = [
    "M1,01,2026-03-01T05:00+05:00,100.5,0",
    "M1,02,2026-03-01T05:00+05:00,,1",
    "M2,01,2026-03-01T05:00+05:00,7,1",
    "M1,01,2026-03-01T05:15+05:00,99,0",
]
SENT_AT = "2026-03-01T05:31+05:00"


class Space:
    """The space and its topic `frames`, which is not there before the first command makes it."""

    def __init__(self, folder: Path, kafka: str, space: str) -> None:
        self.folder, self.kafka, self.topic = folder, kafka, topics_of(space).frames

    def ingest(self, *rows: str, sent_at: str = SENT_AT) -> int:
        file = self.folder / "readings.csv"
        file.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
        return main(["ingest", str(file), "--sent-at", sent_at])

    def messages(self) -> list[Message]:
        return messages_of(self.kafka, self.topic)

    def frames(self) -> dict[str, Frame]:
        frames = [Frame.model_validate_json(message.value) for message in self.messages()]
        assert len({frame.dctu for frame in frames}) == len(frames)
        return {frame.dctu: frame for frame in frames}


@pytest.fixture(scope="module")
def own_space(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A space with the small fleet for all tests of this file: making one takes long."""
    space = f"t{secrets.token_hex(6)}"
    url = space_url(stack.database, space)
    create_database(url)
    with connect(url) as connection:
        migrate(connection)
        import_registry(connection, write_files(tmp_path_factory.mktemp("fleet"), FLEET), datetime.now(UTC), space)
    yield space
    drop_database(url)


@pytest.fixture
def fleet(stack: Addresses, own_space: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Space]:
    monkeypatch.setenv("TENGERIM_SPACE", own_space)
    yield Space(tmp_path, stack.kafka, own_space)
    delete_topics(stack.kafka, own_space)


@pytest.mark.stack
def test_readings_become_frames_of_their_dctus(fleet: Space, capsys: pytest.CaptureFixture[str]) -> None:
    assert fleet.ingest(*ROWS) == 0
    assert capsys.readouterr() == ("Sent 4 readings in 2 frames, sent at 2026-03-01T00:31:00+00:00.\n", "")
    frames = fleet.frames()
    assert {frame.sent_at for frame in frames.values()} == {datetime.fromisoformat(SENT_AT)}
    assert [(part.channels, part.wh, part.status) for part in frames["DF"].slices] == [
        (["M1/01", "M1/02"], [100_500, None], [0, 1]),
        (["M1/01"], [99_000], [0]),
    ]
    assert [(part.channels, part.wh, part.status) for part in frames["DG"].slices] == [(["M2/01"], [7_000], [1])]
    assert all(
        message.partition == partition_of(message.key.decode(), 8) for message in fleet.messages() if message.key
    )


@pytest.mark.stack
def test_the_same_file_sent_at_the_same_time_is_the_same_frames(fleet: Space) -> None:
    fleet.ingest(*ROWS)
    fleet.ingest(*ROWS)
    messages = fleet.messages()
    assert len(messages) == 4
    assert len(set(messages)) == 2


@pytest.mark.stack
def test_bad_rows_are_named_and_the_rest_is_sent(fleet: Space, capsys: pytest.CaptureFixture[str]) -> None:
    assert fleet.ingest(ROWS[0], "M1,01,yesterday,1,0", ROWS[1], "M1,01", ROWS[3]) == 2
    out, err = capsys.readouterr()
    assert out == "Sent 3 readings in 1 frame, sent at 2026-03-01T00:31:00+00:00.\n"
    assert err == (
        "readings.csv:3:start: 'yesterday' is not an instant such as 2026-01-01T00:15+05:00\n"
        "readings.csv:5: 2 values, but the header has 5 columns\n"
        f"tengerim: 2 errors in {fleet.folder}/readings.csv, named above; the rest was sent\n"
    )
    assert sum(len(part.channels) for part in fleet.frames()["DF"].slices) == 3


@pytest.mark.stack
def test_what_is_rounded_or_said_twice_is_told(fleet: Space, capsys: pytest.CaptureFixture[str]) -> None:
    assert fleet.ingest("M1,01,2026-03-01T00:00Z,1.00049,0", *ROWS[1:], ROWS[3]) == 0
    assert capsys.readouterr().out == (
        "Sent 4 readings in 2 frames, sent at 2026-03-01T00:31:00+00:00; 1 value finer than a watt-hour rounded; "
        "1 row said again what an earlier one says.\n"
    )


@pytest.mark.stack
def test_channels_that_nobody_knows_are_sent_for_the_quarantine(
    fleet: Space, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fleet.ingest("M9,01,2026-03-01T00:00Z,1,0", "M9,02,2026-03-01T00:00Z,1,0") == 0
    assert capsys.readouterr().err == (
        "readings.csv:2: warning: M9/01 belongs to no DCTU at that time\n"
        "readings.csv:3: warning: M9/02 belongs to no DCTU at that time\n"
        "2 of them belong to no DCTU and go to the quarantine; import the master data, then "
        "`tengerim quarantine replay --rule UNKNOWN`.\n"
    )
    assert [part.channels for part in fleet.frames()["UNKNOWN"].slices] == [["M9/01", "M9/02"]]


@pytest.mark.stack
def test_without_sent_at_it_is_now(fleet: Space) -> None:
    file = fleet.folder / "readings.csv"
    file.write_text(f"{HEADER}\n{ROWS[0]}\n")
    before = datetime.now().astimezone()
    assert main(["ingest", str(file)]) == 0
    assert before <= fleet.frames()["DF"].sent_at <= datetime.now().astimezone()


@pytest.mark.stack
def test_an_empty_file_sends_nothing(fleet: Space, capsys: pytest.CaptureFixture[str]) -> None:
    assert fleet.ingest() == 0
    assert capsys.readouterr().out.startswith("Sent 0 readings in 0 frames")
    assert fleet.messages() == []


@pytest.mark.stack
def test_a_file_that_cannot_be_read_is_named(fleet: Space, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", str(fleet.folder / "none.csv")]) == 2
    assert main(["ingest", str(fleet.folder)]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"tengerim: {fleet.folder}/none.csv: there is no such file",
        f"tengerim: {fleet.folder} is a folder; name a CSV file",
    ]


@pytest.mark.stack
def test_when_kafka_refuses_in_the_middle_the_way_on_is_told(
    fleet: Space, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(producer, "MAX_MESSAGE_BYTES", 250)
    assert fleet.ingest(*ROWS) == 2
    err = capsys.readouterr().err
    assert err.startswith("tengerim: not every reading was sent: a message of ")
    assert "ingest the same file with --sent-at 2026-03-01T00:31:00+00:00" in err
    monkeypatch.undo()


@pytest.mark.stack
def test_another_number_of_partitions_is_refused(
    fleet: Space, own_space: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ensure_topics(fleet.kafka, own_space, 3)
    assert fleet.ingest(*ROWS) == 2
    assert f"topic {own_space}.frames has 3 partitions, not 8" in capsys.readouterr().err
    monkeypatch.setenv("TENGERIM_PARTITIONS", "3")
    assert fleet.ingest(*ROWS) == 0


@pytest.mark.parametrize(
    ("moment", "problem"),
    [
        ("noon", "'noon' is not an instant such as 2026-01-01T00:15+05:00"),
        ("2026-03-01T05:00", "'2026-03-01T05:00' has no offset; write for example 2026-01-01T00:15+05:00"),
    ],
)
def test_a_bad_moment_is_refused(tmp_path: Path, moment: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", str(tmp_path / "any.csv"), "--sent-at", moment]) == 2
    assert capsys.readouterr().err == f"tengerim: --sent-at {problem}\n"


@pytest.mark.stack
@pytest.mark.parametrize(
    ("setting", "address", "problem"),
    [
        ("TENGERIM_KAFKA", "127.0.0.1:1", "no Kafka at 127.0.0.1:1"),
        ("TENGERIM_DATABASE", "postgresql://tengerim@127.0.0.1:1/tengerim", "no database at 127.0.0.1:1"),
    ],
)
def test_a_missing_server_is_told(
    fleet: Space,
    setting: str,
    address: str,
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as broken:
        broken.setenv(setting, address)
        assert fleet.ingest(*ROWS) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"tengerim: {problem}")
    assert err.count("\n") == 1
