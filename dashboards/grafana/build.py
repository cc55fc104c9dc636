"""All dashboards as Grafana reads them: JSON, by the SDK's types."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from alerts.master import Master, shipped
from dashboards.grafana import alarm_kpis, archive, control_room, pipeline, quality, unit
from dashboards.grafana.page import Context
from dashboards.grafana.words import Language, Words

# In the order in which they are looked at.
BUILDERS: Mapping[str, Callable[[Context], Dashboard]] = {
    module.NAME: module.build for module in (control_room, unit, quality, archive, alarm_kpis, pipeline)
}


def dashboards(language: Language, space: str = "main", master: Master | None = None) -> list[dict[str, Any]]:
    """Every dashboard in a language; `space` is the one they show first, `master` the rules of alarms in force."""
    context = Context(Words(language), master or shipped(), space)
    return [_document(build(context)) for build in BUILDERS.values()]


def _document(dashboard: Dashboard) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(dashboard.build(), cls=JSONEncoder))
    # Links and bookmarks of one panel name it by its number.
    for number, panel in enumerate(found["panels"], 1):
        panel["id"] = number
    # The SDK knows one placement only, a menu; without any, links and switches stand in sight, on the bar.
    for one in (*found["links"], *found["annotations"]["list"]):
        one.pop("placement", None)
    return found
