"""Archive: any series of any period, from quarter-hours to months, as lines and as rows to take along."""

from grafana_foundation_sdk.builders import dashboard as made
from grafana_foundation_sdk.models.common import LineInterpolation

from dashboards.grafana import units, variables
from dashboards.grafana.page import Context, page
from dashboards.grafana.panels import (
    NONE,
    PERCENT,
    AnyPanel,
    Panels,
    column,
    line_of_fact,
    steps_of_plan,
    texts,
)
from dashboards.grafana.targets import MWH, rows, series
from dashboards.grafana.words import Words

NAME = "archive"

# Days and months are the market's, not those of UTC.
_STEP = "time_bucket(${step:sqlstring}::interval, ts, 'Asia/Almaty')"
_OF_NODE = """
    from v_balance_15m
    where node_kind = ${node_kind:sqlstring} and node = ${node:sqlstring} and $__timeFilter(ts)"""
_KINDS = (("generation", "gen"), ("consumption", "cons"), ("interchange", "exch"))
_LONG_TIME = "time:DD.MM.YYYY HH:mm"


def build(context: Context) -> made.Dashboard:
    """The dashboard."""
    words = context.words
    panels = Panels(words, NAME)
    choices = [variables.node_kind(words), variables.node(words), variables.step(words), variables.channel(words)]
    found = page(context, NAME, choices=choices, refresh="")
    for name, short in _KINDS:
        found.with_panel(_plan_and_fact(words, panels, name, short))
    found.with_panel(_imbalance(words, panels))
    found.with_panel(_balances(words, panels))
    found.with_panel(_readings(words, panels))
    found.with_panel(_reading_rows(words, panels))
    return found


def _plan_and_fact(words: Words, panels: Panels, name: str, short: str) -> AnyPanel:
    sql = f"""
        select {_STEP} as "time", sum({short}_plan_wh)::float8 * {MWH} as plan,
               sum({short}_fact_wh)::float8 * {MWH} as fact {_OF_NODE}
        group by 1 order by 1"""
    return (
        panels.series(name, units.mwh(words), series(sql), size=(12, 8))
        .override_by_name("plan", steps_of_plan(words("plan")))
        .override_by_name("fact", line_of_fact(words("fact")))
    )


def _imbalance(words: Words, panels: Panels) -> AnyPanel:
    sql = f"""
        select {_STEP} as "time", sum(imbalance_wh)::float8 * {MWH} as imbalance {_OF_NODE}
        group by 1 order by 1"""
    panel = panels.deviation("imbalance", units.mwh(words), series(sql), size=(12, 8))
    return panel.override_by_name("imbalance", column(words("imbalance")))


def _balances(words: Words, panels: Panels) -> AnyPanel:
    sums = ", ".join(
        f"sum({short}_{what}_wh)::float8 * {MWH} as {short}_{what}" for _, short in _KINDS for what in ("plan", "fact")
    )
    sql = f"""
        select {_STEP} as at, {sums}, sum(imbalance_wh)::float8 * {MWH} as imbalance,
               avg(completeness) * 100 as completeness, bool_and(closed) as closed,
               max(schedule_version) as version {_OF_NODE}
        group by 1 order by 1"""
    found = panels.table("balances", rows(sql), size=(24, 10))
    found.override_by_name("at", column(words("start"), unit=_LONG_TIME))
    for name, short in _KINDS:
        for what in ("plan", "fact"):
            label = f"{words(name)}, {words(what)}"
            found.override_by_name(f"{short}_{what}", column(label, unit=units.mwh(words), decimals=3))
    yes = texts({"true": words("yes"), "false": words("no")})
    return (
        found.override_by_name("imbalance", column(words("imbalance"), unit=units.mwh(words), decimals=3))
        .override_by_name("completeness", column(words("completeness"), unit=PERCENT, decimals=1))
        .override_by_name("closed", column(words("closed"), mappings=yes))
        .override_by_name("version", column(words("version"), unit=NONE))
    )


def _readings(words: Words, panels: Panels) -> AnyPanel:
    sql = f"""
        select {_STEP} as "time", emc || '/' || code as metric, sum(wh)::float8 * 1e-3 as value
        from v_reading where emc || '/' || code in (${{channel:sqlstring}}) and $__timeFilter(ts)
        group by 1, 2 order by 1, 2"""
    panel = panels.series("readings", units.kwh(words), series(sql), size=(12, 10))
    return panel.line_interpolation(LineInterpolation.STEP_AFTER)


def _reading_rows(words: Words, panels: Panels) -> AnyPanel:
    sql = """
        select ts as at, emc, code, wh * 1e-3 as energy, quality, revision, received_at
        from v_reading where emc || '/' || code in (${channel:sqlstring}) and $__timeFilter(ts)
        order by ts desc, emc, code limit 5000"""
    qualities = texts({str(number): words(f"quality_{number}") for number in range(1, 9)})
    return (
        panels.table("reading_rows", rows(sql), size=(12, 10))
        .override_by_name("at", column(words("start"), unit=_LONG_TIME))
        .override_by_name("emc", column(words("emc")))
        .override_by_name("code", column(words("channel"), custom_width=70))
        .override_by_name("energy", column(words("energy"), unit=units.kwh(words), decimals=3))
        .override_by_name("quality", column(words("quality"), mappings=qualities))
        .override_by_name("revision", column(words("revisions"), unit=NONE, custom_width=90))
        .override_by_name("received_at", column(words("received"), unit=_LONG_TIME))
    )
