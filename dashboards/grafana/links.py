"""Ways from one dashboard to the others; variables and time go along."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from grafana_foundation_sdk.builders import dashboard as made
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

TAG = "tengerim"


def uid(dashboard: str) -> str:
    """The uid of a dashboard: for ever, it stands in people's bookmarks."""
    return f"tengerim-{dashboard.replace('_', '-')}"


def address(grafana: str, dashboard: str, space: str, begin: datetime, end: datetime) -> str:
    """Where a dashboard shows a space and a time, at a Grafana at `http://[user:password@]host:port[/path]`."""
    parts = urlsplit(grafana)
    shown = parts._replace(
        netloc=parts.netloc.rpartition("@")[2],
        path=f"{parts.path.rstrip('/')}/d/{uid(dashboard)}",
        query=urlencode(
            {
                "var-database": f"tengerim-{space}",
                "from": int(begin.timestamp() * 1000),
                "to": int(end.timestamp() * 1000) - 1,
            }
        ),
    )
    return shown.geturl()


def among_dashboards() -> made.DashboardLink:
    """All of ours, side by side on top."""
    return (
        made.DashboardLink("Tengerim")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .include_vars(True)
        .keep_time(True)
        .icon("external link")
    )


def _to(dashboard: str, variables: str) -> str:
    return f"/d/{uid(dashboard)}?${{__all_variables}}&${{__url_time_range}}&{variables}"


def to_unit(title: str, field: str = "unit") -> list[dict[str, Any]]:
    """From a row to the unit that its `field` names."""
    return [{"title": title, "url": _to("unit", f"var-unit=${{__data.fields.{field}:percentencode}}")}]


def to_archive(title: str, kind: str, node: str) -> list[dict[str, Any]]:
    """From a row to the archive of a node: `node` names the field with its code, `kind` says or names its kind."""
    of_kind = kind if kind in ("zone", "facility") else f"${{__data.fields.{kind}:percentencode}}"
    return [
        {
            "title": title,
            "url": _to("archive", f"var-node_kind={of_kind}&var-node=${{__data.fields.{node}:percentencode}}"),
        }
    ]


def to_day(title: str, dashboard: str) -> list[dict[str, Any]]:
    """From a row with the columns `from_ms` and `to_ms` to that time."""
    url = f"/d/{uid(dashboard)}?${{__all_variables}}&from=${{__data.fields.from_ms}}&to=${{__data.fields.to_ms}}"
    return [{"title": title, "url": url}]
