"""The work of the agent `alarm` on `commands`: operators' orders, applied and answered in one transaction."""

from datetime import datetime, timedelta

import psycopg
import structlog
from pydantic import ValidationError

from alerts.book import Book, By, Instance
from alerts.life import Event, Kind, RefusedError
from connectors import alarm_inputs, alarms, offsets
from connectors.alarms import Answer
from connectors.offsets import Advance
from connectors.refusals import Refusal, write_refusals
from schemas.command import NEED_REASON, Command
from schemas.rules import Rule
from schemas.topics import Topics
from streams import failpoints, metrics
from streams.alarm_desk import Desk
from streams.owner import Connect, Owner
from streams.places import Message

log = structlog.get_logger()

AGENT = "command"


class Commander(Owner):
    """Processes `commands`, one partition."""

    def __init__(self, topics: Topics, connect: Connect, desk: Desk) -> None:
        """`desk` holds the alarms."""
        super().__init__(AGENT, topics.commands, connect)
        self._topics = topics
        self._desk = desk

    def forget(self) -> None:
        """Discard the alarms."""
        self._desk.forget()

    async def attempt(self, connection: psycopg.AsyncConnection, messages: list[Message]) -> None:
        """Apply orders and answer them; what is no order goes into the quarantine."""
        async with connection.transaction(), connection.cursor() as cursor:
            if not (messages := await self.hold(cursor, messages)):
                return
            place = self.places.places[0]
            book = await self._desk.open(cursor)
            orders, refused = _read(messages)
            known = await alarms.answered(cursor, [order.command_id for order in orders])
            clock = await alarm_inputs.read_clock(cursor, "alarm", self._topics.events)
            answers = []
            for order in orders:
                if order.command_id not in known:
                    known.add(order.command_id)
                    answers.append(obey(book, order, clock or order.sent_at))
            await self._desk.close(cursor, book)
            await alarms.answer(cursor, answers)
            await write_refusals(cursor, refused)
            await offsets.count(cursor, AGENT, self.places.topic, {(0, "commands"): len(messages)})
            end = messages[-1][1] + 1
            await offsets.advance(cursor, AGENT, self.places.topic, {0: Advance(end, place.watched_us)})
            failpoints.passing("command_before_commit")
        failpoints.passing("command_after_commit")
        place.next_off = end
        metrics.MESSAGES.labels(AGENT, "commands").inc(len(messages))


def obey(book: Book, order: Command, now: datetime) -> Answer:
    """Do what is ordered, or say why not."""

    def answer(done: bool, words: str) -> Answer:
        return Answer(order.command_id, now, order.sent_at, order.actor, order.order, order.alarm_id, done, words)

    instance = book.by_id.get(order.alarm_id)
    if instance is None:
        return answer(False, f"there is no alarm {order.alarm_id}; `tengerim alarms list --all` shows those there are")
    by = By(order.actor, order.reason, order.command_id)
    try:
        book.happen(instance, _event(book, instance, order, now), now, by, _detail(order))
    except RefusedError as error:
        before = instance.alarm.shown
        reason = f"{order.order}: {error}"
        book.write_down(instance, "refused", now, before, By(order.actor, reason, order.command_id))
        return answer(False, f"alarm {order.alarm_id} ({instance.key}): {error}")
    return answer(True, f"alarm {order.alarm_id} ({instance.key}) is {instance.alarm.shown}")


def _event(book: Book, instance: Instance, order: Command, now: datetime) -> Event:
    """The order as an event of the alarm's life. Raises RefusedError where something is missing."""
    if order.order in NEED_REASON and not order.reason.strip():
        raise RefusedError(f"{order.order} needs a reason")
    kind = Kind(order.order)
    if kind is Kind.REMOVE and not order.approver.strip():
        raise RefusedError("taking an alarm out of service needs somebody who approves it")
    if kind is not Kind.SHELVE:
        if kind is Kind.RETURN and not instance.alarm.out_of_service and instance.alarm.order_reason:
            # Both are undone by the same word.
            kind = Kind.UNSUPPRESS
        return Event(kind, reason=order.reason)
    most = book.master.rule(instance.key.type).shelve_max_h
    if order.minutes is None:
        raise RefusedError("shelving needs its minutes")
    if order.minutes > most * 60:
        raise RefusedError(f"it can be shelved for {most} hours at most")
    return Event(kind, until=now + timedelta(minutes=order.minutes), reason=order.reason)


def _detail(order: Command) -> dict[str, str | int]:
    detail: dict[str, str | int] = {}
    if order.minutes is not None:
        detail["minutes"] = order.minutes
    if order.approver:
        detail["approver"] = order.approver
    return detail


def _read(messages: list[Message]) -> tuple[list[Command], list[Refusal]]:
    orders, refused = [], []
    for _, _, value in messages:
        try:
            orders.append(Command.model_validate_json(value))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            detail = f"no command: {f'{place}: ' if place else ''}{first['msg']}"
            refused.append(Refusal(Rule.MALFORMED, detail, None, value))
    return orders, refused
