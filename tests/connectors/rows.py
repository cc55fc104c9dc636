"""Rows of the archive written by hand, of the small power system of tests.property.world."""

from typing import Any

import psycopg

from tests.property.world import minute


def balance(
    connection: psycopg.Connection,
    kind: str,
    node: str,
    start: float,
    present: int = 1,
    expected: int = 1,
    **given: Any,
) -> None:
    """A row of `balance`, closed, but for what is given; `start` in minutes."""
    columns = {"schedule_version": 1, "closed": True, "imbalance_wh": 0, "computed_at": minute(0), **given}
    connection.execute(
        f"insert into balance (ts, node_id, present, expected, {', '.join(columns)})"
        f" select %s, node_id, %s, %s{', %s' * len(columns)} from node where kind = %s and node = %s".encode(),
        [minute(start), present, expected, *columns.values(), kind, node],
    )
    connection.commit()


def partial(
    connection: psycopg.Connection, dctu: str, unit: str, start: int, expected: int, on_time: int, present: int
) -> None:
    """A row of `partial`, or other counts of one that is there."""
    connection.execute(
        "insert into partial (ts, unit_id, dctu_id, wh, present, expected, on_time)"
        " select %s, node_id, dctu_id, 0, %s, %s, %s from node, dctu_key where kind = 'unit' and node = %s and dctu = %s"
        " on conflict (ts, unit_id, dctu_id) do update set present = excluded.present",
        [minute(start), present, expected, on_time, unit, dctu],
    )
    connection.commit()


def reading(
    connection: psycopg.Connection, emc: str, start: int, came: float, *, code: str = "01", revisions: int = 0
) -> None:
    """A reading that is in force."""
    connection.execute(
        "insert into reading (ts, wh, sent_at, seq, received_at, channel_id, quality, rank, revision)"
        " select %s, 5, %s, 1, %s, channel_id, 4, 0, %s from channel_key where emc = %s and code = %s",
        [minute(start), minute(start), minute(came), revisions, emc, code],
    )
    connection.commit()


def revision(connection: psycopg.Connection, emc: str, start: int, came: float) -> None:
    """An earlier version of one."""
    connection.execute(
        "insert into reading_revision (ts, wh, sent_at, seq, received_at, channel_id, quality, rank)"
        " select %s, 5, %s, 0, %s, channel_id, 4, 0 from channel_key where emc = %s and code = '01'",
        [minute(start), minute(start), minute(came), emc],
    )
    connection.commit()


def gap(connection: psycopg.Connection, dctu: str, first: float, last: float, healed: float | None) -> None:
    """A gap of intervals that start in `[first, last)`."""
    connection.execute(
        "insert into gap (dctu_id, first_start, last_end, channels, declared, opened_at, healed_at)"
        " select dctu_id, %s, %s, 1, false, %s, %s from dctu_key where dctu = %s",
        [minute(first), minute(last), minute(last), None if healed is None else minute(healed), dctu],
    )
    connection.commit()
