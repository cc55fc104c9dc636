"""Control room: is the system in balance, who is not, and what asks for a hand."""

from grafana_foundation_sdk.builders import common, geomap
from grafana_foundation_sdk.builders import dashboard as made
from grafana_foundation_sdk.models import common as shape
from grafana_foundation_sdk.models.geomap import TooltipMode

from dashboards.grafana import alarm_table, links, palette, units, variables
from dashboards.grafana.page import Context, page
from dashboards.grafana.panels import (
    COUNT,
    PERCENT,
    TIME,
    AnyPanel,
    Panels,
    by_sign,
    by_thresholds,
    column,
    hidden,
    line_of_fact,
    plan_ahead,
    steps,
    steps_of_plan,
    texts,
)
from dashboards.grafana.targets import MW, MWH, rows, series
from dashboards.grafana.words import Words

NAME = "control_room"

# Of a unit, what its kind is about.
_OF_ITS_KIND = """
    cross join lateral (
        select case n.unit_kind when 'generation' then w.gen_plan_wh when 'consumption' then w.cons_plan_wh
                                else w.exch_plan_wh end as plan_wh,
               case n.unit_kind when 'generation' then w.gen_fact_wh when 'consumption' then w.cons_fact_wh
                                else w.exch_fact_wh end as fact_wh
    ) k"""
# By share of the plan: what nobody looks at, what is worth a look, what is far off.
_FAR, _NEAR = 25, 5
_BY_SHARE = steps(
    (None, palette.FAR_UNDER), (-_FAR, palette.UNDER), (-_NEAR, palette.CALM), (_NEAR, palette.OVER),
    (_FAR, palette.FAR_OVER),
)  # fmt: skip
_BY_SIGN = by_sign()
_COLOURED = {"type": "color-text"}
_MAP_LAYER = "plants"


def build(context: Context) -> made.Dashboard:
    """The dashboard."""
    words = context.words
    panels = Panels(words, NAME)
    found = page(context, NAME, choices=[*variables.places(words), variables.kind(words)], refresh="30s")
    found.with_panel(_now(words, panels))
    for name, short in (("generation", "gen"), ("consumption", "cons"), ("interchange", "exch")):
        found.with_panel(_of_system(words, panels, name, short))
    found.with_panel(_hour(words, panels))
    for name, short in (("generation_day", "gen"), ("consumption_day", "cons")):
        found.with_panel(_day(words, panels, name, short))
    found.with_panel(_zones(words, panels))
    found.with_panel(_zone_imbalance(words, panels))
    found.with_panel(alarm_table.standing(context, panels, "alarms"))
    found.with_panel(_map(words, panels))
    found.with_panel(_worst(words, panels))
    return found


def _now(words: Words, panels: Panels) -> AnyPanel:
    """The data's own time, which a replay has elsewhere than the wall clock."""
    sql = """
        select max(now) as now,
               (select count(*) from v_alarm_now where state in ('UNACK', 'LUNACK', 'RTNUN')) as unanswered
        from v_node_now where node_kind = 'system'"""
    asks = steps((None, palette.CALM), (1, palette.HIGH))
    return (
        panels.stat("now", TIME, rows(sql), size=(4, 5))
        .orientation(shape.VizOrientation.HORIZONTAL)
        .override_by_name("now", column(words("data_time"), unit=TIME))
        .override_by_name("unanswered", column(words("unanswered"), unit=COUNT, color=by_thresholds(), thresholds=asks))
    )


def _of_system(words: Words, panels: Panels, name: str, short: str) -> AnyPanel:
    sql = f"""
        select {short}_plan_wh * {MW} as plan, {short}_fact_wh * {MW} as fact,
               ({short}_fact_wh - {short}_plan_wh) * {MW} as deviation
        from v_node_now where node_kind = 'system'"""
    return (
        panels.stat(name, units.mw(words), rows(sql), size=(5, 5))
        .decimals(0)
        .override_by_name("plan", column(words("plan"), color=palette.PLAN))
        .override_by_name("fact", column(words("fact"), color=palette.FACT))
        .override_by_name("deviation", column(words("deviation"), color=by_thresholds(), thresholds=_BY_SIGN))
    )


