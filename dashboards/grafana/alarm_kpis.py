"""Alarm KPIs: how much is asked of operators, and by what (ISA-18.2, EEMUA 191), as `tengerim alarms kpi`."""

from grafana_foundation_sdk.builders import dashboard as made
from grafana_foundation_sdk.models import common as shape

from alerts.kpi import FLOOD_BEGINS, TOP
from dashboards.grafana import alarm_table, palette
from dashboards.grafana.page import Context, page
from dashboards.grafana.panels import (
    COUNT,
    DURATION,
    PERCENT,
    AnyPanel,
    Panels,
    by_thresholds,
    column,
    steps,
    texts,
)
from dashboards.grafana.targets import rows, series
from dashboards.grafana.words import Words
from schemas.alarm import AlarmType, Priority

NAME = "alarm_kpis"

_CALLS = "from v_alarm_event where annunciated and $__timeFilter(at)"
_DAYS = "extract(epoch from $__timeTo()::timestamptz - $__timeFrom()::timestamptz)::float8 / 86400"


def build(context: Context) -> made.Dashboard:
    """The dashboard."""
    words = context.words
    panels = Panels(words, NAME)
    found = page(context, NAME)
    found.with_panel(_load(context, panels))
    found.with_panel(_standing(words, panels))
    found.with_panel(_rate(words, panels))
    found.with_panel(_mix(words, panels))
    found.with_panel(_top(context, panels))
    found.with_panel(_answers(words, panels))
    found.with_panel(_tens(words, panels))
    found.with_panel(_suppressed(words, panels))
    found.with_panel(alarm_table.journal(context, panels, "journal", "true"))
    return found


def _load(context: Context, panels: Panels) -> AnyPanel:
    words, positions = context.words, context.master.positions
    sql = f"""
        with tens as (select time_bucket('10 minutes', at) as ten, count(*) as n {_CALLS} group by 1)
        select coalesce(sum(n), 0)::float8 as calls, coalesce(sum(n), 0)::float8 / ({_DAYS}) / {positions} as per_day,
               coalesce(max(n), 0)::float8 / {positions} as most,
               100.0 * count(*) filter (where n > {FLOOD_BEGINS * positions}) / ({_DAYS} * 144) as flood
        from tens"""
    per_day = steps((None, palette.CALM), (150, palette.MEDIUM), (300, palette.HIGH))
    most = steps((None, palette.CALM), (FLOOD_BEGINS, palette.HIGH))
    flood = steps((None, palette.CALM), (1, palette.HIGH))
    shown = {"color": by_thresholds()}
    return (
        panels.stat("load", COUNT, rows(sql), size=(16, 5))
        .override_by_name("calls", column(words("calls"), unit=COUNT))
        .override_by_name("per_day", column(words("per_day"), unit=COUNT, decimals=0, thresholds=per_day, **shown))
        .override_by_name("most", column(words("most_per_ten"), unit=COUNT, thresholds=most, **shown))
        .override_by_name("flood", column(words("in_flood"), unit=PERCENT, decimals=2, thresholds=flood, **shown))
    )


def _standing(words: Words, panels: Panels) -> AnyPanel:
    sql = """
        select count(*) filter (where state in ('UNACK', 'ACKED', 'LUNACK', 'LACK')) as standing,
               count(*) filter (where state in ('UNACK', 'ACKED') and raised_at < s.now - interval '24 hours') as stale
        from v_alarm_now, (select max(now) as now from v_node_now) s"""
    stale = steps((None, palette.CALM), (5, palette.HIGH))
    return (
        panels.stat("standing", COUNT, rows(sql), size=(8, 5))
        .override_by_name("standing", column(words("standing"), unit=COUNT))
        .override_by_name("stale", column(words("stale"), unit=COUNT, color=by_thresholds(), thresholds=stale))
    )


def _rate(words: Words, panels: Panels) -> AnyPanel:
    sql = f"""
        select $__timeGroup(at, $__interval) as "time", priority as metric, count(*)::float8 as value {_CALLS}
        group by 1, 2 order by 1, 2"""
    found = panels.bars("rate", COUNT, series(sql), size=(16, 9)).interval("1h")
    for priority in Priority:
        found.override_by_name(priority, column(words(priority), color=palette.PRIORITIES[priority]))
    return found


