"""Notification through a real Alertmanager, in relative time: at t it happens, between t1 and t2 somebody is told."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.book import Basis, Key
from alerts.life import Event, Kind
from alerts.master import SHIPPED, parse
from alerts.timing import Timing
from connectors.database import connect, connect_async
from connectors.outbox import send_messages
from infra.stack.stack import Addresses
from schemas.alarm import AlarmType, Priority, Unit
from schemas.event import TimeReached
from schemas.settings import Settings
from schemas.time import slot_of
from schemas.topics import topics_of
from streams.alarm_desk import Desk
from tests.running import Running, running_worker
from tests.scenario.pipeline import made, settings_of
from tests.scenario.receivers import INTERVAL_S, WAIT_S, Ears, OwnAlertmanager, listening, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.slow]

# What the machine may be late by, at most.
LATE_S = 15.0
QUIET_S = 3.0
NOON = datetime(2026, 3, 2, 7, tzinfo=UTC)
TRIP = Key(AlarmType.TRIP, "facility", "PLANT")


def deviation(code: str) -> Key:
    return Key(AlarmType.DEV_GEN, "facility", code)


@dataclass
class Room:
    """A control room: an agent `alarm` at work, an Alertmanager, and its ears."""

    settings: Settings
    url: str
    ears: Ears
    alertmanager: OwnAlertmanager
    rules: Path
    log: Path

    def happen(self, *events: tuple[Key, Event], now: datetime = NOON) -> float:
        """Let things happen to alarms, in one transaction as an agent's; gives the moment."""

        async def transaction() -> None:
            connection = await connect_async(self.url)
            desk = Desk(parse(self.rules.read_text(encoding="utf-8"), "rules"), self.settings.public_url)
            async with connection, connection.transaction(), connection.cursor() as cursor:
                book = await desk.open(cursor)
                for key, event in events:
                    instance = book.open(key, now)
                    if event.kind is Kind.RAISE:
                        instance.timing = Timing(level=1, since=slot_of(now), seen=slot_of(now))
                        instance.basis = Basis(Unit.W, -1_760_000_000, 200_000_000, slot_of(now))
                    book.happen(instance, event, now)
                await desk.close(cursor, book)

        asyncio.run(transaction())
        return time.monotonic()

    def reach(self, now: datetime) -> None:
        """Let the stream's time pass, as balance tells of it."""
        with closing(connect(self.url)) as connection, connection.transaction():
            connection.execute(
                "insert into ingest_offset (agent, topic, partition, topic_id, next_off, epoch, watched_until)"
                " values ('balance', %s, 0, '', 0, 0, %s)"
                " on conflict (agent, topic, partition) do update set watched_until = excluded.watched_until",
                [topics_of(self.settings.space).changes, now],
            )
        topic = topics_of(self.settings.space).events
        message = TimeReached(until=now).model_dump_json().encode()
        send_messages(self.settings.kafka, [(topic, 0, None, message)])

    def one(self, query: str) -> object:
        """One value of the database."""
        with closing(connect(self.url)) as connection:
            row = connection.execute(query.encode()).fetchone()
            return row[0] if row else None

    @contextmanager
    def working(self) -> Iterator[Running]:
        """The agent, as a worker runs it."""
        settings = self.settings
        environment = {f"TENGERIM_{name.upper()}": str(value) for name, value in settings.model_dump().items()}
        with running_worker(environment, self.log, "alarm") as running:
            yield running


def kill(running: Running) -> None:
    """As a power cut would; the agent dies with its supervisor."""
    os.killpg(running.process.pid, signal.SIGKILL)
    running.process.wait()


def raised(priority: Priority = Priority.HIGH) -> Event:
    return Event(Kind.RAISE, priority)


