"""Panels with the look of the control room: calm, plan and fact alike everywhere, a unit and an explanation on each."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self, TypeVar

from grafana_foundation_sdk.builders import barchart, common, geomap, heatmap, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as made
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as shape
from grafana_foundation_sdk.models import heatmap as heat
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    FieldColorModeId,
    Panel,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from dashboards.grafana.palette import CALM, FACT, OVER, PLAN, UNDER
from dashboards.grafana.targets import ARCHIVE
from dashboards.grafana.words import Words

AnyPanel = Builder[Panel]
Target = Builder[Dataquery]
# No interval of the archive is shorter.
INTERVAL = "15m"
TIME = "time:DD.MM HH:mm"
LEAST = -1e12
_NOWHERE = {"legend": True, "tooltip": True, "viz": True}
PERCENT = "percent"
COUNT = "short"
NONE = "none"
# A text that looks like a number is still a text: 01 is no 1.
TEXT = "string"
DURATION = "dthms"


class _Panel(Protocol):
    """What the SDK's builders of panels have in common; each is a class of its own there."""

    def title(self, title: str, /) -> Self: ...
    def description(self, description: str, /) -> Self: ...
    def datasource(self, datasource: shape.DataSourceRef, /) -> Self: ...
    def targets(self, targets: list[Target], /) -> Self: ...
    def unit(self, unit: str, /) -> Self: ...
    def span(self, w: int, /) -> Self: ...
    def height(self, h: int, /) -> Self: ...


P = TypeVar("P", bound=_Panel)


class Panels:
    """Makes the panels of one dashboard; `name` finds title and explanation in the table of words."""

    def __init__(self, words: Words, dashboard: str, source: shape.DataSourceRef = ARCHIVE) -> None:
        self._words, self._dashboard, self._source = words, dashboard, source

    def _frame(self, panel: P, name: str, unit: str, targets: Sequence[Target], size: tuple[int, int]) -> P:
        title, about = self._words.panel(self._dashboard, name)
        width, height = size
        return (
            panel.title(title)
            .description(about)
            .datasource(self._source)
            .targets(list(targets))
            .unit(unit)
            .span(width)
            .height(height)
        )

    def series(self, name: str, unit: str, *targets: Target, size: tuple[int, int] = (12, 9)) -> timeseries.Panel:
        """Lines over time."""
        legend = common.VizLegendOptions().show_legend(True).display_mode(shape.LegendDisplayMode.LIST)
        return (
            self._frame(timeseries.Panel(), name, unit, targets, size)
            .interval(INTERVAL)
            .line_width(2)
            .show_points(shape.VisibilityMode.NEVER)
            .legend(legend.placement(shape.LegendPlacement.BOTTOM))
            .tooltip(common.VizTooltipOptions().mode(shape.TooltipDisplayMode.MULTI))
        )

    def bars(self, name: str, unit: str, *targets: Target, size: tuple[int, int] = (12, 9)) -> timeseries.Panel:
        """Bars over time, one on the other."""
        return (
            self.series(name, unit, *targets, size=size)
            .draw_style(shape.GraphDrawStyle.BARS)
            .fill_opacity(70)
            .line_width(0)
            .stacking(common.StackingConfig().mode(shape.StackingMode.NORMAL).group("A"))
        )

    def deviation(self, name: str, unit: str, *targets: Target, size: tuple[int, int] = (12, 7)) -> timeseries.Panel:
        """Bars about zero: orange above, blue below."""
        return (
            self.series(name, unit, *targets, size=size)
            .draw_style(shape.GraphDrawStyle.BARS)
            .fill_opacity(80)
            .line_width(0)
            .gradient_mode(shape.GraphGradientMode.SCHEME)
            .color_scheme(by_thresholds())
            .thresholds(steps((None, UNDER), (0, OVER)))
            .axis_centered_zero(True)
        )

    def stat(self, name: str, unit: str, *targets: Target, size: tuple[int, int] = (6, 5)) -> stat.Panel:
        """Figures, large; each column of the one row that is asked for."""
        return (
            self._frame(stat.Panel(), name, unit, targets, size)
            .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("/.*/").values(False))
            .graph_mode(shape.BigValueGraphMode.NONE)
            .color_mode(shape.BigValueColorMode.VALUE)
            .text_mode(shape.BigValueTextMode.VALUE_AND_NAME)
            .wide_layout(True)
            .color_scheme(fixed(CALM))
        )

    def table(self, name: str, *targets: Target, size: tuple[int, int] = (24, 10)) -> table.Panel:
        """Rows; what a column counts is said by its override, else it is text."""
        return self._frame(table.Panel(), name, TEXT, targets, size).cell_height(shape.TableCellHeight.SM)

    def chart(self, name: str, unit: str, *targets: Target, size: tuple[int, int] = (12, 9)) -> barchart.Panel:
        """Bars by name."""
        return (
            self._frame(barchart.Panel(), name, unit, targets, size)
            .show_value(shape.VisibilityMode.AUTO)
            .fill_opacity(75)
            .legend(common.VizLegendOptions().show_legend(False).display_mode(shape.LegendDisplayMode.LIST))
            .color_scheme(fixed(FACT))
        )

    def heatmap(self, name: str, unit: str, *targets: Target, size: tuple[int, int] = (24, 12)) -> heatmap.Panel:
        """A row a series, a cell an hour; nothing is transparent, much is orange."""
        colours = (
            heatmap.HeatmapColorOptions()
            .mode(heat.HeatmapColorMode.OPACITY)
            .scale(heat.HeatmapColorScale.EXPONENTIAL)
            .exponent(0.5)
            .fill(OVER)
            .scheme("Oranges")
            .steps(64)
            .min(0)
            .max(100)
        )
        return (
            self._frame(heatmap.Panel(), name, unit, targets, size)
            .calculate(False)
            .color(colours)
            .cell_gap(1)
            .cell_values(heatmap.CellValues().unit(unit).decimals(0))
            .rows_frame(heatmap.RowsHeatmapOptions().layout(shape.HeatmapCellLayout.AUTO).value(""))
            .y_axis(heatmap.YAxisConfig().axis_placement(shape.AxisPlacement.LEFT))
            .show_legend()
        )

    def map(self, name: str, unit: str, *targets: Target, size: tuple[int, int] = (12, 14)) -> geomap.Panel:
        """A map; its layers are the caller's."""
        return self._frame(geomap.Panel(), name, unit, targets, size)


