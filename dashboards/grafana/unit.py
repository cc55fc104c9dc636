"""Unit: does one unit keep to its schedule, what of it is known, and what was called."""

from grafana_foundation_sdk.builders import dashboard as made
from grafana_foundation_sdk.models.common import LineInterpolation

from alerts.master import BalanceRule, Master, PowerLevel
from dashboards.grafana import alarm_table, palette, units, variables
from dashboards.grafana.page import Context, page
from dashboards.grafana.panels import (
    COUNT,
    NONE,
    PERCENT,
    AnyPanel,
    Panels,
    by_sign,
    by_thresholds,
    column,
    fixed,
    line_of_fact,
    plan_ahead,
    steps,
    steps_of_plan,
    texts,
)
from dashboards.grafana.targets import ARCHIVE, MW, MWH, rows, series
from dashboards.grafana.words import Words
from schemas.alarm import AlarmType

NAME = "unit"

_BY_SIGN = by_sign()
_COMPLETE = steps((None, palette.FAR_OVER), (80, palette.OVER), (99.9, palette.CALM))
# A unit is of one kind, so one of the three is there.
_PLAN = "coalesce(gen_plan_wh, cons_plan_wh, exch_plan_wh)"
_FACT = "coalesce(gen_fact_wh, cons_fact_wh, exch_fact_wh)"
_ALARMS_OF_IT = (
    "(object_kind, object) in (select 'unit', ${unit:sqlstring} union all"
    " select 'facility', facility from v_node where node_kind = 'unit' and node = ${unit:sqlstring})"
)


def build(context: Context) -> made.Dashboard:
    """The dashboard."""
    words = context.words
    panels = Panels(words, NAME)
    choices = [*variables.places(words), variables.kind(words), variables.unit(words)]
    found = page(context, NAME, choices=choices).annotation(_annotation(context))
    found.with_panel(_about(words, panels))
    found.with_panel(_now(words, panels))
    found.with_panel(_hour(words, panels))
    found.with_panel(_day(context, panels))
    found.with_panel(_deviation(words, panels))
    found.with_panel(_completeness(words, panels))
    found.with_panel(_versions(words, panels))
    found.with_panel(_version_table(words, panels))
    found.with_panel(alarm_table.journal(context, panels, "journal", _ALARMS_OF_IT))
    return found


def _annotation(context: Context) -> made.AnnotationQuery:
    """What called an operator for the unit or its facility, from the call to its end."""
    titles = " ".join(
        f"when '{type_}' then '{_quoted(context.master.rule(type_).title.in_(context.words.language))}'"
        for type_ in AlarmType
    )
    sql = f"""
        select e.at as "time",
               (select min(c.at) from v_alarm_event c
                where c.alarm_id = e.alarm_id and c.event = 'clear' and c.at > e.at and $__timeFilter(c.at)) as timeend,
               case e.type {titles} else e.type end as text, e.priority || ',' || e.type as tags
        from v_alarm_event e
        where e.annunciated and e.event in ('raise', 'rise') and $__timeFilter(e.at) and {_ALARMS_OF_IT}
        order by 1"""
    return (
        made.AnnotationQuery()
        .name(context.words("alarms"))
        .datasource(ARCHIVE)
        .enable(True)
        .icon_color(palette.HIGH)
        .target(rows(sql, "Anno"))
    )


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _about(words: Words, panels: Panels) -> AnyPanel:
    sql = """
        select n.name, n.unit_kind as kind, n.fuel, n.capacity_w * 1e-6 as capacity, n.facility, e.name as entity,
               n.zone, n.region
        from v_node n left join v_node e on e.node_kind = 'entity' and e.node = n.entity
        where n.node_kind = 'unit' and n.node = ${unit:sqlstring}"""
    found = panels.table("about", rows(sql), size=(24, 3))
    for name in ("name", "fuel", "facility", "entity", "zone", "region"):
        found.override_by_name(name, column(words(name)))
    return found.override_by_name(
        "kind", column(words("kind"), mappings=texts({k: words(k) for k in variables.KINDS}))
    ).override_by_name("capacity", column(words("capacity"), unit=units.mw(words), decimals=0))


def _now(words: Words, panels: Panels) -> AnyPanel:
    sql = f"""
        select {_PLAN} * {MW} as plan, {_FACT} * {MW} as fact, ({_FACT} - {_PLAN}) * {MW} as deviation,
               completeness * 100 as completeness
        from v_node_now where node_kind = 'unit' and node = ${{unit:sqlstring}}"""
    return (
        panels.stat("now", units.mw(words), rows(sql), size=(12, 4))
        .decimals(1)
        .override_by_name("plan", column(words("plan"), color=palette.PLAN))
        .override_by_name("fact", column(words("fact"), color=palette.FACT))
        .override_by_name("deviation", column(words("deviation"), color=by_thresholds(), thresholds=_BY_SIGN))
        .override_by_name(
            "completeness",
            column(words("completeness"), unit=PERCENT, decimals=0, color=by_thresholds(), thresholds=_COMPLETE),
        )
    )


def _hour(words: Words, panels: Panels) -> AnyPanel:
    def of(name: str) -> str:
        return f"coalesce(hour_gen_{name}_wh, hour_cons_{name}_wh, hour_exch_{name}_wh) * {MWH}"

    sql = f"""
        select {of("plan")} as plan, {of("fact")} as fact, {of("naive")} as naive, {of("persist")} as persistence
        from v_node_now where node_kind = 'unit' and node = ${{unit:sqlstring}}"""
    return (
        panels.stat("hour", units.mwh(words), rows(sql), size=(12, 4))
        .decimals(1)
        .override_by_name("plan", column(words("plan"), color=palette.PLAN))
        .override_by_name("fact", column(words("so_far"), color=palette.FACT))
        .override_by_name("naive", column(words("naive")))
        .override_by_name("persistence", column(words("persistence")))
    )


