"""What Grafana makes of a target before it asks: variables and macros as its PostgreSQL data source documents them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Value = str | Sequence[str]

# Every format that a variable may have in SQL; others do not quote.
QUOTING = ("sqlstring", "singlequote")
_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\[\[(\w+)\]\]")
_MACRO = re.compile(r"\$(\w+)\(([^)]*)\)")
_INTERVALS = [timedelta(minutes=m) for m in (1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 10080, 43200)]
_POINTS = 1000


@dataclass(frozen=True)
class Range:
    """The time range of a dashboard."""

    begin: datetime
    end: datetime

    def interval(self, least: str) -> str:
        """What `$__interval` stands for: about a thousand points, and not less than the panel says."""
        floor = timedelta(**{{"m": "minutes", "h": "hours", "s": "seconds"}[least[-1]]: int(least[:-1])})
        wanted = max((self.end - self.begin) / _POINTS, floor)
        found = next(step for step in _INTERVALS if step >= wanted)
        return f"{found.days}d" if found.days else f"{found.seconds // 60}m"


@dataclass(frozen=True)
class Asked:
    """One target: of which dashboard and panel, its SQL as it was written, its format."""

    dashboard: str
    panel: str
    ref: str
    sql: str
    format: str
    interval: str

    def __str__(self) -> str:
        return f"{self.dashboard.removeprefix('tengerim-')}/{self.panel}/{self.ref}"


def targets(dashboard: Mapping[str, Any]) -> Iterator[Asked]:
    """Every SQL target of a dashboard: of panels, variables and annotations."""
    uid = dashboard["uid"]
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            if "rawSql" in target:
                least = panel.get("interval", "1m")
                yield Asked(uid, panel["title"], target["refId"], target["rawSql"], target["format"], least)
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield Asked(uid, f"${variable['name']}", "variable", variable["query"], "variable", "1m")
    for annotation in dashboard["annotations"]["list"]:
        if target := annotation.get("target"):
            yield Asked(uid, annotation["name"], "annotation", target["rawSql"], "annotation", "1m")


def expanded(asked: Asked, of: Range, values: Mapping[str, Value]) -> str:
    """The SQL that reaches the database."""
    sql = asked.sql.replace("$__interval", of.interval(asked.interval))

    def variable(found: re.Match[str]) -> str:
        name, form = found[1], found[2]
        assert form in QUOTING, f"{asked}: ${{{name}}} is not quoted"
        value = values[name]
        several = [value] if isinstance(value, str) else list(value)
        return ",".join("'" + one.replace("'", "''") + "'" for one in several)

    return _MACRO.sub(lambda found: _macro(found, sql, of), _VARIABLE.sub(variable, sql))


def _macro(found: re.Match[str], sql: str, of: Range) -> str:
    begin, end = (f"'{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'" for at in (of.begin, of.end))
    arguments = [argument.strip() for argument in found[2].split(",")]
    match found[1]:
        case "__timeFilter":
            return f"{arguments[0]} BETWEEN {begin} AND {end}"
        case "__timeFrom":
            return begin
        case "__timeTo":
            return end
        case "__timeGroup":
            # With a comma behind it Grafana would add a name by itself.
            assert sql[found.end() : found.end() + 1] != ","
            number, unit = re.fullmatch(r"'?(\d+)([smhd])'?", arguments[1]).groups()  # type: ignore[union-attr]
            seconds = int(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
            return f"time_bucket('{seconds:.3f}s',{arguments[0]})"
    raise AssertionError(f"Grafana knows no macro ${found[1]}")