def _hour(words: Words, panels: Panels) -> AnyPanel:
    sql = f"""
        select imbalance_wh * {MWH} as last, hour_imbalance_naive_wh * {MWH} as naive,
               hour_imbalance_persist_wh * {MWH} as persistence
        from v_node_now where node_kind = 'system'"""
    found = panels.stat("hour", units.mwh(words), rows(sql), size=(5, 5)).decimals(0)
    for name in ("last", "naive", "persistence"):
        found.override_by_name(name, column(words(name), color=by_thresholds(), thresholds=_BY_SIGN))
    return found


def _day(words: Words, panels: Panels, name: str, short: str) -> AnyPanel:
    known = f"""
        select $__timeGroup(ts, $__interval) as "time", avg({short}_plan_wh)::float8 * {MW} as plan,
               avg({short}_fact_wh) filter (where closed)::float8 * {MW} as fact
        from v_balance_15m where node_kind = 'system' and $__timeFilter(ts)
        group by 1 order by 1"""
    # The rest of the day has no balance yet, only its hours of the schedule.
    ahead = f"""
        select ts as "time", {short}_plan_wh * {MWH} as ahead
        from node_plan('system', 'system',
                       greatest(date_trunc('hour', $__timeFrom()::timestamptz), (select max(hour) from v_node_now)),
                       $__timeTo()::timestamptz)
        order by 1"""
    return (
        panels.series(name, units.mw(words), series(known), series(ahead, "B"))
        .decimals(0)
        .override_by_name("plan", steps_of_plan(words("plan")))
        .override_by_name("fact", line_of_fact(words("fact")))
        .override_by_name("ahead", plan_ahead(words("plan_ahead")))
    )


def _zones(words: Words, panels: Panels) -> AnyPanel:
    sql = f"""
        select w.node as zone, w.gen_fact_wh * {MW} as generation,
               (w.gen_fact_wh - w.gen_plan_wh) * {MW} as gen_deviation,
               w.cons_fact_wh * {MW} as consumption, (w.cons_fact_wh - w.cons_plan_wh) * {MW} as cons_deviation,
               w.imbalance_wh * {MW} as imbalance, w.hour_imbalance_persist_wh * {MWH} as hour,
               w.completeness * 100 as completeness, w.ts as at,
               (extract(epoch from d.begins) * 1000)::bigint::text as from_ms,
               (extract(epoch from d.begins + interval '1 day') * 1000 - 1)::bigint::text as to_ms
        from v_node_now w cross join lateral (select time_bucket('1 day', w.ts, 'Asia/Almaty') as begins) d
        where w.node_kind = 'zone' and w.node in (${{zone:sqlstring}}) order by 1"""
    mw = units.mw(words)
    signed = {"color": by_thresholds(), "thresholds": _BY_SIGN, "custom_cellOptions": _COLOURED, "decimals": 0}
    return (
        panels.table("zones", rows(sql), size=(12, 8))
        .override_by_name("zone", column(words("zone"), links=links.to_archive(words("to_archive"), "zone", "zone")))
        .override_by_name("generation", column(words("generation"), unit=mw, decimals=0))
        .override_by_name("gen_deviation", column(words("gen_deviation"), unit=mw, **signed))
        .override_by_name("consumption", column(words("consumption"), unit=mw, decimals=0))
        .override_by_name("cons_deviation", column(words("cons_deviation"), unit=mw, **signed))
        .override_by_name("imbalance", column(words("imbalance"), unit=mw, **signed))
        .override_by_name("hour", column(words("hour_ends"), unit=units.mwh(words), **signed))
        .override_by_name("completeness", column(words("completeness"), unit=PERCENT, decimals=1))
        .override_by_name("at", column(words("start"), unit=TIME, links=links.to_day(words("show_day"), NAME)))
        .override_by_name("from_ms", hidden())
        .override_by_name("to_ms", hidden())
    )


def _zone_imbalance(words: Words, panels: Panels) -> AnyPanel:
    sql = f"""
        select $__timeGroup(ts, $__interval) as "time", node as metric, avg(imbalance_wh)::float8 * {MW} as value
        from v_balance_15m
        where node_kind = 'zone' and node in (${{zone:sqlstring}}) and closed and $__timeFilter(ts)
        group by 1, 2 order by 1, 2"""
    return panels.series("zone_imbalance", units.mw(words), series(sql), size=(12, 8)).axis_centered_zero(True)


