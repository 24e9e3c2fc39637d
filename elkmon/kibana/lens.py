"""Lens charts by value, typed: charts over time, bars, tables, heat maps, single figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from elkmon.kibana.columns import Column
from elkmon.kibana.identity import reference
from elkmon.kibana.views import DEPLOYMENTS, View

__all__ = ["XY", "Chart", "HeatMap", "Layer", "Number", "Table"]

Series = Literal["line", "area", "bar", "bar_stacked", "bar_percentage_stacked", "bar_horizontal"]
_LAYER = "data"
_RELEASES = "deployments"
_SHADES = ("#ECF1F7", "#D9E3EF", "#C5D6E8", "#B2C8E0", "#9EBCD9", "#8AAFD1", "#74A2CA", "#6092C0")
"""Of heat maps: the more, the darker."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What is asked: columns by name over a data view, and which records in KQL.

    Raises:
        ValueError: a field is not there, or does not fit.
    """

    view: View
    columns: Mapping[str, Column]
    where: str = ""

    def __post_init__(self) -> None:
        for each in self.columns.values():
            each.checked(self.view)

    def body(self) -> dict[str, Any]:
        """Give the layer as Lens keeps it."""
        columns: dict[str, Any] = {}
        ordered = sorted(self.columns.items(), key=lambda each: not each[1].bucketed)
        for name, column in ordered:
            columns |= column.bodies(name)
        return {
            "columns": columns,
            "columnOrder": list(columns),
            "incompleteColumns": {},
            "sampling": 1,
        }

    def named(self, *, bucketed: bool) -> list[str]:
        """Give the names of groups, or of figures."""
        return [name for name, each in self.columns.items() if each.bucketed == bucketed]


class Chart:
    """A way to show a layer."""

    kind: str
    layer: Layer

    def visualization(self) -> dict[str, Any]:
        """Give its own settings, as Lens keeps them."""
        raise NotImplementedError

    def views(self) -> dict[str, View]:
        """Give the data views that it asks, by the name of the reference."""
        return {f"indexpattern-datasource-layer-{_LAYER}": self.layer.view}

    def attributes(self, prefix: str, title: str, meaning: str) -> dict[str, Any]:
        """Give what a Lens panel has by value.

        Args:
            prefix: of all indices.
            title: for people.
            meaning: in plain words.
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
        """Give the references to its data views."""
        return [
            reference(name, "index-pattern", view.id(prefix)) for name, view in self.views().items()
        ]


@dataclass(frozen=True, slots=True)
class XY(Chart):
    """Lines, areas or bars: its first group is the axis, its second one splits.

    Attributes:
        layer: what is asked.
        series: how figures are drawn.
        colours: of figures, by their names.
        releases: whether deployments are marked; over time only.
        palette: of a split. The usual one gives a value the same colour in all panels.
    """

    layer: Layer
    series: Series = "line"
    colours: Mapping[str, str] | None = None
    releases: bool = False
    palette: str = "default"

    kind = "lnsXY"

    def views(self) -> dict[str, View]:
        """Give the data views that it asks, by the name of the reference."""
        asked = {f"indexpattern-datasource-layer-{_LAYER}": self.layer.view}
        if self.releases:
            asked[f"xy-visualization-layer-{_RELEASES}"] = DEPLOYMENTS
        return asked

    def visualization(self) -> dict[str, Any]:
        """Give its own settings, as Lens keeps them."""
        axis, *split = self.layer.named(bucketed=True)
        figures = self.layer.named(bucketed=False)
        data: dict[str, Any] = {
            "layerId": _LAYER,
            "layerType": "data",
            "seriesType": self.series,
            "xAccessor": axis,
            "accessors": figures,
            "palette": {"type": "palette", "name": self.palette},
            "yConfig": [
                {"forAccessor": name, "color": colour, "axisMode": "left"}
                for name, colour in (self.colours or {}).items()
            ],
        }
        if split:
            data["splitAccessor"] = split[0]
        layers = [data, *([_RELEASED] if self.releases else [])]
        everything = {"x": True, "yLeft": True, "yRight": True}
        return {
            "layers": layers,
            "preferredSeriesType": self.series,
            "legend": {
                "isVisible": bool(split) or len(figures) > 1,
                "position": "bottom",
                "showSingleSeries": False,
            },
            "valueLabels": "show" if self.series == "bar_horizontal" else "hide",
            "fittingFunction": "None",
            "axisTitlesVisibilitySettings": {"x": False, "yLeft": False, "yRight": False},
            "tickLabelsVisibilitySettings": everything,
            "gridlinesVisibilitySettings": {**everything, "x": False},
            "labelsOrientation": {"x": 0, "yLeft": 0, "yRight": 0},
        }


_RELEASED: Mapping[str, Any] = {
    "layerId": _RELEASES,
    "layerType": "annotations",
    "persistanceType": "byValue",
    "ignoreGlobalFilters": False,
    "annotations": [
        {
            "id": f"{_RELEASES}-{action}",
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
    """A table: a row a group.

    Attributes:
        layer: what is asked.
        across: group whose values are columns.
        sort: column that the order goes by, the most first.
        widths: of columns, in pixels.
    """

    layer: Layer
    across: str | None = None
    sort: str | None = None
    widths: Mapping[str, int] | None = None

    kind = "lnsDatatable"

    def visualization(self) -> dict[str, Any]:
        """Give its own settings, as Lens keeps them."""
        columns = []
        for name, each in self.layer.columns.items():
            column: dict[str, Any] = {"columnId": name, "isTransposed": name == self.across}
            if not each.bucketed:
                column["isMetric"] = True
            if self.widths and name in self.widths:
                column["width"] = self.widths[name]
            columns.append(column)
        made: dict[str, Any] = {
            "layerId": _LAYER,
            "layerType": "data",
            "columns": columns,
            "rowHeight": "single",
            "rowHeightLines": 1,
            "headerRowHeight": "auto",
        }
        if self.sort:
            made["sorting"] = {"columnId": self.sort, "direction": "desc"}
        return made


@dataclass(frozen=True, slots=True)
class HeatMap(Chart):
    """A figure by two groups: the first one across, the second one down."""

    layer: Layer

    kind = "lnsHeatmap"

    def visualization(self) -> dict[str, Any]:
        """Give its own settings, as Lens keeps them."""
        across, down = self.layer.named(bucketed=True)
        (figure,) = self.layer.named(bucketed=False)
        return {
            "shape": "heatmap",
            "layerId": _LAYER,
            "layerType": "data",
            "xAccessor": across,
            "yAccessor": down,
            "valueAccessor": figure,
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
                "accessor": figure,
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
                        {"color": colour, "stop": 100 * number / len(_SHADES)}
                        for number, colour in enumerate(_SHADES, 1)
                    ],
                },
            },
        }


@dataclass(frozen=True, slots=True)
class Number(Chart):
    """One figure, large, in a colour; a second one is small beside it."""

    layer: Layer
    colour: str

    kind = "lnsMetric"

    def visualization(self) -> dict[str, Any]:
        """Give its own settings, as Lens keeps them."""
        figure, *second = self.layer.named(bucketed=False)
        made: dict[str, Any] = {
            "layerId": _LAYER,
            "layerType": "data",
            "metricAccessor": figure,
            "color": _tint(self.colour),
        }
        if second:
            made["secondaryMetricAccessor"] = second[0]
        return made


def _tint(colour: str) -> str:
    """Make a colour light enough for words on it."""
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{255 - (255 - part) // 3:02X}" for part in parts)