def _mix(words: Words, panels: Panels) -> AnyPanel:
    share = "100.0 * count(*) filter (where priority = '{0}') / nullif(count(*), 0) as {0}"
    sql = f"select {', '.join(share.format(priority.value) for priority in Priority)} {_CALLS}"
    found = panels.stat("mix", PERCENT, rows(sql), size=(8, 9)).decimals(0)
    found.orientation(shape.VizOrientation.HORIZONTAL)
    for priority in Priority:
        found.override_by_name(priority, column(words(priority), color=palette.PRIORITIES[priority]))
    return found


def _top(context: Context, panels: Panels) -> AnyPanel:
    words = context.words
    sql = f"""
        select a.type, coalesce(n.name, a.object) as name, a.calls, 100.0 * a.calls / sum(a.calls) over () as share
        from (select type, object_kind, object, count(*) as calls {_CALLS} group by 1, 2, 3) a
        left join v_node n on (n.node_kind, n.node) = (a.object_kind, a.object)
        order by a.calls desc, 1, 2 limit {TOP}"""
    types = {type_.value: context.master.rule(type_).title.in_(words.language) for type_ in AlarmType}
    bar = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
    return (
        panels.table("top", rows(sql), size=(12, 9))
        .override_by_name("type", column(words("alarm"), mappings=texts(types)))
        .override_by_name("name", column(words("object")))
        .override_by_name("calls", column(words("calls"), unit=COUNT, color=palette.FACT, custom_cellOptions=bar))
        .override_by_name("share", column(words("share"), unit=PERCENT, decimals=1, custom_width=90))
    )


def _answers(words: Words, panels: Panels) -> AnyPanel:
    sql = """
        with call as (
            select e.alarm_id, e.at, e.priority,
                   (select min(k.at) from v_alarm_event k
                    where k.alarm_id = e.alarm_id and k.event = 'acknowledge' and k.at >= e.at
                      and $__timeFilter(k.at)) as answered
            from v_alarm_event e where e.annunciated and e.event in ('raise', 'rise') and $__timeFilter(e.at)
        )
        select priority, count(*) as calls, count(answered) as answered,
               percentile_cont(0.5) within group (order by extract(epoch from answered - at))::float8 as half,
               percentile_cont(0.9) within group (order by extract(epoch from answered - at))::float8 as most
        from call group by priority order by array_position(array['high', 'medium', 'low'], priority)"""
    priorities = texts({priority.value: words(priority) for priority in Priority}, palette.PRIORITIES)
    coloured = {"type": "color-text"}
    return (
        panels.table("answers", rows(sql), size=(12, 9))
        .override_by_name("priority", column(words("priority"), mappings=priorities, custom_cellOptions=coloured))
        .override_by_name("calls", column(words("calls"), unit=COUNT))
        .override_by_name("answered", column(words("answered"), unit=COUNT))
        .override_by_name("half", column(words("half_within"), unit=DURATION))
        .override_by_name("most", column(words("nine_in_ten_within"), unit=DURATION))
    )


def _tens(words: Words, panels: Panels) -> AnyPanel:
    sql = f"""
        select time_bucket('10 minutes', at) as "time", count(*)::float8 as calls {_CALLS} group by 1 order by 1"""
    return (
        panels.bars("tens", COUNT, series(sql), size=(12, 8))
        .interval("10m")
        .thresholds(steps((None, palette.CALM), (FLOOD_BEGINS, palette.HIGH)))
        .color_scheme(by_thresholds())
        .gradient_mode(shape.GraphGradientMode.SCHEME)
        .override_by_name("calls", column(words("calls")))
    )


def _suppressed(words: Words, panels: Panels) -> AnyPanel:
    sql = """
        select $__timeGroup(at, $__interval) as "time", event as metric, count(*)::float8 as value
        from v_alarm_event where not annunciated and $__timeFilter(at)
          and event in ('suppress', 'shelve', 'remove', 'would have alarmed')
        group by 1, 2 order by 1, 2"""
    found = panels.bars("suppressed", COUNT, series(sql), size=(12, 8)).interval("1h")
    for event in ("suppress", "shelve", "remove", "would have alarmed"):
        found.override_by_name(event, column(words(event.replace(" ", "_"))))
    return found
