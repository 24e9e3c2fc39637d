"""Build dashboards: panels in rows, controls, and links from a panel to its documents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from elkmon.kibana.lens import Chart
from elkmon.kibana.object_format import json_text, object_id, reference, saved_object
from elkmon.kibana.views import PREDICTIONS

__all__ = ["Control", "Dashboard", "Documents", "Panel", "Text"]

_WIDTH = 48
_VERSION = "8.6.0"
_EVERYTHING = {"query": {"query": "", "language": "kuery"}, "filter": []}


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart on a dashboard.

    Attributes:
        title: title for people.
        meaning: what it shows, in plain words.
        chart: the chart.
        width: width in columns; a dashboard has 48.
        id: identifier on the dashboard, if it is not made from the title.
    """

    title: str
    meaning: str
    chart: Chart
    width: int
    id: str = ""

    def body(self, prefix: str, key: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """Return the panel and its references.

        Args:
            prefix: prefix of all indices.
            key: identifier of the panel on its dashboard.
        """
        panel = {
            "type": "lens",
            "embeddableConfig": {
                "attributes": self.chart.attributes(prefix, self.title, self.meaning),
                "enhancements": {"dynamicActions": {"events": [_drilldown(key)]}},
                "hidePanelTitles": False,
            },
            "title": self.title,
        }
        return panel, self.chart.references(prefix)


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of a saved search on a dashboard, over its whole width."""

    title: str
    meaning: str
    search: str
    id: str = ""

    width = _WIDTH

    def body(self, prefix: str, key: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """Return the panel and its references."""
        name = f"panel_{key}"
        panel = {
            "type": "search",
            "embeddableConfig": {"enhancements": {}, "description": self.meaning},
            "panelRefName": name,
            "title": self.title,
        }
        return panel, [reference(name, "search", object_id(prefix, "search", self.search))]


@dataclass(frozen=True, slots=True)
class Text:
    """Markdown over a dashboard's whole width; ``{prefix}`` stands for the indices' prefix."""

    title: str
    text: str
    id: str = ""

    width = _WIDTH

    def body(self, prefix: str, _key: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """Return the panel; it has no references."""
        markdown = {
            "title": "",
            "description": "",
            "type": "markdown",
            "params": {
                "fontSize": 12,
                "openLinksInNewTab": False,
                "markdown": self.text.replace("{prefix}", prefix),
            },
            "uiState": {},
            "data": {"aggs": [], "searchSource": _EVERYTHING},
        }
        panel = {
            "type": "visualization",
            "embeddableConfig": {
                "savedVis": markdown, "hidePanelTitles": True, "enhancements": {},
            },
            "title": self.title,
        }  # fmt: skip
        return panel, []


@dataclass(frozen=True, slots=True)
class Control:
    """A list of a field's values to choose from, above the panels."""

    title: str
    field: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard.

    Attributes:
        name: last part of its identifier.
        title: title for people.
        meaning: which questions it answers, in plain words.
        rows: height and panels of each row, from the top.
        controls: controls above the panels.
        since: start of the time range that it opens with.
    """

    name: str
    title: str
    meaning: str
    rows: Sequence[tuple[int, Sequence[Panel | Documents | Text]]]
    controls: Sequence[Control]
    since: str = "now-7d"

    def body(self, prefix: str) -> dict[str, Any]:
        """Return the saved object."""
        panels: list[dict[str, Any]] = []
        references: list[dict[str, str]] = []
        top = 0
        for height, row in self.rows:
            left = 0
            for item in row:
                key = item.id or re.sub(r"\W+", "-", item.title.lower()).strip("-")
                panel, panel_references = item.body(prefix, key)
                grid = {"x": left, "y": top, "w": item.width, "h": height, "i": key}
                panels.append({"version": _VERSION, "panelIndex": key, "gridData": grid, **panel})
                references += [
                    {**entry, "name": f"{key}:{entry['name']}"} for entry in panel_references
                ]
                left += item.width
            if left > _WIDTH:
                raise ValueError(f"{self.title}: a row is {left} wide, more than {_WIDTH}")
            top += height
        controls, control_references = self._controls(prefix)
        attributes = {
            "title": f"{prefix}: {self.title}",
            "description": self.meaning,
            "panelsJSON": json_text(panels),
            "optionsJSON": json_text(
                {
                    "useMargins": True,
                    "syncColors": True,
                    "syncCursor": True,
                    "syncTooltips": False,
                    "hidePanelTitles": False,
                }
            ),
            "controlGroupInput": controls,
            "timeRestore": True,
            "timeFrom": self.since,
            "timeTo": "now",
            "refreshInterval": {"pause": True, "value": 60000},
            "kibanaSavedObjectMeta": {"searchSourceJSON": json_text(_EVERYTHING)},
            "version": 1,
        }
        identifier = object_id(prefix, "dashboard", self.name)
        return saved_object("dashboard", identifier, attributes, references + control_references)

    def _controls(self, prefix: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
        panels, references = {}, []
        for order, control in enumerate(self.controls):
            if PREDICTIONS.type_of(control.field) != "string":
                raise ValueError(f"{self.title}: {control.field} cannot be chosen from")
            key = control.title.lower()
            panels[key] = {
                "order": order,
                "width": "medium",
                "grow": True,
                "type": "optionsListControl",
                "explicitInput": {
                    "id": key,
                    "fieldName": control.field,
                    "title": control.title,
                    "enhancements": {},
                },
            }
            references.append(
                PREDICTIONS.reference(prefix, f"controlGroup_{key}:optionsListDataView")
            )
        group = {
            "controlStyle": "oneLine",
            "chainingSystem": "HIERARCHICAL",
            "panelsJSON": json_text(panels),
            "ignoreParentSettingsJSON": json_text(
                {
                    "ignoreFilters": False,
                    "ignoreQuery": False,
                    "ignoreTimerange": False,
                    "ignoreValidations": False,
                }
            ),
        }
        return group, references


def _drilldown(key: str) -> dict[str, Any]:
    return {
        "eventId": f"{key}-documents",
        "triggers": ["FILTER_TRIGGER"],
        "action": {
            "factoryId": "OPEN_IN_DISCOVER_DRILLDOWN",
            "name": "Show these documents",
            "config": {"openInNewTab": True},
        },
    }