def _limit(rule: BalanceRule) -> str:
    """How far from the plan, in MW, the lowest level of a rule begins: an entry's greatest figure."""

    def figure(level: PowerLevel) -> str:
        return (
            f"greatest({level.mw}, {level.percent / 100} * abs(b.plan),"
            f" {level.capacity_percent / 100} * coalesce(u.capacity_mw, 0))"
        )

    lowest = [figure(level) for level in rule.levels if level.priority == rule.priorities[0]]
    return f"least({', '.join(lowest)})"


def _band(master: Master) -> str:
    return (
        f"case u.kind when 'generation' then {_limit(master.types.DEV_GEN)}"
        f" when 'consumption' then {_limit(master.types.DEV_CONS)} end"
    )


def _day(context: Context, panels: Panels) -> AnyPanel:
    words = context.words
    known = f"""
        with u as (
            select unit_kind as kind, capacity_w * 1e-6 as capacity_mw from v_node
            where node_kind = 'unit' and node = ${{unit:sqlstring}}
        ), b as (
            select $__timeGroup(ts, $__interval) as at, avg({_PLAN})::float8 * {MW} as plan,
                   avg({_FACT}) filter (where closed)::float8 * {MW} as fact
            from v_balance_15m where node_kind = 'unit' and node = ${{unit:sqlstring}} and $__timeFilter(ts)
            group by 1
        )
        select b.at as "time", (b.plan - l.mw)::float8 as lower, (b.plan + l.mw)::float8 as upper, b.plan, b.fact
        from b cross join u cross join lateral (select {_band(context.master)} as mw) l order by 1"""
    ahead = f"""
        select hour as "time", wh * {MWH} as ahead from v_schedule
        where unit = ${{unit:sqlstring}} and in_force and $__timeFilter(hour)
          and hour >= coalesce((select hour from v_node_now where node_kind = 'unit' and node = ${{unit:sqlstring}}),
                               $__timeFrom()::timestamptz)
        order by 1"""
    edge = {"color": palette.PLAN, "custom_lineWidth": 0, "custom_lineInterpolation": "stepAfter"}
    quiet = {"tooltip": False, "viz": False, "legend": True}
    return (
        panels.series("day", units.mw(words), series(known), series(ahead, "B"), size=(24, 11))
        .decimals(1)
        .override_by_name("lower", column(words("lower"), custom_hideFrom=quiet, **edge))
        .override_by_name(
            "upper",
            column(words("upper"), custom_hideFrom=quiet, custom_fillBelowTo="lower", custom_fillOpacity=18, **edge),
        )
        .override_by_name("plan", steps_of_plan(words("plan")))
        .override_by_name("fact", line_of_fact(words("fact")))
        .override_by_name("ahead", plan_ahead(words("plan_ahead")))
    )


def _deviation(words: Words, panels: Panels) -> AnyPanel:
    sql = f"""
        select $__timeGroup(ts, $__interval) as "time", avg({_FACT} - {_PLAN})::float8 * {MW} as deviation
        from v_balance_15m where node_kind = 'unit' and node = ${{unit:sqlstring}} and closed and $__timeFilter(ts)
        group by 1 order by 1"""
    panel = panels.deviation("deviation", units.mw(words), series(sql)).decimals(1)
    return panel.override_by_name("deviation", column(words("deviation")))


def _completeness(words: Words, panels: Panels) -> AnyPanel:
    sql = """
        select $__timeGroup(ts, $__interval) as "time", min(completeness) * 100 as completeness
        from v_balance_15m where node_kind = 'unit' and node = ${unit:sqlstring} and closed and $__timeFilter(ts)
        group by 1 order by 1"""
    return (
        panels.series("completeness", PERCENT, series(sql), size=(12, 7))
        .min(0)
        .max(100)
        .fill_opacity(30)
        .color_scheme(fixed(palette.FACT))
        .override_by_name("completeness", column(words("completeness"), custom_lineInterpolation="stepAfter"))
    )


def _versions(words: Words, panels: Panels) -> AnyPanel:
    sql = f"""
        select hour as "time", 'v' || version as metric, wh * {MWH} as value
        from v_schedule where unit = ${{unit:sqlstring}} and $__timeFilter(hour) order by 1, version"""
    return panels.series("versions", units.mw(words), series(sql), size=(12, 9)).line_interpolation(
        LineInterpolation.STEP_AFTER
    )


def _version_table(words: Words, panels: Panels) -> AnyPanel:
    sql = f"""
        select version, min(received_at) as received, count(*) as hours, min(hour) as first, max(hour) as last,
               sum(wh) * {MWH} as energy, count(*) filter (where in_force) as in_force
        from v_schedule where unit = ${{unit:sqlstring}} and $__timeFilter(hour)
        group by version order by version desc"""
    time = "time:DD.MM HH:mm"
    return (
        panels.table("version_table", rows(sql), size=(12, 9))
        .override_by_name("version", column(words("version"), unit=NONE, custom_width=80))
        .override_by_name("received", column(words("received"), unit=time))
        .override_by_name("hours", column(words("hours"), unit=COUNT))
        .override_by_name("first", column(words("first_hour"), unit=time))
        .override_by_name("last", column(words("last_hour"), unit=time))
        .override_by_name("energy", column(words("energy"), unit=units.mwh(words), decimals=0))
        .override_by_name("in_force", column(words("in_force"), unit=COUNT))
    )
