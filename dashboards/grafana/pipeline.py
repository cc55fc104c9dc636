"""Pipeline: is the monitoring itself well, all by Prometheus; its alert rules are in infra/prometheus/rules."""

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders import dashboard as made

from dashboards.grafana import palette
from dashboards.grafana.page import Context, page
from dashboards.grafana.panels import COUNT, AnyPanel, Panels, Target, by_thresholds, column, steps, texts
from dashboards.grafana.targets import METRICS, metric

NAME = "pipeline"

_RATE = "[$__rate_interval]"
_AGENT = "{{agent}}"
# Name, unit, what Prometheus is asked, the legend.
_LINES: tuple[tuple[str, str, str, str], ...] = (
    ("lag_intervals", COUNT, "max by (agent) (tengerim_lag_intervals)", _AGENT),
    ("lag_messages", COUNT, "sum by (agent) (tengerim_lag_messages)", _AGENT),
    ("tick_age", "s", "max by (agent) (tengerim_tick_age_seconds)", _AGENT),
    ("readings", "cps", f"sum by (outcome) (rate(tengerim_readings_total{_RATE}))", "{{outcome}}"),
    ("messages", "cps", f"sum by (agent, kind) (rate(tengerim_messages_total{_RATE}))", "{{agent}} {{kind}}"),
    ("refused", COUNT, f"sum by (rule) (increase(tengerim_quarantined_total{_RATE})) > 0", "{{rule}}"),
    (
        "batch_most",
        "s",
        f"histogram_quantile(0.99, sum by (agent, step, le) (rate(tengerim_batch_seconds_bucket{_RATE})))",
        "{{agent}} {{step}}",
    ),
    (
        "batch_half",
        "s",
        f"histogram_quantile(0.5, sum by (agent, step, le) (rate(tengerim_batch_seconds_bucket{_RATE})))",
        "{{agent}} {{step}}",
    ),
    ("retries", COUNT, f"sum by (agent) (increase(tengerim_database_retries_total{_RATE}))", _AGENT),
    ("fenced", COUNT, f"sum by (agent) (increase(tengerim_fenced_total{_RATE}))", _AGENT),
    ("outbox", COUNT, "sum by (agent) (tengerim_outbox_pending)", _AGENT),
    ("restarts", COUNT, f"sum by (agent) (increase(tengerim_worker_restarts_total{_RATE}))", _AGENT),
    ("gaps", COUNT, f"sum by (change) (increase(tengerim_gaps_total{_RATE}))", "{{change}}"),
    ("balances", "cps", f"sum(rate(tengerim_balances_total{_RATE}))", "balance"),
    ("notifications", COUNT, f"sum by (outcome) (increase(tengerim_notifications_total{_RATE}))", "{{outcome}}"),
    ("matrix", "bytes", "sum by (agent) (tengerim_matrix_bytes)", _AGENT),
)


def build(context: Context) -> made.Dashboard:
    """The dashboard."""
    panels = Panels(context.words, NAME, METRICS)
    found = page(context, NAME, refresh="10s").time("now-6h", "now")
    found.with_panel(_now(context, panels))
    found.with_panel(_alerts(context, panels))
    for name, unit, expr, legend in _LINES:
        found.with_panel(panels.series(name, unit, metric(expr, legend), size=(12, 8)).interval("15s").min(0))
    return found


def _now(context: Context, panels: Panels) -> AnyPanel:
    words = context.words
    asked: list[tuple[str, str, Target]] = [
        ("agents", COUNT, metric('count(up{job="tengerim"} == 1) or vector(0)', ref="A", instant=True)),
        ("behind", COUNT, metric("max(tengerim_lag_intervals)", ref="B", instant=True)),
        ("waiting", COUNT, metric("sum(tengerim_lag_messages)", ref="C", instant=True)),
        ("untold", COUNT, metric("sum(tengerim_notifications_pending)", ref="D", instant=True)),
    ]
    late = steps((None, palette.CALM), (1, palette.OVER), (4, palette.FAR_OVER))
    found = panels.stat("now", COUNT, *(target for _, _, target in asked), size=(12, 6))
    found.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
    for place, (name, unit, _) in enumerate(asked):
        look = {"color": by_thresholds(), "thresholds": late} if name == "behind" else {}
        found.override_by_query("ABCD"[place], column(words(name), unit=unit, **look))
    return found


def _alerts(context: Context, panels: Panels) -> AnyPanel:
    words = context.words
    firing = 'count by (alertname, severity, agent) (ALERTS{alertstate="firing"})'
    severities = texts(
        {"critical": words("critical"), "warning": words("warning")},
        {"critical": palette.HIGH, "warning": palette.MEDIUM},
    )
    return (
        panels.table("alerts", metric(firing, table=True), size=(12, 6))
        .no_value(words("nothing_fires"))
        .override_by_name("Time", column(words("at"), custom_hidden=True))
        .override_by_name("alertname", column(words("alarm")))
        .override_by_name(
            "severity", column(words("priority"), mappings=severities, custom_cellOptions={"type": "color-text"})
        )
        .override_by_name("agent", column(words("agent")))
        .override_by_name("Value", column(words("value"), custom_hidden=True))
    )
