"""Gaps and quality: who is silent since when, how much of the data is there, and what was refused."""

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.builders import dashboard as made
from grafana_foundation_sdk.models import common as shape

from dashboards.grafana import palette, variables
from dashboards.grafana.page import Context, page
from dashboards.grafana.panels import (
    COUNT,
    DURATION,
    NONE,
    PERCENT,
    TEXT,
    TIME,
    AnyPanel,
    Panels,
    by_thresholds,
    column,
    steps,
    texts,
)
from dashboards.grafana.targets import rows, series
from dashboards.grafana.words import Words

NAME = "quality"

HEATMAP_DCTUS = 60
# Where a DCTU is: the first of the facilities whose units it measures.
_PLACE = """
    left join (
        select distinct on (c.dctu) c.dctu, f.name as facility, f.zone, f.region, f.entity
        from v_channel c
        join v_node u on u.node_kind = 'unit' and u.node = c.unit
        join v_node f on f.node_kind = 'facility' and f.node = u.facility
        order by c.dctu, f.node
    ) n using (dctu)"""
_DELAYS = (("< 1", 1), ("1–3", 3), ("3–6", 6), ("6–12", 12), ("12–24", 24))


def build(context: Context) -> made.Dashboard:
    """The dashboard."""
    words = context.words
    panels = Panels(words, NAME)
    found = page(context, NAME, choices=variables.places(words))
    found.with_panel(_now(words, panels))
    found.with_panel(_shares(words, panels))
    found.with_panel(_silent(words, panels))
    found.with_panel(_heatmap(panels))
    found.with_panel(_hours(words, panels))
    found.with_panel(_delays(words, panels))
    found.with_panel(_gaps(words, panels))
    found.with_panel(_refused(panels))
    found.with_panel(_refusals(words, panels))
    return found


def _now(words: Words, panels: Panels) -> AnyPanel:
    sql = """
        select count(*) as silent, sum(channels) as channels, min(first_start) as since
        from v_gap where healed_at is null"""
    asks = steps((None, palette.CALM), (1, palette.OVER))
    shown = {"unit": COUNT, "color": by_thresholds(), "thresholds": asks}
    return (
        panels.stat("now", COUNT, rows(sql), size=(12, 4))
        .override_by_name("silent", column(words("silent_dctus"), **shown))
        .override_by_name("channels", column(words("missing_channels"), **shown))
        .override_by_name("since", column(words("longest_since"), unit=TIME))
    )


def _shares(words: Words, panels: Panels) -> AnyPanel:
    sql = """
        select 100.0 * sum(on_time) / nullif(sum(expected), 0) as on_time,
               100.0 * sum(late) / nullif(sum(expected), 0) as late,
               100.0 * sum(missing) / nullif(sum(expected), 0) as missing
        from v_completeness_15m where $__timeFilter(ts)"""
    return (
        panels.stat("shares", PERCENT, rows(sql), size=(12, 4))
        .decimals(2)
        .override_by_name("on_time", column(words("on_time"), color=palette.FACT))
        .override_by_name("late", column(words("late"), color=palette.OVER))
        .override_by_name("missing", column(words("missing"), color=palette.FAR_OVER))
    )


def _silent(words: Words, panels: Panels) -> AnyPanel:
    sql = f"""
        select dctu, n.facility, n.zone, n.region, g.first_start as since, g.last_end as until,
               g.channels, g.declared
        from v_gap g {_PLACE} where g.healed_at is null and {variables.HERE} order by g.first_start, dctu"""
    return _gap_columns(words, panels.table("silent", rows(sql), size=(24, 8)))


def _gaps(words: Words, panels: Panels) -> AnyPanel:
    sql = f"""
        select dctu, n.facility, n.zone, n.region, g.first_start as since, g.last_end as until,
               g.channels, g.declared, g.healed_at, extract(epoch from g.late_by)::float8 as late_by
        from v_gap g {_PLACE} where $__timeFilter(g.first_start) and {variables.HERE}
        order by g.first_start desc, dctu limit 500"""
    return (
        _gap_columns(words, panels.table("gaps", rows(sql), size=(24, 8)))
        .override_by_name("healed_at", column(words("healed"), unit=TIME))
        .override_by_name("late_by", column(words("late_by"), unit=DURATION))
    )