def _map(words: Words, panels: Panels) -> AnyPanel:
    sql = f"""
        select n.node as plant, n.name, n.lat, n.lon, w.gen_plan_wh * {MW} as plan, w.gen_fact_wh * {MW} as fact,
               (w.gen_fact_wh - w.gen_plan_wh) * {MW} as deviation,
               100.0 * (w.gen_fact_wh - w.gen_plan_wh) / nullif(w.gen_plan_wh, 0) as share
        from v_node n join v_node_now w using (node_kind, node)
        where n.node_kind = 'facility' and n.lat is not null and w.gen_fact_wh is not null and {variables.HERE}
        order by 1"""
    mw = units.mw(words)
    land = {
        "src": "public/maps/countries.geojson", "rules": [],
        "style": {"color": {"fixed": palette.CALM}, "opacity": 0.08, "lineWidth": 1},
    }  # fmt: skip
    dots = {
        "showLegend": False,
        "style": {
            "color": {"field": "share", "fixed": palette.CALM},
            "size": {"field": "plan", "fixed": 6, "min": 5, "max": 22},
            "opacity": 0.85,
            "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
            "symbolAlign": {"horizontal": "center", "vertical": "center"},
        },
    }
    where = common.FrameGeometrySource().mode(shape.FrameGeometrySourceMode.COORDS).latitude("lat").longitude("lon")
    return (
        panels.map("map", mw, rows(sql))
        .view(geomap.MapViewConfig().id("coords").lat(48).lon(67).zoom(5).all_layers(True))
        .controls(geomap.ControlsOptions().show_zoom(True).mouse_wheel_zoom(False).show_attribution(True))
        .basemap(common.MapLayerOptions().type("default").name("Basemap").config({}))
        .layers(
            [
                # Grafana's own file: the borders are there where no tiles are, offline.
                common.MapLayerOptions().type("geojson").name("land").config(land).tooltip(False),
                common.MapLayerOptions().type("markers").name(_MAP_LAYER).config(dots).location(where).tooltip(True),
            ]
        )
        .tooltip(geomap.TooltipOptions().mode(TooltipMode.DETAILS))
        .override_by_name(
            "plant", column(words("code"), links=links.to_archive(words("to_archive"), "facility", "plant"))
        )
        .override_by_name("name", column(words("plant")))
        .override_by_name("plan", column(words("plan"), decimals=0))
        .override_by_name("fact", column(words("fact"), decimals=0))
        .override_by_name("deviation", column(words("deviation"), decimals=0))
        .override_by_name(
            "share",
            column(words("share_of_plan"), unit=PERCENT, decimals=1, color=by_thresholds(), thresholds=_BY_SHARE),
        )
        .override_by_name("lat", column(words("lat"), unit="degree", decimals=2))
        .override_by_name("lon", column(words("lon"), unit="degree", decimals=2))
    )


def _worst(words: Words, panels: Panels) -> AnyPanel:
    sql = f"""
        select n.name, n.node as unit, n.unit_kind as kind, k.plan_wh * {MW} as plan, k.fact_wh * {MW} as fact,
               (k.fact_wh - k.plan_wh) * {MW} as deviation,
               100.0 * (k.fact_wh - k.plan_wh) / nullif(k.plan_wh, 0) as share, w.completeness * 100 as completeness
        from v_node n join v_node_now w using (node_kind, node) {_OF_ITS_KIND}
        where n.node_kind = 'unit' and n.unit_kind in (${{kind:sqlstring}}) and {variables.HERE}
        order by abs(k.fact_wh - k.plan_wh) desc nulls last, 2 limit 25"""
    mw = units.mw(words)
    shown = {"color": by_thresholds(), "custom_cellOptions": _COLOURED}
    return (
        panels.table("worst", rows(sql), size=(12, 14))
        .override_by_name("name", column(words("name"), links=links.to_unit(words("to_unit"))))
        .override_by_name("unit", column(words("code"), custom_width=120, links=links.to_unit(words("to_unit"))))
        .override_by_name("kind", column(words("kind"), mappings=texts({k: words(k) for k in variables.KINDS})))
        .override_by_name("plan", column(words("plan"), unit=mw, decimals=0))
        .override_by_name("fact", column(words("fact"), unit=mw, decimals=0))
        .override_by_name("deviation", column(words("deviation"), unit=mw, decimals=0, thresholds=_BY_SIGN, **shown))
        .override_by_name(
            "share", column(words("share_of_plan"), unit=PERCENT, decimals=1, thresholds=_BY_SHARE, **shown)
        )
        .override_by_name("completeness", column(words("completeness"), unit=PERCENT, decimals=0))
    )
