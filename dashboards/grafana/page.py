"""What every dashboard has: its uid for ever, the market's time, who is looked at, and the ways to the others."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as made
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, VariableModel

from alerts.master import Master
from dashboards.grafana import links, variables
from dashboards.grafana.words import Words
from schemas.time import LOCAL


@dataclass(frozen=True)
class Context:
    """What dashboards are made from: the words of a language, the rules of alarms, the space that is shown first."""

    words: Words
    master: Master
    space: str


def page(
    context: Context, name: str, *, choices: Sequence[Builder[VariableModel]] = (), refresh: str = "1m"
) -> made.Dashboard:
    """An empty dashboard of a name that the table of words has; it opens on the running operating day."""
    title, about = context.words.dashboard(name)
    found = (
        made.Dashboard(title)
        .uid(links.uid(name))
        .description(about)
        .tags([links.TAG])
        .timezone(LOCAL.key)
        .week_start("monday")
        .time("now/d", "now/d")
        .refresh(refresh)
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .editable()
        .annotations([])
        .link(links.among_dashboards())
    )
    for variable in (*variables.sources(context.words, context.space), *choices):
        found.with_variable(variable)
    return found
