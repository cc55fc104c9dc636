"""What was refused: found, shown and sent again.

Refused readings go as a frame of the same DCTU, `sent_at` and `seq`, so the order of versions is kept; whole messages
go as the bytes that came. A refusal is marked as replayed in the transaction that sends it; what is refused again is
unmarked by the worker, which waits for that transaction. So what is marked was accepted, or is on its way.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import args_row
from pydantic import ValidationError

from connectors.producer import Producer
from connectors.readings import UNKNOWN_DCTU, Owners, read_owners
from schemas.frame import Frame, Slice
from schemas.rules import Rule

AT_ONCE = 5_000


class QuarantineError(Exception):
    """What was asked for cannot be done; the text says why."""


class Refused(NamedTuple):
    """One refusal; of a whole message, `channel` is None. The texts are as they were written."""

    quarantine_id: int
    received_at: datetime
    rule: str
    dctu: str | None
    channel: str | None
    start: str | None
    wh: str | None
    status: str | None
    sent_at: str | None
    seq: int | None
    replayed_at: datetime | None
    detail: str


class Choice(NamedTuple):
    """Which refusals are meant: those that fit every field given. `begin` and `end` (excluded) are of received_at."""

    ids: list[int] | None = None
    rule: Rule | None = None
    dctu: str | None = None
    begin: datetime | None = None
    end: datetime | None = None
    waiting: bool = False


class Replayed(NamedTuple):
    """What was sent again, and how many conflicts were left alone: both of their values are kept already."""

    readings: int = 0
    messages: int = 0
    conflicts: int = 0


_COLUMNS = ", ".join(Refused._fields)
_CHOSEN = """
    (%(ids)s::bigint[] is null or quarantine_id = any(%(ids)s)) and (%(rule)s::text is null or rule = %(rule)s)
    and (%(dctu)s::text is null or dctu = %(dctu)s) and (%(begin)s::timestamptz is null or received_at >= %(begin)s)
    and (%(end)s::timestamptz is null or received_at < %(end)s) and not (%(waiting)s and replayed_at is not null)
