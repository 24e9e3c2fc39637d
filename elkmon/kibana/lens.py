"""Build Lens charts: lines, bars, tables, heat maps and single numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from elkmon.kibana.columns import Column
from elkmon.kibana.object_format import reference
from elkmon.kibana.views import DEPLOYMENTS, View

__all__ = ["XY", "Chart", "HeatMap", "Layer", "Number", "Table"]

Series = Literal["line", "area", "bar", "bar_stacked", "bar_percentage_stacked", "bar_horizontal"]
_LAYER = "data"
_DEPLOYMENTS = "deployments"
_SHADES = ("#ECF1F7", "#D9E3EF", "#C5D6E8", "#B2C8E0", "#9EBCD9", "#8AAFD1", "#74A2CA", "#6092C0")
"""Shades of heat maps, darker for higher values."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Columns by name over a data view, and the KQL that selects its records.

    Raises:
        ValueError: a field does not exist, or has a type that does not fit.
    """

    view: View
    columns: Mapping[str, Column]
    where: str = ""

    def __post_init__(self) -> None:
        for column in self.columns.values():
            column.check(self.view)

    def body(self) -> dict[str, Any]:
        """Return the layer in Lens's format: groups first, then numbers."""
        columns: dict[str, Any] = {}
        for bucketed in (True, False):
            for name in self.names(bucketed=bucketed):
                columns |= self.columns[name].lens_columns(name)
        return {
            "columns": columns,
            "columnOrder": list(columns),
            "incompleteColumns": {},
            "sampling": 1,
        }

    def names(self, *, bucketed: bool) -> list[str]:
        """Return the names of the columns that are groups, or of those that are numbers."""
        return [name for name, column in self.columns.items() if column.bucketed == bucketed]


class Chart:
    """A way to show a layer."""

    kind: str
    layer: Layer

    def visualization(self) -> dict[str, Any]:
        """Return its settings in Lens's format."""
        raise NotImplementedError

    def views(self) -> dict[str, View]:
        """Return the data views that it reads, by the name of the reference."""
        return {f"indexpattern-datasource-layer-{_LAYER}": self.layer.view}

    def attributes(self, prefix: str, title: str, meaning: str) -> dict[str, Any]:
        """Return the attributes of a Lens panel that contains its chart.

        Args:
            prefix: prefix of all indices.
            title: title of the panel.
            meaning: what it shows, in plain words.
        """
        return {
            "title": title,
            "description": meaning,
            "type": "lens",
            "visualizationType": self.kind,
            "references": self.references(prefix),
            "state": {
                "visualization": self.visualization(),
                "query": {"query": self.layer.where, "language": "kuery"},
                "filters": [],
                "datasourceStates": {"formBased": {"layers": {_LAYER: self.layer.body()}}},
                "internalReferences": [],
                "adHocDataViews": {},
            },
        }

    def references(self, prefix: str) -> list[dict[str, str]]:
        """Return the references to its data views."""
        return [
            reference(name, "index-pattern", view.id(prefix)) for name, view in self.views().items()
        ]


@dataclass(frozen=True, slots=True)
class XY(Chart):
    """Lines, areas or bars: the first group is the axis, the second one splits the series.

    Attributes:
        layer: columns to show.
        series: how to draw numbers.
        colours: colours of numbers, by the names of their columns.
        deployments: whether to mark deployments; for charts over time.
        palette: colours of a split. The default gives a value the same colour in all panels.
    """

    layer: Layer
    series: Series = "line"
    colours: Mapping[str, str] | None = None
    deployments: bool = False
    palette: str = "default"

    kind = "lnsXY"

    def views(self) -> dict[str, View]:
        """Return the data views that it reads, by the name of the reference."""
        views = {f"indexpattern-datasource-layer-{_LAYER}": self.layer.view}
        if self.deployments:
            views[f"xy-visualization-layer-{_DEPLOYMENTS}"] = DEPLOYMENTS
        return views

    def visualization(self) -> dict[str, Any]:
        """Return its settings in Lens's format."""
        axis, *split = self.layer.names(bucketed=True)
        numbers = self.layer.names(bucketed=False)
        data: dict[str, Any] = {
            "layerId": _LAYER,
            "layerType": "data",
            "seriesType": self.series,
            "xAccessor": axis,
            "accessors": numbers,
            "palette": {"type": "palette", "name": self.palette},
            "yConfig": [
                {"forAccessor": name, "color": colour, "axisMode": "left"}
                for name, colour in (self.colours or {}).items()
            ],
        }
        if split:
            data["splitAccessor"] = split[0]
        all_axes = {"x": True, "yLeft": True, "yRight": True}
        return {
            "layers": [data, _DEPLOYMENTS_LAYER] if self.deployments else [data],
            "preferredSeriesType": self.series,
            "legend": {
                "isVisible": bool(split) or len(numbers) > 1,
                "position": "bottom",
                "showSingleSeries": False,
            },
            "valueLabels": "show" if self.series == "bar_horizontal" else "hide",
            "fittingFunction": "None",
            "axisTitlesVisibilitySettings": {"x": False, "yLeft": False, "yRight": False},
            "tickLabelsVisibilitySettings": all_axes,
            "gridlinesVisibilitySettings": {**all_axes, "x": False},
            "labelsOrientation": {"x": 0, "yLeft": 0, "yRight": 0},
        }


