"""The live view of a replay in the terminal: system and zones, who is silent, what happened last.

It reads the public views, as anybody could; MW and local time belong to this edge.
"""

from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from alerts.texts import quantity
from infra.words import many
from schemas.alarm import Unit
from schemas.time import LOCAL

_INTERVALS_PER_HOUR = 4
_ROWS = 6
_UNIT_ROWS = 4
_ALARM_ROWS = 8
# From here on a deviation is coloured: demo values of a zone's and the system's operator limits.
_NOTABLE_MW, _GRAVE_MW = 150.0, 300.0

_NODES = """
select v.node_kind, v.node, v.now, v.ts, v.gen_plan_wh, v.gen_fact_wh, v.cons_plan_wh, v.cons_fact_wh,
       v.exch_plan_wh, v.exch_fact_wh, v.imbalance_wh, v.completeness, v.hour, v.closed_intervals,
       v.hour_imbalance_naive_wh, v.hour_imbalance_persist_wh
from v_node_now v where v.node_kind in ('system', 'zone') order by v.node_kind, v.node
"""

_SILENT = """
select dctu, first_start, last_end, channels, declared from v_gap where healed_at is null order by first_start, dctu
"""

_UNITS = """
select v.node, n.name, coalesce(v.gen_plan_wh, v.cons_plan_wh, v.exch_plan_wh) as plan_wh,
       coalesce(v.gen_fact_wh, v.cons_fact_wh, v.exch_fact_wh) as fact_wh, v.imbalance_wh, v.completeness
from v_node_now v join v_node n using (node_kind, node)
where v.node_kind = 'unit' and v.imbalance_wh is not null
order by abs(v.imbalance_wh) desc, v.node limit %s
"""

_ALARMS = """
select a.alarm_id, a.state, a.priority, a.type, a.object, coalesce(nullif(n.name, n.node), '') as name, a.value,
       a.limit_value, a.unit, a.raised_at, a.since
from v_alarm_now a left join v_node n on n.node_kind = a.object_kind and n.node = a.object
where a.state in ('UNACK', 'ACKED', 'RTNUN', 'LUNACK', 'LACK')
order by a.state = 'RTNUN', array_position(array['high', 'medium', 'low'], a.priority), a.raised_at desc, a.alarm_id
"""

_EVENTS = """
select at, what from (
    select opened_at as at, 'silent: ' || string_agg(dctu, ', ' order by dctu) as what
      from v_gap group by opened_at
    union all
    select healed_at, 'healed: ' || string_agg(dctu, ', ' order by dctu) || ', handed over '
           || to_char(max(late_by), 'HH24:MI') || ' late' from v_gap where healed_at is not null group by healed_at
    union all
    select received_at, 'refused ' || rule || ': ' || count(*) || ' of ' || coalesce(min(dctu), 'an unreadable message')
      from v_quarantine group by received_at, rule
    union all
    select received_at, 'schedule version ' || version || ' for ' || count(distinct unit) || ' units from '
           || to_char(min(hour) at time zone 'Asia/Almaty', 'DD.MM. HH24:MI')
      from v_schedule group by received_at, version
    union all
    select max(received_at), 'corrected: ' || count(*) || ' values of ' || split_part(min(emc), '-', 1)
      from v_reading where revision > 0 group by received_at
) event where at is not null order by at desc limit %s
"""


def read(connection: psycopg.Connection) -> dict[str, list[dict[str, Any]]]:
    """What the view shows, in one transaction."""
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        return {
            "nodes": cursor.execute(_NODES).fetchall(),
            "units": cursor.execute(_UNITS, [_UNIT_ROWS]).fetchall(),
            "alarms": cursor.execute(_ALARMS).fetchall(),
            "silent": cursor.execute(_SILENT).fetchall(),
            "events": cursor.execute(_EVENTS, [_ROWS]).fetchall(),
        }


