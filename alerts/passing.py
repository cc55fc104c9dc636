"""What passes with time alone: shelving ends, nobody responds, the acknowledged is called again."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from alerts.book import Book, By, Instance
from alerts.life import Event, Kind
from schemas.alarm import State


def pass_time(book: Book, until: datetime) -> None:
    """Let everything happen that is due by an instant, in its order, each at its own time."""
    # What happens may make something else due.
    while due := sorted(_due(book, until), key=lambda item: (item[0], item[1].key)):
        for at, instance, kind in due:
            by = By(reason="its time is over") if kind is Kind.UNSHELVE else By()
            book.happen(instance, Event(kind), at, by)


def _due(book: Book, until: datetime) -> Iterator[tuple[datetime, Instance, Kind]]:
    for instance in book.instances.values():
        alarm = instance.alarm
        if alarm.shelved_until is not None and alarm.shelved_until <= until:
            yield alarm.shelved_until, instance, Kind.UNSHELVE
            continue
        rule = book.master.rule(instance.key.type)
        if alarm.shown in (State.UNACK, State.LUNACK) and not alarm.escalated and alarm.raised_at is not None:
            if (at := alarm.raised_at + rule.respond_within) <= until:
                yield at, instance, Kind.ESCALATE
        elif alarm.shown in (State.ACKED, State.LACK) and rule.realarm_after_min and alarm.acked_at is not None:
            at = alarm.acked_at + timedelta(minutes=rule.realarm_after_min)
            if at <= until:
                yield at, instance, Kind.REALARM