_DEPLOYMENTS_LAYER: Mapping[str, Any] = {
    "layerId": _DEPLOYMENTS,
    "layerType": "annotations",
    "persistanceType": "byValue",
    "ignoreGlobalFilters": False,
    "annotations": [
        {
            "id": f"{_DEPLOYMENTS}-{action}",
            "type": "query",
            "label": label,
            "key": {"type": "point_in_time"},
            "timeField": "@timestamp",
            "filter": {
                "type": "kibana_query",
                "query": f'event.action: "{action}"',
                "language": "kuery",
            },
            "textField": "ml.model.version",
            "textVisibility": True,
            "extraFields": ["ml.model.name"],
            "icon": icon,
            "color": colour,
            "lineWidth": 1,
            "lineStyle": "dashed",
            "isHidden": False,
        }
        for action, label, icon, colour in (
            ("deployed", "deployed", "flag", "#6A717D"),
            ("rolled_back", "rolled back", "alert", "#BD271E"),
        )
    ],
}


@dataclass(frozen=True, slots=True)
class Table(Chart):
    """A table with one row per group.

    Attributes:
        layer: columns to show.
        across: group whose values become columns.
        sort: column to sort by, highest first.
        widths: widths of columns in pixels.
    """

    layer: Layer
    across: str | None = None
    sort: str | None = None
    widths: Mapping[str, int] | None = None

    kind = "lnsDatatable"

    def visualization(self) -> dict[str, Any]:
        """Return its settings in Lens's format."""
        columns = []
        for name, column in self.layer.columns.items():
            settings: dict[str, Any] = {"columnId": name, "isTransposed": name == self.across}
            if not column.bucketed:
                settings["isMetric"] = True
            if self.widths and name in self.widths:
                settings["width"] = self.widths[name]
            columns.append(settings)
        table: dict[str, Any] = {
            "layerId": _LAYER,
            "layerType": "data",
            "columns": columns,
            "rowHeight": "single",
            "rowHeightLines": 1,
            "headerRowHeight": "auto",
        }
        if self.sort:
            table["sorting"] = {"columnId": self.sort, "direction": "desc"}
        return table


@dataclass(frozen=True, slots=True)
class HeatMap(Chart):
    """A number by two groups: the first one across, the second one down."""

    layer: Layer

    kind = "lnsHeatmap"

    def visualization(self) -> dict[str, Any]:
        """Return its settings in Lens's format."""
        across, down = self.layer.names(bucketed=True)
        (number,) = self.layer.names(bucketed=False)
        return {
            "shape": "heatmap",
            "layerId": _LAYER,
            "layerType": "data",
            "xAccessor": across,
            "yAccessor": down,
            "valueAccessor": number,
            "legend": {"isVisible": False, "position": "right", "type": "heatmap_legend"},
            "gridConfig": {
                "type": "heatmap_grid",
                "isCellLabelVisible": True,
                "isYAxisLabelVisible": True,
                "isXAxisLabelVisible": True,
                "isYAxisTitleVisible": True,
                "isXAxisTitleVisible": True,
            },
            "palette": {
                "type": "palette",
                "name": "cool",
                "accessor": number,
                "params": {
                    "name": "cool",
                    "reverse": False,
                    "rangeType": "percent",
                    "rangeMin": 0,
                    "rangeMax": None,
                    "progression": "fixed",
                    "continuity": "above",
                    "steps": len(_SHADES),
                    "maxSteps": len(_SHADES),
                    "stops": [
                        {"color": colour, "stop": 100 * position / len(_SHADES)}
                        for position, colour in enumerate(_SHADES, 1)
                    ],
                },
            },
        }


@dataclass(frozen=True, slots=True)
class Number(Chart):
    """One large number on a colour, with an optional small one beside it."""

    layer: Layer
    colour: str

    kind = "lnsMetric"

    def visualization(self) -> dict[str, Any]:
        """Return its settings in Lens's format."""
        number, *second = self.layer.names(bucketed=False)
        metric: dict[str, Any] = {
            "layerId": _LAYER,
            "layerType": "data",
            "metricAccessor": number,
            "color": _lighter(self.colour),
        }
        if second:
            metric["secondaryMetricAccessor"] = second[0]
        return metric


def _lighter(colour: str) -> str:
    """Return a colour that is light enough for text on it."""
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{255 - (255 - part) // 3:02X}" for part in parts)