def render(state: dict[str, list[dict[str, Any]]], speed: float | None, page: str = "") -> Group:
    """The screen. `page`: the address of the control-room page."""
    nodes, now = state["nodes"], _now(state)
    panels = (
        _balances(nodes), _alarms(state["alarms"]), _units(state["units"]), _silent(state["silent"]),
        _events(state["events"], now),
    )  # fmt: skip
    return Group(_title(now, speed, page), *panels)


def hour(state: dict[str, list[dict[str, Any]]]) -> str:
    """The same in a line, for who keeps what is said in a file; another one with each hour."""
    now = _now(state)
    if now is None:
        return "waiting for the first interval to close"
    local = now.astimezone(LOCAL)
    alarms, silent = (many(len(state[name]), what) for name, what in (("alarms", "alarm"), ("silent", "silent device")))
    return f"{local:%Y-%m-%d %H}:00 Asia/Almaty: {alarms}, {silent}"


def _now(state: dict[str, list[dict[str, Any]]]) -> datetime | None:
    return max((row["now"] for row in state["nodes"]), default=None)


def _title(now: datetime | None, speed: float | None, page: str) -> Text:
    text = Text("Tengerim  ", style="bold")
    if now is None:
        return text.append("waiting for the first interval to close …", style="dim")
    text.append(f"{now.astimezone(LOCAL):%a %d %b %Y  %H:%M}", style="bold cyan")
    text.append(f"  Asia/Almaty, {speed:.0f} times as fast" if speed else "  Asia/Almaty", style="dim")
    return text.append(f"  the page: {page}", style="dim") if page else text


def mw(wh: int | None) -> float | None:
    """The mean power of one interval."""
    return None if wh is None else wh * _INTERVALS_PER_HOUR / 1e6


def _number(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return "–"
    # A rounded zero has no sign.
    value = round(value) + 0.0
    return f"{value:+,.0f}" if signed else f"{value:,.0f}"


def _share(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}%}"


def _deviation(value: float | None) -> Text:
    style = "dim" if value is None else ""
    if value is not None and abs(value) >= _NOTABLE_MW:
        style = "bold red" if abs(value) >= _GRAVE_MW else "yellow"
    return Text(_number(value, signed=True), style=style)


def _minus(fact: int | None, plan: int | None) -> float | None:
    return None if fact is None or plan is None else mw(fact - plan)


def _balances(nodes: list[dict[str, Any]]) -> Panel:
    table = Table(box=None, header_style="bold", pad_edge=False, expand=True)
    for name in ("", "generation", "plan", "dev.", "consumption", "plan", "dev.", "export", "imbalance",
                 "hour: plan", "hour: trend", "data"):  # fmt: skip
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    for row in nodes:
        table.add_row(
            Text(row["node"], style="bold" if row["node_kind"] == "system" else ""),
            _number(mw(row["gen_fact_wh"])),
            Text(_number(mw(row["gen_plan_wh"])), style="dim"),
            _deviation(_minus(row["gen_fact_wh"], row["gen_plan_wh"])),
            _number(mw(row["cons_fact_wh"])),
            Text(_number(mw(row["cons_plan_wh"])), style="dim"),
            _deviation(_minus(row["cons_fact_wh"], row["cons_plan_wh"])),
            _number(mw(row["exch_fact_wh"])),
            _deviation(mw(row["imbalance_wh"])),
            _deviation(row["hour_imbalance_naive_wh"] / 1e6),
            _deviation(row["hour_imbalance_persist_wh"] / 1e6),
            _share(row["completeness"], 1),
        )
    newest = max((row["ts"] for row in nodes if row["ts"]), default=None)
    interval = (
        f", {newest.astimezone(LOCAL):%H:%M}–{newest.astimezone(LOCAL) + timedelta(minutes=15):%H:%M}" if newest else ""
    )
    return Panel(
        table,
        title=f"[bold]Balance[/], MW{interval}",
        subtitle="[dim]imbalance: + is a deficit · hour: projected imbalance of the running hour, MWh[/]",
        title_align="left",
        subtitle_align="left",
    )


