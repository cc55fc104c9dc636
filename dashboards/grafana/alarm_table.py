"""Alarms as rows: what stands, and what happened; the same columns on every dashboard."""

from grafana_foundation_sdk.builders import table

from alerts.life import Kind
from alerts.texts import UNITS
from dashboards.grafana import links, palette
from dashboards.grafana.page import Context
from dashboards.grafana.panels import NONE, AnyPanel, Panels, column, hidden, texts
from dashboards.grafana.targets import rows
from schemas.alarm import AlarmType, Priority, State

# In the order in which they ask for somebody.
_STANDING = (State.UNACK, State.LUNACK, State.RTNUN, State.ACKED, State.LACK)
_TIME = "time:DD.MM HH:mm"
# Power and energy in millions, what is counted as it is.
_VALUE = "case when a.unit in ('W', 'Wh') then a.{0} * 1e-6 else a.{0} end"
_COLUMNS = f"""a.priority, a.state, a.type, a.object_kind, coalesce(n.name, a.object) as name, a.object,
       {_VALUE.format("value")} as value, {_VALUE.format("limit_value")} as "limit", a.unit"""


def standing(context: Context, panels: Panels, name: str, size: tuple[int, int] = (24, 10)) -> AnyPanel:
    """Every alarm that stands or waits, those first that ask for somebody."""
    states = ", ".join(f"'{state}'" for state in _STANDING)
    sql = f"""
        select a.raised_at as at, {_COLUMNS}, a.acked_by as by
        from v_alarm_now a left join v_node n on (n.node_kind, n.node) = (a.object_kind, a.object)
        where a.state in ({states})
        order by array_position(array[{states}], a.state), array_position(array['high', 'medium', 'low'], a.priority),
                 a.raised_at desc"""
    return _table(context, panels, name, sql, size)


def journal(context: Context, panels: Panels, name: str, where: str, size: tuple[int, int] = (24, 10)) -> AnyPanel:
    """What happened to alarms in the period, the newest first; `where` says more of them."""
    sql = f"""
        select a.at, a.event, {_COLUMNS}, a.actor as by
        from v_alarm_event a left join v_node n on (n.node_kind, n.node) = (a.object_kind, a.object)
        where $__timeFilter(a.at) and a.event not in ('notified', 'not notified') and {where}
        order by a.at desc, a.event_id desc limit 500"""
    words = context.words
    events = [*Kind, "refused", "would have alarmed"]
    shown = texts({event: words(event.replace(" ", "_")) for event in events})
    return _table(context, panels, name, sql, size).override_by_name(
        "event", column(words("event"), custom_width=150, mappings=shown)
    )


def _table(context: Context, panels: Panels, name: str, sql: str, size: tuple[int, int]) -> table.Panel:
    words = context.words
    types = {type_.value: context.master.rule(type_).title.in_(words.language) for type_ in AlarmType}
    priorities = {priority.value: words(priority.value) for priority in Priority}
    coloured = {"type": "color-text"}
    to_it = links.to_archive(words("to_archive"), "object_kind", "object")
    return (
        panels.table(name, rows(sql), size=size)
        .override_by_name("at", column(words("since"), unit=_TIME, custom_width=110))
        .override_by_name(
            "priority",
            column(
                words("priority"), custom_width=100, custom_cellOptions=coloured,
                mappings=texts(priorities, palette.PRIORITIES),
            ),
        )
        .override_by_name(
            "state",
            column(words("state"), custom_width=160, mappings=texts({s.value: words(s.value) for s in State})),
        )
        .override_by_name("type", column(words("alarm"), mappings=texts(types)))
        .override_by_name("name", column(words("object")))
        .override_by_name(
            "object",
            column(words("code"), custom_width=120, links=to_it),
        )
        .override_by_name("object_kind", hidden())
        .override_by_name("value", column(words("value"), unit=NONE, decimals=0, custom_width=90))
        .override_by_name("limit", column(words("limit"), unit=NONE, decimals=0, custom_width=90))
        .override_by_name(
            "unit",
            column(
                words("measured_in"), custom_width=90,
                mappings=texts({unit.value: of[words.language] for unit, of in UNITS.items()}),
            ),
        )
        .override_by_name("by", column(words("by"), custom_width=120))
    )  # fmt: skip
