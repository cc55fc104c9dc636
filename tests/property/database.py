"""Collect and balance on a real TimescaleDB, given messages in the test's order; between them stands the outbox."""

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from connectors.database import connect, connect_async, create_database, drop_database, space_url
from connectors.migrations import migrate
from connectors.registry import import_registry
from connectors.schedule import PlannedHour, import_schedule
from schemas.time import slot_of
from schemas.topics import topics_of
from streams.balance import PATIENCE_S, Balancer
from streams.collect import Collector
from tests.property.core import RINGS, rules_with
from tests.property.histories import GRACE_MINUTES, Arriving, History, Planned, batches
from tests.property.oracle import BalanceRow, Refused, Tables, Version
from tests.property.world import BASE, CHANGES, PARTITIONS, START, Import, minute

GRACE = timedelta(minutes=GRACE_MINUTES)
_FILLED = (
    "reading", "reading_revision", "declared_missing", "partial", "balance", "node_now", "gap", "quarantine",
    "quarantine_frame", "ingest_offset", "tally", "outbox", "recompute", "daily_schedule",
    "notification", "alarm_event", "alarm_command", "alarm_rules", "alarm",
)  # fmt: skip
_VERSIONED = ("entity_version", "facility_version", "unit_version", "dctu_version", "channel_version")


@contextmanager
def temporary(server: str, folder: Path) -> Iterator["Database"]:
    """A new database with the first master data, gone at the end."""
    url = space_url(server, f"t{secrets.token_hex(6)}")
    create_database(url)
    try:
        with closing(connect(url)) as connection:
            migrate(connection)
            yield Database(connection, url, folder)
    finally:
        drop_database(url)


class Agents:
    """One worker of each kind; assigned anew, it knows nothing but what the database says."""

    def __init__(self, url: str, random: Random, rings: tuple[int, ...]) -> None:
        self._url = url
        self._random = random
        self._rings = rings
        self._offset = 0
        self.forwarded: list[tuple[int, bytes]] = []
        self._make()

    def _make(self) -> None:
        rules = rules_with(self._random.choice(self._rings))
        self.collector = Collector(topics_of("test"), rules, self._connect)
        self._balancer = Balancer(topics_of("test"), rules, self._connect, self._random.choice((0.0, PATIENCE_S)))

    async def start(self) -> None:
        """Own everything, and remember nothing."""
        self._make()
        await self.collector.assign("log", range(PARTITIONS))
        self._offset = (await self._balancer.assign("log", [0]))[0]

    async def stop(self) -> None:
        """Let go."""
        await self.collector.close()
        await self._balancer.close()

    async def _connect(self) -> psycopg.AsyncConnection:
        return await connect_async(self._url)

    async def send_on(self, connection: psycopg.Connection) -> bool:
        """Bring changes to balance, some twice, and note frames that were forwarded; False when nothing waits."""
        waiting = connection.execute("delete from outbox returning outbox_id, topic, partition, message").fetchall()
        connection.commit()
        topics = topics_of("test")
        messages = []
        for _, topic, partition, message in sorted(waiting):
            if topic == topics.frames:
                self.forwarded.append((partition, message))
            elif topic == topics.changes:
                messages += [message] * self._random.choice((1, 1, 1, 2))
        if messages:
            await self._balancer.process([(0, self._offset + i, message) for i, message in enumerate(messages)])
            self._offset += len(messages)
        return bool(waiting)