_COLOURS = {"high": "bold red", "medium": "yellow", "low": "cyan"}
_SHOWN_AS = {"UNACK": "●", "LUNACK": "●", "ACKED": "○", "LACK": "○", "RTNUN": "✓"}


def _alarms(alarms: list[dict[str, Any]]) -> Panel:
    """What stands first, by priority; what has returned to normal and waits to be acknowledged after it."""
    if not alarms:
        return Panel(Text("nothing asks for a hand", style="green"), title="[bold]Alarms[/]", title_align="left")
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "alarm", "object", "", "value", "limit", "called"):
        table.add_column(name, justify="right" if name in ("value", "limit", "called") else "left", no_wrap=True)
    for row in alarms[:_ALARM_ROWS]:
        stands = row["state"] != "RTNUN"
        style = _COLOURS[row["priority"]] if stands else "dim"
        unit = Unit(row["unit"])
        signed = unit in (Unit.W, Unit.WH) and row["type"] != "TRIP"
        table.add_row(
            Text(_SHOWN_AS[row["state"]], style=style),
            Text(row["type"], style=style),
            row["object"],
            Text(row["name"], style="dim"),
            "" if row["value"] is None else quantity(row["value"], unit, "en", signed=signed),
            Text("" if row["limit_value"] is None else quantity(row["limit_value"], unit, "en"), style="dim"),
            f"{row['raised_at'].astimezone(LOCAL):%H:%M}",
        )
    standing = sum(row["state"] != "RTNUN" for row in alarms)
    more = f", {len(alarms) - _ALARM_ROWS} more not shown" if len(alarms) > _ALARM_ROWS else ""
    return Panel(
        table,
        title=f"[bold]Alarms[/]: {standing} stand{more}",
        subtitle="[dim]● nobody has acknowledged · ✓ over, not acknowledged[/]",
        title_align="left",
        subtitle_align="left",
    )


def _units(units: list[dict[str, Any]]) -> Panel:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("unit", "", "fact", "plan", "imbalance", "data"):
        table.add_column(name, justify="left" if name in ("unit", "") else "right", no_wrap=True)
    for row in units:
        table.add_row(
            row["node"],
            Text(row["name"], style="dim"),
            _number(mw(row["fact_wh"])),
            Text(_number(mw(row["plan_wh"])), style="dim"),
            _deviation(mw(row["imbalance_wh"])),
            _share(row["completeness"], 0),
        )
    return Panel(table, title="[bold]Farthest from the schedule[/], MW", title_align="left")


def _silent(gaps: list[dict[str, Any]]) -> Panel:
    if not gaps:
        return Panel(Text("every DCTU reports", style="green"), title="[bold]Silent[/]", title_align="left")
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("DCTU", "since", "intervals", "channels"):
        table.add_column(name, justify="left" if name == "DCTU" else "right", no_wrap=True)
    for row in gaps[:_ROWS]:
        intervals = round((row["last_end"] - row["first_start"]) / timedelta(minutes=15))
        since = f"{row['first_start'].astimezone(LOCAL):%H:%M}"
        table.add_row(Text(row["dctu"], style="yellow"), since, str(intervals), str(row["channels"]))
    more = f", {len(gaps) - _ROWS} more not shown" if len(gaps) > _ROWS else ""
    return Panel(
        table, title=f"[bold]Silent[/]: {len(gaps)} {'DCTU' if len(gaps) == 1 else 'DCTUs'}{more}", title_align="left"
    )


def _events(events: list[dict[str, Any]], now: datetime | None) -> Panel:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="cyan", justify="right")
    table.add_column(overflow="ellipsis", no_wrap=True)
    for row in events:
        at = row["at"].astimezone(LOCAL)
        today = now is not None and at.date() == now.astimezone(LOCAL).date()
        table.add_row(f"{at:%H:%M}" if today else f"{at:%d.%m. %H:%M}", row["what"])
    return Panel(table, title="[bold]What happened last[/]", title_align="left")