def fixed(colour: str) -> made.FieldColor:
    """One colour."""
    return made.FieldColor().mode(FieldColorModeId.FIXED).fixed_color(colour)


def by_thresholds() -> made.FieldColor:
    """The colour of the threshold that a value has passed."""
    return made.FieldColor().mode(FieldColorModeId.THRESHOLDS)


def steps(*pairs: tuple[float | None, str]) -> made.ThresholdsConfig:
    """Thresholds: from a value on, a colour; the first is of whatever lies below the second.

    It has a value all the same: in an override Grafana takes none for zero, and then looks at no threshold below it.
    """
    return (
        made.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(LEAST if value is None else value, colour) for value, colour in pairs])
    )


def by_sign(near: float = 0.5) -> made.ThresholdsConfig:
    """Blue below zero, orange above, grey about it."""
    return steps((None, UNDER), (-near, CALM), (near, OVER))


def texts(of: Mapping[str, str], colours: Mapping[str, str] | None = None) -> list[ValueMapping]:
    """What is shown in place of a value."""
    results = {
        value: ValueMappingResult(text=text, color=(colours or {}).get(value), index=place)
        for place, (value, text) in enumerate(of.items())
    }
    return [ValueMap(options=results)]


def column(label: str, **properties: Any) -> list[DynamicConfigValue]:
    """How a column or series is shown: its name, and properties of the field; those of the panel's own by `custom_`."""
    found = [DynamicConfigValue("displayName", label)]
    for name, value in properties.items():
        id_ = f"custom.{name.removeprefix('custom_')}" if name.startswith("custom_") else name
        if name == "color":
            value = fixed(value).build() if isinstance(value, str) else value.build()
        elif isinstance(value, Builder):
            value = value.build()
        found.append(DynamicConfigValue(id_, value))
    return found


def steps_of_plan(label: str) -> list[DynamicConfigValue]:
    """The plan: grey steps."""
    return column(label, color=PLAN, custom_lineInterpolation="stepAfter")


def line_of_fact(label: str) -> list[DynamicConfigValue]:
    """The fact: a blue line over a light ground."""
    return column(label, color=FACT, custom_lineInterpolation="stepAfter", custom_fillOpacity=12)


def plan_ahead(label: str) -> list[DynamicConfigValue]:
    """The plan of what has not been yet: the same, dashed."""
    return [*steps_of_plan(label), DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [6, 4]})]


def hidden() -> list[DynamicConfigValue]:
    """A column that links need and nobody reads."""
    # The second is what newer Grafanas call it.
    return [DynamicConfigValue("custom.hidden", True), DynamicConfigValue("custom.hideFrom", _NOWHERE)]