def _gap_columns(words: Words, panel: table.Panel) -> table.Panel:
    yes = texts({"true": words("yes"), "false": words("no")})
    return (
        panel.override_by_name("dctu", column(words("dctu")))
        .override_by_name("facility", column(words("facility")))
        .override_by_name("zone", column(words("zone")))
        .override_by_name("region", column(words("region")))
        .override_by_name("since", column(words("since"), unit=TIME))
        .override_by_name("until", column(words("until"), unit=TIME))
        .override_by_name("channels", column(words("missing_channels"), unit=COUNT))
        .override_by_name("declared", column(words("declared"), mappings=yes))
    )


def _heatmap(panels: Panels) -> AnyPanel:
    sql = f"""
        with h as (
            select dctu, time_bucket('1 hour', ts) as at, sum(expected) as expected, sum(on_time) as on_time
            from v_completeness_15m where $__timeFilter(ts) group by 1, 2
        ), worst as (
            select dctu from h group by dctu
            order by sum(on_time) / nullif(sum(expected), 0) nulls last, dctu limit {HEATMAP_DCTUS}
        )
        select at as "time", dctu as metric, (100.0 * (1 - on_time / nullif(expected, 0)))::float8 as value
        from h join worst using (dctu) order by 1, 2 desc"""
    return panels.heatmap("heatmap", PERCENT, series(sql)).interval("1h")


def _hours(words: Words, panels: Panels) -> AnyPanel:
    sql = """
        select $__timeGroup(ts, $__interval) as "time", sum(late)::float8 as late, sum(missing)::float8 as missing
        from v_completeness_15m where $__timeFilter(ts) group by 1 order by 1"""
    return (
        panels.bars("hours", COUNT, series(sql), size=(14, 8))
        .override_by_name("late", column(words("late"), color=palette.OVER))
        .override_by_name("missing", column(words("missing"), color=palette.FAR_OVER))
    )


def _delays(words: Words, panels: Panels) -> AnyPanel:
    hours = "extract(epoch from late_by) / 3600"
    when = " ".join(f"when {hours} < {most} then {place}" for place, (_, most) in enumerate(_DELAYS))
    names = ", ".join(f"({place}, '{name}')" for place, name in enumerate([*(name for name, _ in _DELAYS), "> 24"]))
    sql = f"""
        select b.name as delay, count(g.delay) as gaps
        from (values {names}) b (place, name)
        left join (select case {when} else {len(_DELAYS)} end as delay from v_gap
                   where healed_at is not null and $__timeFilter(first_start)) g on g.delay = b.place
        group by b.place, b.name order by b.place"""
    return (
        panels.chart("delays", COUNT, rows(sql), size=(10, 8))
        .override_by_name("delay", column(words("hours_late"), unit=TEXT))
        .override_by_name("gaps", column(words("gaps"), color=palette.FACT))
    )


def _refused(panels: Panels) -> AnyPanel:
    sql = """
        select $__timeGroup(received_at, $__interval) as "time", rule as metric, count(*)::float8 as value
        from v_quarantine where $__timeFilter(received_at) group by 1, 2 order by 1, 2"""
    legend = common.VizLegendOptions().show_legend(True).display_mode(shape.LegendDisplayMode.TABLE)
    return panels.bars("refused", COUNT, series(sql), size=(9, 9)).legend(
        legend.placement(shape.LegendPlacement.RIGHT).calcs(["sum"])
    )


def _refusals(words: Words, panels: Panels) -> AnyPanel:
    sql = """
        select quarantine_id as number, received_at as at, rule, detail, dctu, channel, start, wh, replayed_at
        from v_quarantine where $__timeFilter(received_at) order by received_at desc, quarantine_id desc limit 200"""
    return (
        panels.table("refusals", rows(sql), size=(15, 9))
        .override_by_name("number", column(words("number"), unit=NONE, custom_width=80))
        .override_by_name("at", column(words("received"), unit=TIME, custom_width=110))
        .override_by_name("rule", column(words("rule"), custom_width=110))
        .override_by_name("detail", column(words("detail")))
        .override_by_name("dctu", column(words("dctu")))
        .override_by_name("channel", column(words("channel")))
        .override_by_name("start", column(words("start")))
        .override_by_name("wh", column(words("as_written")))
        .override_by_name("replayed_at", column(words("replayed"), unit=TIME))
    )
