"""Who is to be told of an alarm: labels by which Alertmanager routes, and the texts."""

from collections.abc import Iterable, Mapping

from alerts.book import Book, Call
from alerts.texts import annotations
from connectors.notifications import Notice
from connectors.objects import Facts
from schemas.alarm import Priority

# Where the highest priority goes when nobody responds.
BEYOND = "urgent"


def notices_of(book: Book, calls: Iterable[Call], facts: Mapping[tuple[str, str], Facts], link: str) -> list[Notice]:
    """What Alertmanager is to be told. `link`: where people look at alarms; empty: nowhere yet."""
    notices = []
    for call in calls:
        instance = call.instance
        alarm_id = instance.alarm_id
        assert alarm_id is not None
        if call.ended:
            notices.append(Notice(alarm_id, call.escalation, ended=True, labels={}, annotations={}))
            continue
        key = instance.key
        about = facts.get((key.kind, key.code), Facts())
        priority = instance.alarm.priority
        texts = annotations(book.master, instance, about)
        if link:
            texts["link"] = f"{link}/alarms/{alarm_id}"
        labels = {
            "alertname": key.type.value,
            "alarm_id": str(alarm_id),
            "object_kind": key.kind,
            "object": key.code,
            "priority": next_route(priority) if call.escalation else priority.value,
            "escalation": "yes" if call.escalation else "no",
            "zone": about.zone,
            "entity": about.entity,
            "class": book.master.rule(key.type).group,
        }
        notices.append(Notice(alarm_id, call.escalation, ended=False, labels=labels, annotations=texts))
    return notices


def next_route(priority: Priority) -> str:
    """The route of the priority above; beyond the highest there is one more."""
    ascending = list(Priority)
    return ascending[priority.rank].value if priority.rank < len(ascending) else BEYOND