@pytest.fixture
def room(home: Path, stack: Addresses, space: str, tmp_path: Path) -> Iterator[Room]:
    rules = tmp_path / "rules.yml"
    rules.write_text(SHIPPED.read_text(encoding="utf-8").replace("seconds: 120", "seconds: 2"), encoding="utf-8")
    folder = home / "conf" / f"test-{space}"
    with ExitStack() as open_:
        ears, webhook, smtp = open_.enter_context(listening())
        told = Settings(
            webhook=webhook, smtp=smtp, smtp_tls=False, mail_from="tengerim@test", mail_to="operator@test",
            urgent_mail_to="chief@test", zone_mail_to="NORTH=north@test", language="ru",
        )  # fmt: skip
        open_.callback(shutil.rmtree, folder, ignore_errors=True)
        own = OwnAlertmanager(home, folder, told)
        own.start()
        open_.callback(own.stop)
        settings = settings_of(home, stack, space, 2).model_copy(
            update={"alertmanager": own.address, "alarm_rules": str(rules), "public_url": "http://room.test"}
        )
        url = open_.enter_context(made(settings))
        yield Room(settings, url, ears, own, rules, tmp_path / "worker.log")


def test_a_trip_is_told_at_once_by_every_way_and_its_end_too(room: Room) -> None:
    with room.working():
        begun = room.happen((TRIP, raised()))
        wait_until(lambda: room.ears.of("TRIP") and room.ears.mails, LATE_S)
        (heard,) = room.ears.of("TRIP")
        (alert,) = heard.alerts
        assert heard.at - begun < LATE_S
        assert heard.receiver == "high"
        assert alert["annotations"]["link"] == f"http://room.test/alarms/{alert['labels']['alarm_id']}"
        (mail,) = room.ears.mails
        assert mail.to == ["operator@test"]
        assert mail.subject == "[HIGH] Внезапная потеря мощности: PLANT (-1,760 МВт, предел 200 МВт)"
        assert "Что делать: Свяжитесь со станцией" in mail.text
        assert "Начало: 02.03.2026 12:00" in mail.text
        # Latched, it stands although its condition has passed.
        room.happen((TRIP, Event(Kind.CLEAR)), now=NOON + timedelta(minutes=15))
        time.sleep(QUIET_S)
        assert not room.ears.of("TRIP", "resolved")
        room.happen((TRIP, Event(Kind.ACKNOWLEDGE)), (TRIP, Event(Kind.RESET)), now=NOON + timedelta(minutes=20))
        wait_until(lambda: room.ears.of("TRIP", "resolved") and len(room.ears.mails) == 2, LATE_S)
        assert room.ears.mails[1].subject.startswith("[OK] ")


def test_what_belongs_together_is_one_message(room: Room) -> None:
    with room.working():
        begun = room.happen(*((deviation(f"P{number}"), raised(Priority.LOW)) for number in range(5)))
        wait_until(lambda: room.ears.of("DEV_GEN"), LATE_S)
        (heard,) = room.ears.of("DEV_GEN")
        assert heard.at - begun >= WAIT_S * 0.9
        assert {alert["labels"]["object"] for alert in heard.alerts} == {f"P{number}" for number in range(5)}
        # A sixth joins them in the group's next message.
        room.happen((deviation("P6"), raised(Priority.LOW)))
        wait_until(lambda: len(room.ears.of("DEV_GEN")) == 2, LATE_S)
        first, second = room.ears.of("DEV_GEN")
        assert second.at - first.at >= INTERVAL_S * 0.9
        assert len(second.alerts) == 6


def test_a_suppressed_alarm_is_never_told_and_shelving_ends_what_was(room: Room) -> None:
    with room.working():
        room.happen((deviation("HIDDEN"), Event(Kind.SUPPRESS, reason="GAP_DCTU D1", by_rule=True)),
                    (deviation("HIDDEN"), raised()), (TRIP, raised()))  # fmt: skip
        wait_until(lambda: room.ears.of("TRIP"), LATE_S)
        room.happen((TRIP, Event(Kind.SHELVE, until=NOON + timedelta(hours=1), reason="known")))
        wait_until(lambda: room.ears.of("TRIP", "resolved"), LATE_S)
        time.sleep(QUIET_S)
        assert not room.ears.of("DEV_GEN")


