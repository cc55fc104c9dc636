"""The Faust apps: one an agent, thin. Take, process in the database, acknowledge."""

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import faust
import psycopg
import structlog
from faust.exceptions import ProducerSendError
from faust.types import TP
from mode.supervisors import CrashingSupervisor
from redis.exceptions import RedisError
from yarl import URL

from connectors import kafka, node_now, sending
from connectors.alertmanager import AlertmanagerError
from connectors.database import connect_async, space_url
from connectors.live import LiveState
from schemas.settings import Settings
from schemas.time import INTERVAL_S
from schemas.topics import topics_of
from streams import alarm_metrics, balance, collect, metrics
from streams.alarm import Alarmer
from streams.alarm_desk import Desk
from streams.balance import Balancer
from streams.batch import Rules
from streams.collect import Collector
from streams.commanding import Commander
from streams.gathering import Gathered
from streams.health import Health
from streams.notifying import Notifier
from streams.now import states_of
from streams.owner import Connect, Owner
from streams.rules_file import RulesFile
from streams.transport import DatabaseTransport

log = structlog.get_logger()

# Seconds: a batch is what came within this time, at most; how often what was not sent is sent again.
COLLECT_WITHIN_S = 0.2
BALANCE_WITHIN_S = 0.3
ALARM_WITHIN_S = 0.2
# Seconds between looks at the pipeline's own health and the rules, and at what is to be notified.
TEND_S = 5.0
# Seconds between the figures of alarms for Prometheus.
SHOW_S = 15.0
NOTIFY_S = 1.0
# Bytes of messages in one transaction, at most, or a single message: weeks handed over at once are large frames.
BATCH_BYTES = 32 * 1024**2
# Balances of many intervals cost little more than those of one, so in a backlog most of the time is left to collect.
BALANCE_REST = 2.0
REST_MOST_S = 1.0
RESEND_S = 5.0
WATCH_TOPIC_S = 5.0
# Seconds after which the live state is written whole again: a cache may lose what nobody notices.
REWRITE_S = 30.0
# Faust gives up on a claim after 90 seconds without a word, and then nothing is read any more.
CLAIM_S = 60.0


def _clock_us() -> int:
    """The wall clock, microseconds since 1970."""
    return time.time_ns() // 1000


def rules_of(settings: Settings) -> Rules:
    """The agents' rules as the settings have them."""
    return Rules(
        settings.partitions, settings.grace_s * 1_000_000, settings.ahead_s * 1_000_000, settings.ring_intervals
    )


class Bound(NamedTuple):
    """An owner, and the pace of its batches.

    `within`: seconds in which a batch is gathered. `rest`: for so many times as long as a batch took, the next is.
    """

    owner: Owner
    within: float
    rest: float = 0.0


def build(agent: str, settings: Settings) -> faust.App:
    """The app of an agent: `collect`, `balance` or `alarm`."""
    topics = topics_of(settings.space)
    url = space_url(settings.database, settings.space)

    async def connect() -> psycopg.AsyncConnection:
        return await connect_async(url, 2 * settings.session_s)

    app = _app(f"{settings.space}.{agent}", settings)
    rules = rules_of(settings)
    match agent:
        case collect.AGENT:
            collector = Collector(topics, rules, connect, _clock_us if settings.clock == "wall" else None)
            _bind(app, [Bound(collector, COLLECT_WITHIN_S)], settings)
            _add_sender(app, collector, (collect.AGENT,), connect)
        case balance.AGENT:
            balancer = Balancer(topics, rules, connect)
            _bind(app, [Bound(balancer, BALANCE_WITHIN_S, BALANCE_REST)], settings)
            # What imports could not send themselves goes with balance: it is who waits for it.
            _add_sender(app, balancer, (balance.AGENT, "registry", "schedule"), connect)
            _add_live(app, balancer, settings, connect)
        case _:
            watch = RulesFile(settings.alarm_rules)
            desk = Desk(watch.changed(), settings.public_url)
            notifier = Notifier(settings.alertmanager)
            health = Health(settings.clock == "wall", notifier, watch)
            alarmer = Alarmer(topics, rules.grace_us, connect, desk, health.ailing)
            health.watch(alarmer)
            _bind(app, [Bound(alarmer, ALARM_WITHIN_S), Bound(Commander(topics, connect, desk), 0.05)], settings)
            _add_alarms(app, alarmer, desk, watch, notifier, connect)
    return app


