"""One campaign: a space of its own, a fleet, a load, workers; in the end the ledger must balance."""

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connectors.database import connect
from connectors.drain import wait_until_drained
from connectors.registry import import_registry
from connectors.schedule import PlannedHour, import_schedule
from infra.space import prepare, remove
from schemas.settings import Settings
from schemas.topics import topics_of
from tests.chaos.fleet import Fleet
from tests.chaos.ledger import Verdict
from tests.chaos.load import Load
from tests.chaos.log import read_log
from tests.chaos.oracle import Oracle
from tests.chaos.sources import STEP_S, Sources
from tests.chaos.verdict import judge, judge_log
from tests.chaos.worker import WAIT_S, Worker

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
FIRST_SLOT = int(FIRST.timestamp()) // STEP_S
PLANNED_HOURS = 24 * 14
DRAIN_S = 900.0


@dataclass(slots=True)
class Campaign:
    """A space under load."""

    settings: Settings
    folder: Path
    url: str
    fleet: Fleet
    load: Load
    oracle: Oracle
    plan: dict[tuple[str, int], dict[int, int]]
    random: random.Random
    kills: int = 0
    failpoints: int = 0
    fenced: int = 0
    lost: int = 0
    wrong: int = 0
    # Whether time passes for the alarms, so that something must have alarmed.
    alarmed: bool = True
    logs: list[dict[int, list[bytes]]] = field(default_factory=lambda: [{}])
    _workers: list[Worker] = field(default_factory=list)
    _taken: dict[int, int] = field(default_factory=dict)

    def worker(self, *agents: str, failpoint: str = "", database: str = "") -> Worker:
        """Start a worker of this space; `database` is another way to the same database."""
        settings = self.settings.model_copy(update={"database": database} if database else {})
        log = self.folder / f"worker-{len(self._workers) + 1}.log"
        self._workers.append(Worker(settings, log, agents, failpoint))
        return self._workers[-1]

    def close(self) -> None:
        """End the load and the workers."""
        self.load.close()
        for worker in self._workers:
            worker.close()

    def import_plan(self, version: int, units: list[str]) -> None:
        """A version of the daily schedule: some Wh of every hour."""
        rows = []
        for unit in units:
            for hour in range(PLANNED_HOURS):
                wh = self.random.randrange(10**9)
                self.plan.setdefault((unit, FIRST_SLOT + 4 * hour), {})[version] = wh
                rows.append(PlannedHour(unit, FIRST + timedelta(hours=hour), version, wh))
        with closing(connect(self.url)) as connection:
            import_schedule(connection, rows, FIRST, self.settings.space)

    def processed(self) -> int:
        """How many messages collect has processed."""
        with closing(connect(self.url)) as connection:
            row = connection.execute(
                "select coalesce(sum(n), 0)::bigint from tally where outcome in ('frames', 'ticks', 'forwarded')"
            ).fetchone()
        assert row is not None
        return int(row[0])

    def await_progress(self, messages: int = 300) -> None:
        """Wait until that many more messages have been processed: the worker is in full work."""
        goal, until = self.processed() + messages, time.monotonic() + WAIT_S
        while self.processed() < goal:
            assert time.monotonic() < until, f"nothing is processed any more; see {self.folder}"
            time.sleep(0.2)

    def work_on(self, shortest_s: float = 0.0, longest_s: float = 2.0) -> None:
        """Let everything go on for a moment, so that what follows hits anything."""
        time.sleep(self.random.uniform(shortest_s, longest_s))

    def cut_connections(self) -> int:
        """End every connection of the workers to the database."""
        with closing(connect(self.url)) as connection:
            return len(
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                    " and backend_type = 'client backend'"
                ).fetchall()
            )

    def drain(self) -> None:
        """Let everything that was sent be processed to its end."""
        self.load.pause()
        wait_until_drained(self.settings.kafka, self.url, self.settings.space, lambda _: None, DRAIN_S, WAIT_S)

    def settle(self) -> None:
        """Drain, then hold every table against what the log says; fail with everything that is wrong."""
        self.drain()
        self.take_log()
        self.judge()

    def take_log(self, upto: dict[int, int] | None = None) -> None:
        """Give the oracle what the log has more than last time; of a log that will be lost, what was processed."""
        begin = {partition: self._taken.get(partition, 0) for partition in range(self.settings.partitions)}
        messages = read_log(self.settings.kafka, topics_of(self.settings.space).frames, begin)
        for partition, found in messages.items():
            self.logs[-1].setdefault(partition, []).extend(found)
            processed = found if upto is None else found[: upto.get(partition, 0) - begin[partition]]
            for message in processed:
                self.oracle.take(partition, message)
            self._taken[partition] = begin[partition] + len(found)

    def begin_log(self, kept: Mapping[int, int] | None = None) -> None:
        """The broker has lost its log and there is a new one; `kept`: so many messages of each partition it still has."""
        self._taken = dict(kept or {})
        self.load.begin_log()
        self.logs.append({partition: self.logs[-1][partition][:end] for partition, end in self._taken.items()})

    def judge(self) -> None:
        """Hold every table against the oracle."""
        verdict = Verdict()
        judge_log(verdict, self.load.entries, self.logs)
        with closing(connect(self.url)) as connection:
            judge(verdict, connection, self.oracle, self.plan, alarmed=self.alarmed)
        self.lost += verdict.lost
        self.wrong += verdict.wrong
        assert not verdict.words, "\n".join([f"lost {verdict.lost}, wrong {verdict.wrong}", *verdict.words])


@contextmanager
def campaign(
    settings: Settings, folder: Path, size: int = 48, pace_s: float = 0.4, seed: int = 1
) -> Iterator[Campaign]:
    """A space made anew with master data and a plan; removed in the end.

    48 DCTUs of 52 channels that report every 0.4 s make 6,200 readings a second.
    """
    folder.mkdir(parents=True, exist_ok=True)
    url = prepare(settings, lambda _: None)
    fleet = Fleet(size)
    with closing(connect(url)) as connection:
        import_registry(connection, fleet.write_files(folder / "registry"), FIRST, settings.space)
    load = Load(
        settings.kafka, topics_of(settings.space).frames, settings.partitions, Sources(fleet, seed), FIRST_SLOT,
        folder / "ledger.jsonl", pace_s,
    )  # fmt: skip
    oracle = Oracle(fleet, settings.partitions, FIRST_SLOT, settings.grace_s * 1_000_000, settings.ahead_s * 1_000_000)
    made = Campaign(settings, folder, url, fleet, load, oracle, {}, random.Random(seed))
    made.import_plan(1, list(fleet.units))
    try:
        yield made
    finally:
        made.close()
        remove(settings)