def test_a_worker_that_was_killed_repeats_nothing(room: Room) -> None:
    with room.working() as running:
        room.happen((TRIP, raised()))
        wait_until(lambda: room.ears.of("TRIP"), LATE_S)
        kill(running)
    # While nobody worked, something more happened.
    room.happen((Key(AlarmType.ZONE_IMB, "zone", "NORTH"), raised()))
    with room.working():
        wait_until(lambda: room.ears.of("ZONE_IMB"), LATE_S)
        time.sleep(QUIET_S)
        assert len(room.ears.of("TRIP")) == 1
        assert len(room.ears.of("ZONE_IMB")) == 1
        assert room.one("select count(*) from alarm_event where event = 'notified'") == 2


def test_while_alertmanager_is_down_nothing_is_lost_and_the_pipeline_says_so(room: Room) -> None:
    with room.working():
        room.reach(NOON)
        room.alertmanager.stop()
        room.happen((TRIP, raised()))
        stands = "select count(*) from alarm where type = 'PIPELINE' and object = 'alertmanager' and state = 'UNACK'"
        wait_until(lambda: room.one(stands) == 1, 30)
        assert room.one("select count(*) from alarm_event where event = 'not notified' and type = 'TRIP'") == 1
        room.alertmanager.start()
        begun = time.monotonic()
        wait_until(lambda: room.ears.of("TRIP"), LATE_S)
        assert room.ears.of("TRIP")[0].at - begun < LATE_S
        wait_until(lambda: room.one(stands) == 0, 30)
        assert len(room.ears.of("TRIP")) == 1


def test_rules_are_taken_while_it_runs_and_wrong_ones_refused(room: Room) -> None:
    good = room.rules.read_text(encoding="utf-8")
    in_force = "select count(*) from alarm_rules"
    ill = "select count(*) from alarm where type = 'PIPELINE' and object = 'rules' and state = 'UNACK'"
    with room.working():
        room.reach(NOON)
        wait_until(lambda: room.one(in_force) == 1, 30)
        room.rules.write_text(good.replace("positions: 1", "positions: none"), encoding="utf-8")
        wait_until(lambda: room.one(ill) == 1, 30)
        says = str(room.one("select detail ->> 'says' from alarm where object = 'rules'"))
        assert says.startswith("rules.yml:")
        assert "positions: it should be a valid integer" in says
        assert room.one(in_force) == 1
        room.rules.write_text(good.replace("positions: 1", "positions: 2"), encoding="utf-8")
        wait_until(lambda: room.one(in_force) == 2, 30)
        wait_until(lambda: room.one(ill) == 0, 30)


def test_when_nobody_responds_the_next_one_is_called(room: Room) -> None:
    with room.working():
        room.reach(NOON)
        room.happen((TRIP, raised()))
        wait_until(lambda: room.ears.of("TRIP"), LATE_S)
        room.reach(NOON + timedelta(minutes=4))
        time.sleep(QUIET_S)
        assert [heard.receiver for heard in room.ears.of("TRIP")] == ["high"]
        room.reach(NOON + timedelta(minutes=5))
        wait_until(lambda: len(room.ears.of("TRIP")) == 2 and len(room.ears.mails) == 2, LATE_S)
        assert room.ears.of("TRIP")[1].receiver == "urgent"
        assert room.ears.mails[1].to == ["chief@test"]
        assert room.ears.mails[1].subject.startswith("[URGENT] ")
        # Once somebody has, the next one is told that nothing is asked of him; the alarm itself still stands.
        room.happen((TRIP, Event(Kind.ACKNOWLEDGE)), now=NOON + timedelta(minutes=6))
        wait_until(lambda: room.ears.of("TRIP", "resolved"), LATE_S)
        time.sleep(QUIET_S)
        assert [heard.receiver for heard in room.ears.of("TRIP", "resolved")] == ["urgent"]