class Database:
    """One database with the first master data, used again and again."""

    def __init__(self, connection: psycopg.Connection, url: str, folder: Path) -> None:
        """`connection` is to the new, empty database of `url`; `folder` is for files of master data."""
        self.connection = connection
        self.url = url
        self._folder = folder
        for one in BASE:
            self.import_registry(one)
        self._base = self._one("select version from registry_version")

    def _one(self, query: str) -> Any:
        row = self.connection.execute(query.encode()).fetchone()
        return None if row is None else row[0]

    def reset(self) -> None:
        """Back to nothing but the first master data."""
        run = self.connection.execute
        for table in _FILLED:
            run(f"delete from {table}".encode())
        for table in (*_VERSIONED, "registry_import"):
            run(f"delete from {table} where version > {self._base}".encode())
        run("delete from node where registered_at > %s", [minute(BASE[-1].received)])
        run("update registry_version set version = %s", [self._base])
        run("select refresh_registry()")
        self.connection.commit()

    def import_registry(self, one: Import) -> None:
        """Master data, from files."""
        import_registry(self.connection, one.write(self._folder), minute(one.received), "test")

    def import_plan(self, plan: Planned) -> None:
        """One hour of the schedule."""
        hour = PlannedHour(plan.unit, START + timedelta(hours=plan.hour), plan.version, plan.wh)
        import_schedule(self.connection, [hour], minute(30), "test")

    async def run(
        self,
        history: History,
        streams: dict[int, list[Arriving]],
        random: Random,
        *,
        rings: tuple[int, ...] = RINGS,
        url: str = "",
    ) -> None:
        """Process a history in one order, cut at random; imports and restarts come somewhere between.

        What is forwarded is added to the streams. `url`: another way to the database, for the agents.
        """
        agents = Agents(url or self.url, random, rings)
        try:
            await agents.start()
            await self._run(agents, history, streams, random)
        finally:
            await agents.stop()

    async def _run(self, agents: Agents, history: History, streams: dict[int, list[Arriving]], random: Random) -> None:
        found = batches(streams, random)
        plans = [(random.randrange(len(found) + 1), plan) for plan in history.plans]
        places = sorted(random.randrange(len(found) + 1) for _ in history.changes)
        changes = list(zip(places, history.changes, strict=True))
        for number in range(len(found) + 1):
            for plan in [plan for at, plan in plans if at == number]:
                self.import_plan(plan)
            for change in [change for at, change in changes if at == number]:
                self.import_registry(CHANGES[change])
            if random.random() < 0.1:
                await agents.stop()
                await agents.start()
            if number < len(found):
                await agents.collector.process(found[number].messages)
            if random.random() < 0.4:
                await agents.send_on(self.connection)
        known = {arriving.message: arriving for of_partition in streams.values() for arriving in of_partition}
        while await agents.send_on(self.connection) or agents.forwarded:
            for partition, message in agents.forwarded:
                await agents.collector.process([(partition, len(streams[partition]), message)])
                streams[partition].append(known[message])
            agents.forwarded = []

    def tables(self) -> Tables:
        """The end state, by codes, without arrival columns."""
        return Tables(
            dict(self._versions("reading")),
            self._revisions(),
            frozenset(
                (channel, slot_of(ts))
                for channel, ts in self._rows(
                    "select emc || '/' || code, ts from declared_missing join channel_key using (channel_id)"
                )
            ),
            self._quarantine(),
            {
                (slot_of(ts), dctu, unit): tuple(sums)
                for ts, dctu, unit, *sums in self._rows(
                    "select ts, dctu, coalesce(node, ''), wh, present, expected from partial"
                    " join dctu_key using (dctu_id) left join node on node_id = unit_id where present > 0"
                )
            },
            {
                (kind, node, slot_of(ts)): BalanceRow(*row)
                for kind, node, ts, *row in self._rows(
                    "select kind, node, ts, present, expected, schedule_version, closed, gen_plan_wh, gen_fact_wh,"
                    " cons_plan_wh, cons_fact_wh, exch_plan_wh, exch_fact_wh, imbalance_wh"
                    " from balance join node using (node_id)"
                )
            },
        )

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        rows = self.connection.execute(query.encode()).fetchall()
        self.connection.commit()
        return rows

    def _versions(self, table: str) -> list[tuple[tuple[str, int], Version]]:
        return [
            ((channel, slot_of(ts)), Version(rank, _minutes(sent_at), *rest))
            for channel, ts, rank, sent_at, *rest in self._rows(
                "select emc || '/' || code, ts, rank, sent_at, seq, quality, wh"
                f" from {table} join channel_key using (channel_id)"
            )
        ]

    def _revisions(self) -> dict[tuple[str, int], frozenset[Version]]:
        found: dict[tuple[str, int], list[Version]] = {}
        for cell, version in self._versions("reading_revision"):
            found.setdefault(cell, []).append(version)
        counted = self._rows(
            "select emc || '/' || code, ts, revision from reading join channel_key using (channel_id) where revision > 0"
        )
        assert {(channel, slot_of(ts)): n for channel, ts, n in counted} == {c: len(v) for c, v in found.items()}
        return {cell: frozenset(versions) for cell, versions in found.items()}

    def _quarantine(self) -> frozenset[Refused]:
        rows = self._rows(
            "select rule, encode(digest, 'hex'), dctu, channel, start, wh, status, sent_at, seq from quarantine"
        )
        refused = [(rule, digest) if channel is None else (rule, *map(str, (dctu, channel, *rest)))
                   for rule, digest, dctu, channel, *rest in rows]  # fmt: skip
        assert len(set(refused)) == len(refused), "one refusal stands twice"
        return frozenset(refused)

    def gaps(self) -> set[tuple[Any, ...]]:
        """DCTU, first and last slot, channels, and the minutes of opening and healing."""
        return {
            (dctu, slot_of(first), slot_of(end) - 1, channels, _minutes(opened), healed and _minutes(healed))
            for dctu, first, end, channels, opened, healed in self._rows(
                "select dctu, first_start, last_end, channels, opened_at, healed_at from v_gap"
            )
        }

    def view_beside_definition(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """`v_balance_15m`, and what the archive says of it from readings, schedules and master data alone."""
        columns = (
            "node_kind, node, ts, gen_plan_wh, gen_fact_wh, cons_plan_wh, cons_fact_wh, exch_plan_wh, exch_fact_wh,"
            " imbalance_wh, completeness, closed, schedule_version"
        )
        by_definition = self.connection.execute(
            f"select {columns} from balance_15m_as_of('infinity', %s, %s, %s, watermark())".encode(),
            [minute(-24 * 60), minute(24 * 60), GRACE],
        ).fetchall()
        return sorted(self._rows(f"select {columns} from v_balance_15m"), key=repr), sorted(by_definition, key=repr)


def _minutes(at: datetime) -> int:
    return (at - START) // timedelta(minutes=1)