"""
_FIND = sql.SQL(
    f"select {_COLUMNS} from quarantine where {_CHOSEN} order by received_at desc, quarantine_id desc limit %(limit)s"
)
# Those that are locked have just been replayed, and a worker or another replay is at them.
_LOCK = sql.SQL(
    f"select {_COLUMNS} from quarantine where {_CHOSEN} and quarantine_id > %(after)s"
    " order by quarantine_id limit %(limit)s for update skip locked"
)


def find(connection: psycopg.Connection, choice: Choice, limit: int) -> list[Refused]:
    """The newest refusals that fit."""
    return _rows(connection, _FIND, choice, limit=limit)


def message_of(connection: psycopg.Connection, quarantine_id: int) -> bytes:
    """The message that a refusal came in, byte for byte. Raises QuarantineError."""
    row = connection.execute(
        "select message from quarantine_frame"
        " where digest = (select frame_digest from quarantine where quarantine_id = %s)",
        [quarantine_id],
    ).fetchone()
    if row is None:
        raise _unknown([quarantine_id])
    return bytes(row[0])


def replay(connection: psycopg.Connection, producer: Producer, choice: Choice) -> Replayed:
    """Send again what fits, in steps, each committed once Kafka has it. Raises QuarantineError and KafkaError."""
    _check_known(connection, choice.ids or ())
    owners: Owners | None = None
    done, after = Replayed(), 0
    while rows := _rows(connection, _LOCK, choice, after=after, limit=AT_ONCE):
        after = rows[-1].quarantine_id
        again = [row for row in rows if row.rule != Rule.CONFLICT]
        readings = [row for row in again if row.channel is not None]
        if owners is None and any(row.dctu == UNKNOWN_DCTU for row in readings):
            owners = read_owners(connection)
        for frame in frames_of(readings, owners):
            producer.send_frame(frame)
        messages = {message_of(connection, row.quarantine_id): row.dctu for row in again if row.channel is None}
        for message, dctu in messages.items():
            producer.send_raw(dctu or UNKNOWN_DCTU, message)
        connection.execute(
            "update quarantine set replayed_at = now() where quarantine_id = any(%s)",
            [[row.quarantine_id for row in again]],
        )
        producer.flush()
        connection.commit()
        done = Replayed(
            done.readings + len(readings), done.messages + len(messages), done.conflicts + len(rows) - len(again)
        )
    return done


def replay_mended(connection: psycopg.Connection, producer: Producer, quarantine_id: int, message: bytes) -> Replayed:
    """Send a mended message in place of the one that a refusal came in; it stands for all refusals of that one.

    Raises QuarantineError where it is not a frame, KafkaError where it did not arrive.
    """
    try:
        frame = Frame.model_validate_json(message, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "as a whole"
        raise QuarantineError(
            f"the mended message is not a frame ({place}: {first['msg']}); nothing was sent"
        ) from None
    _check_known(connection, [quarantine_id])
    connection.execute(
        "update quarantine set replayed_at = now() where rule <> 'CONFLICT'"
        " and frame_digest = (select frame_digest from quarantine where quarantine_id = %s)",
        [quarantine_id],
    )
    producer.send_raw(frame.dctu, message)
    producer.flush()
    connection.commit()
    return Replayed(messages=1)


def frames_of(readings: Iterable[Refused], owners: Owners | None = None) -> Iterator[Frame]:
    """Refused readings as the frames that they came in, less what was accepted of those.

    With `owners`, channels of which nobody knew the DCTU go by the one that they belong to now.
    """
    parts = sorted((_part(row, owners) for row in readings), key=lambda part: part[:5])
    for (dctu, sent_at, seq), of_frame in groupby(parts, key=lambda part: part[:3]):
        slices = []
        for start, of_slice in groupby(of_frame, key=lambda part: part.start):
            cells = list(of_slice)
            slices.append(
                Slice(
                    start=start,
                    channels=[cell.channel for cell in cells],
                    wh=[cell.wh for cell in cells],
                    status=[cell.status for cell in cells],
                )
            )
        yield Frame(dctu=dctu, seq=seq, sent_at=sent_at, slices=slices)


class _Part(NamedTuple):
    """A refused reading, read back from its texts; the first five fields say where in which frame it stood."""

    dctu: str
    sent_at: datetime
    seq: int
    start: datetime
    channel: str
    wh: int | None
    status: int


def _part(row: Refused, owners: Owners | None) -> _Part:
    # Of a reading, the quarantine has all of these.
    assert row.dctu is not None
    assert row.channel is not None
    assert row.start is not None
    assert row.status is not None
    assert row.sent_at is not None
    assert row.seq is not None
    start, wh = datetime.fromisoformat(row.start), int(row.wh) if row.wh is not None else None
    dctu = owners.dctu_of(row.channel, start) if owners and row.dctu == UNKNOWN_DCTU else row.dctu
    return _Part(dctu, datetime.fromisoformat(row.sent_at), row.seq, start, row.channel, wh, int(row.status))


def _rows(connection: psycopg.Connection, query: sql.SQL, choice: Choice, **values: int) -> list[Refused]:
    with connection.cursor(row_factory=args_row(Refused)) as cursor:
        return cursor.execute(query, {**choice._asdict(), **values}).fetchall()


def _check_known(connection: psycopg.Connection, ids: Sequence[int]) -> None:
    known = connection.execute("select quarantine_id from quarantine where quarantine_id = any(%s)", [list(ids)])
    if missing := sorted(set(ids) - {quarantine_id for (quarantine_id,) in known}):
        raise _unknown(missing)


def _unknown(ids: Sequence[int]) -> QuarantineError:
    return QuarantineError(
        f"nothing stands in quarantine under {', '.join(map(str, ids))}; see `tengerim quarantine list`"
    )