def _app(name: str, settings: Settings) -> faust.App:
    app = faust.App(
        name,
        broker=[URL(f"kafka://{address}") for address in settings.kafka.split(",")],
        store="memory://",
        # An exception that leaves the loop of `take` loses messages; unacknowledged ones must not block a rebalance.
        stream_wait_empty=False,
        cython_optimizations=True,
        stream_buffer_maxsize=max(512, 2 * settings.batch_frames),
        broker_commit_every=5000,
        broker_commit_interval=2.0,
        # The database may be away for an hour without a rebalance.
        broker_max_poll_interval=3600.0,
        broker_session_timeout=settings.session_s,
        broker_heartbeat_interval=max(1, settings.session_s // 6),
        broker_rebalance_timeout=max(settings.session_s, 10),
        consumer_max_fetch_size=4 * 1024**2,
        consumer_auto_offset_reset="earliest",
        table_standby_replicas=0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        # Faust makes a folder for tables that we do not have.
        datadir=str(settings.home / "run" / name),
        producer_max_request_size=8 * 1024**2,
        worker_redirect_stdouts=False,
    )
    app.transport = DatabaseTransport(app.conf.broker_consumer, app)
    return app


def _bind(app: faust.App, bound: Sequence[Bound], settings: Settings) -> None:
    """Give owners the partitions and messages that Faust assigns to this process."""

    async def claim(assigned: set[TP]) -> Mapping[TP, int]:
        begin: dict[TP, int] = {}
        try:
            async with asyncio.timeout(CLAIM_S):
                for of in bound:
                    begin |= await claim_for(of.owner, assigned)
        except TimeoutError:
            log.critical("the partitions could not be claimed: starting again", within_s=CLAIM_S)
            os._exit(75)
        return begin

    async def claim_for(owner: Owner, assigned: set[TP]) -> Mapping[TP, int]:
        topic = owner.places.topic
        ids = await asyncio.to_thread(kafka.topic_ids, settings.kafka, [topic])
        owner.topic_id = ids[topic]
        ours = [tp.partition for tp in assigned if tp.topic == topic]
        begin = await owner.assign(owner.topic_id, ours)
        # Asked after the claim: before it another owner may still be moving on.
        ends = await asyncio.to_thread(kafka.end_offsets, settings.kafka, topic)
        if _is_cut(ends, begin):
            begin = await owner.assign(owner.topic_id, ours, ends)
        metrics.PARTITIONS.labels(owner.places.agent).set(len(begin))
        log.info("partitions assigned", topic=topic, begin=begin)
        return {TP(topic, partition): offset for partition, offset in begin.items()}

    app.claim = claim
    app.claiming = asyncio.Lock()

    @app.on_partitions_assigned.connect
    async def note_none(_: faust.App, assigned: set[TP], **_others: Any) -> None:
        # With more workers than partitions there is nothing to claim.
        if not assigned:
            for of in bound:
                await of.owner.release()
                metrics.PARTITIONS.labels(of.owner.places.agent).set(0)

    for of in bound:
        _process(app, of, settings)
        _add_watch(app, of.owner, settings)


def _process(app: faust.App, bound: Bound, settings: Settings) -> None:
    """Hand messages to an owner in batches, and acknowledge them once they are in the database."""
    owner, within, rest = bound
    agent = owner.places.agent
    topic = app.topic(
        owner.places.topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )
    gathered = Gathered(settings.batch_frames, BATCH_BYTES, lambda event: len(event.message.value or b""))

    @app.agent(topic, name=agent, concurrency=1, supervisor_strategy=CrashingSupervisor)
    async def gather(stream: Any) -> None:
        async for events in stream.noack_take(settings.batch_frames, within=within):
            await gathered.put(events)

    @app.task
    async def work() -> None:
        while not app.should_stop:
            events = await gathered.take()
            begun = time.monotonic()
            try:
                await owner.process([(e.message.partition, e.message.offset, e.message.value or b"") for e in events])
            except BaseException as error:
                if app.should_stop or isinstance(error, asyncio.CancelledError):
                    raise
                # Going on would acknowledge what was not processed; whoever supervises starts again.
                log.critical("the agent ends", error=f"{type(error).__name__}: {error}", exc_info=True)
                os._exit(70)
            for event in events:
                event.ack()
            await asyncio.sleep(min(rest * (time.monotonic() - begun), REST_MOST_S))


async def send(app: faust.App, topic: str, partition: int | None, key: bytes | None, message: bytes) -> Any:
    """Hand a message over; its acknowledgement is what comes of the answer. Raises aiokafka's KafkaError."""
    try:
        return await app.producer.send(topic, key, message, partition, None, None)
    except ProducerSendError as error:
        # What is behind it decides: a broker that is away, or a message that Kafka will never take.
        raise (error.__cause__ or error) from None


def _add_sender(app: faust.App, owner: Owner, senders: tuple[str, ...], connect: Connect) -> None:
    """Send on what transactions left in the outbox: at once after a commit, again until it is sent."""

    @app.task
    async def send_on() -> None:
        connection: psycopg.AsyncConnection | None = None
        while not app.should_stop:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(owner.committed.wait(), RESEND_S)
            owner.committed.clear()
            try:
                if connection is None or connection.closed:
                    connection = await connect()
                sources = sorted(owner.places.places)
                while waiting := await sending.count_waiting(connection, senders, sources):
                    metrics.OUTBOX.labels(owner.places.agent).set(waiting)
                    await sending.send_waiting(connection, senders, sources, partial(send, app))
                metrics.OUTBOX.labels(owner.places.agent).set(0)
            except Exception as error:
                # The rows stay where they are; the next look sends them.
                log.warning("not sent on yet", error=f"{type(error).__name__}: {error}"[:200])
                if connection is not None:
                    with contextlib.suppress(psycopg.Error):
                        await connection.close()
                await asyncio.sleep(1.0)


def _add_watch(app: faust.App, owner: Owner, settings: Settings) -> None:
    """Notice a broker that lost its log, and tell Prometheus how far behind the agent is."""

    @app.task
    async def watch() -> None:
        agent, topic, begun_us = owner.places.agent, owner.places.topic, _clock_us()
        missing = 0
        shown: set[int] = set()
        while not app.should_stop:
            await asyncio.sleep(WATCH_TOPIC_S)
            processed = {partition: place.next_off for partition, place in owner.places.places.items()}
            try:
                ids = await asyncio.to_thread(kafka.topic_ids, settings.kafka, [topic])
                ends = await asyncio.to_thread(kafka.end_offsets, settings.kafka, topic)
                missing = 0
            except kafka.NoTopicError:
                missing += 1
                if missing == 2:
                    # The topics are made when an agent starts.
                    log.critical("the topic is gone: starting again", topic=topic)
                    os._exit(75)
                continue
            except kafka.KafkaError as error:
                log.warning("Kafka does not answer", error=str(error))
                continue
            if owner.topic_id is not None and ids[topic] != owner.topic_id:
                log.critical("the topic was made anew under the same name: starting again", topic=topic)
                os._exit(75)
            if _is_cut(ends, processed):
                log.critical("the broker has lost the end of its log: starting again", topic=topic)
                # While we are away others may write beyond where we stood: note now where the log ends.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(owner.assign(ids[topic], processed, ends), CLAIM_S)
                os._exit(75)
            for partition, next_off in processed.items():
                metrics.LAG_MESSAGES.labels(agent, str(partition)).set(ends.get(partition, next_off) - next_off)
            for partition in shown - processed.keys():
                metrics.LAG_MESSAGES.remove(agent, str(partition))
            shown = set(processed)
            # A replay's time is not late: it is another time.
            if settings.clock == "wall":
                _show_age(owner, begun_us)


def _is_cut(ends: Mapping[int, int], next_offs: Mapping[int, int]) -> bool:
    """Whether a log ends before what was processed of it."""
    return any(ends.get(partition, next_off) < next_off for partition, next_off in next_offs.items())


def _show_age(owner: Owner, begun_us: int) -> None:
    """How old the newest tick is; without any, since when one has been waited for."""
    agent = owner.places.agent
    if owner.places.places:
        watched = [place.watched_us or begun_us for place in owner.places.places.values()]
        age = max(_clock_us() - min(watched), 0) / 1e6
    else:
        age = 0.0
    metrics.TICK_AGE.labels(agent).set(age)
    metrics.LAG_INTERVALS.labels(agent).set(age // INTERVAL_S)


def _add_alarms(
    app: faust.App, alarmer: Alarmer, desk: Desk, rules: RulesFile, notifier: Notifier, connect: Connect
) -> None:
    """Beside its messages: the rules' file is looked at, our own health, and Alertmanager told what stands."""

    @app.task
    async def tend() -> None:
        while not app.should_stop:
            await asyncio.sleep(TEND_S)
            if not alarmer.places.places:
                continue
            if (master := rules.changed()) is not None:
                desk.use(master)
            try:
                await alarmer.tend()
                desk.called, called = [], desk.called
                for of_type, priority in called:
                    metrics.ALARM_CALLS.labels(of_type, priority).inc()
            except Exception as error:
                log.critical("the agent ends", error=f"{type(error).__name__}: {error}", exc_info=True)
                os._exit(70)

    @app.task
    async def notify() -> None:
        connection: psycopg.AsyncConnection | None = None
        shown = 0.0
        while not app.should_stop:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(alarmer.committed.wait(), NOTIFY_S)
            alarmer.committed.clear()
            if not alarmer.places.places:
                continue
            try:
                if connection is None or connection.closed:
                    connection = await connect()
                await notifier.deliver(connection)
                if time.monotonic() - shown > SHOW_S:
                    await alarm_metrics.show(connection, desk.master.positions)
                    shown = time.monotonic()
            except Exception as error:
                if not isinstance(error, AlertmanagerError):
                    log.warning("not notified yet", error=f"{type(error).__name__}: {error}"[:200])
                    if connection is not None:
                        with contextlib.suppress(psycopg.Error):
                            await connection.close()
                await asyncio.sleep(NOTIFY_S)


def _add_live(app: faust.App, balancer: Balancer, settings: Settings, connect: Connect) -> None:
    """Keep Redis up to date: what changed at once; all of it when the partition becomes ours, and again and again.

    While Redis is away nothing waits.
    """
    live = LiveState(settings.redis, settings.space)

    async def publish(*, whole: bool) -> None:
        states = balancer.take_states()
        if whole:
            async with await connect() as connection:
                rows, names = await node_now.read_all(connection)
            states = states_of(names, rows)
        if states:
            now = next(iter(next(iter(states.values())).values()))["now"]
            await live.publish(str(now), states, whole=whole)

    @app.task
    async def keep_live() -> None:
        failing, epoch, rewritten = False, 0, 0.0
        while not app.should_stop:
            await asyncio.sleep(0.2)
            if (place := balancer.places.places.get(0)) is None:
                continue
            whole = failing or place.epoch != epoch or time.monotonic() - rewritten > REWRITE_S
            try:
                await publish(whole=whole)
            except (RedisError, OSError, psycopg.Error) as error:
                if not failing:
                    log.warning("the live state cannot be written; it is tried again until it can", error=str(error))
                failing = True
                await asyncio.sleep(2.0)
            else:
                failing, epoch = False, place.epoch
                rewritten = time.monotonic() if whole else rewritten
