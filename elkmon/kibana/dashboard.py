"""A dashboard: panels in rows, controls, and what leads from a panel to the documents behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from elkmon.kibana.identity import identity, reference, saved
from elkmon.kibana.lens import Chart
from elkmon.kibana.views import PREDICTIONS

__all__ = ["Control", "Dashboard", "Documents", "Panel", "Text"]

_WIDTH = 48
_VERSION = "8.6.0"


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart on a dashboard: title, meaning in plain words, width of 48."""

    title: str
    meaning: str
    chart: Chart
    width: int

    def body(self, prefix: str, key: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """Give the panel, and its references.

        Args:
            prefix: of all indices.
            key: of the panel on its dashboard.
        """
        shown = {
            "type": "lens",
            "embeddableConfig": {
                "attributes": self.chart.attributes(prefix, self.title, self.meaning),
                "enhancements": {"dynamicActions": {"events": [_drilldown(key)]}},
                "hidePanelTitles": False,
            },
            "title": self.title,
        }
        return shown, self.chart.references(prefix)


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents of a saved search on a dashboard."""

    title: str
    meaning: str
    search: str
    width: int = _WIDTH

    def body(self, prefix: str, key: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """Give the panel, and its references."""
        name = f"panel_{key}"
        shown = {
            "type": "search",
            "embeddableConfig": {"enhancements": {}, "description": self.meaning},
            "panelRefName": name,
            "title": self.title,
        }
        return shown, [reference(name, "search", identity(prefix, "search", self.search))]


@dataclass(frozen=True, slots=True)
class Text:
    """Words on a dashboard, in Markdown; ``{prefix}`` in it is that of all indices."""

    title: str
    text: str
    width: int = _WIDTH

    def body(self, prefix: str, _key: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """Give the panel; it refers to nothing."""
        written = {
            "title": "",
            "description": "",
            "type": "markdown",
            "params": {
                "fontSize": 12,
                "openLinksInNewTab": False,
                "markdown": self.text.replace("{prefix}", prefix),
            },
            "uiState": {},
            "data": {"aggs": [], "searchSource": {"query": {"query": "", "language": "kuery"},
                                                  "filter": []}},
        }  # fmt: skip
        shown = {
            "type": "visualization",
            "embeddableConfig": {
                "savedVis": written, "hidePanelTitles": True, "enhancements": {},
            },
            "title": self.title,
        }  # fmt: skip
        return shown, []


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
        title: for people.
        meaning: which questions it answers, in plain words.
        rows: height and panels of each row, from the top.
        controls: above the panels.
        since: beginning of the time that it opens with.
    """

    name: str
    title: str
    meaning: str
    rows: Sequence[tuple[int, Sequence[Panel | Documents | Text]]]
    controls: Sequence[Control]
    since: str = "now-7d"

    def body(self, prefix: str) -> dict[str, Any]:
        """Give the saved object."""
        panels: list[dict[str, Any]] = []
        references: list[dict[str, str]] = []
        top = 0
        for height, row in self.rows:
            left = 0
            for each in row:
                key = re.sub(r"\W+", "-", each.title.lower()).strip("-")
                shown, needed = each.body(prefix, key)
                grid = {"x": left, "y": top, "w": each.width, "h": height, "i": key}
                panels.append({"version": _VERSION, "panelIndex": key, "gridData": grid, **shown})
                references += [{**one, "name": f"{key}:{one['name']}"} for one in needed]
                left += each.width
            if left > _WIDTH:
                raise ValueError(f"{self.title}: a row is {left} wide, more than {_WIDTH}")
            top += height
        controls, asked = self._controls(prefix)
        attributes = {
            "title": f"{prefix}: {self.title}",
            "description": self.meaning,
            "panelsJSON": _text(panels),
            "optionsJSON": _text(
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
            "kibanaSavedObjectMeta": {
                "searchSourceJSON": _text(
                    {"query": {"query": "", "language": "kuery"}, "filter": []}
                )
            },
            "version": 1,
        }
        return saved(
            "dashboard", identity(prefix, "dashboard", self.name), attributes, references + asked
        )

    def _controls(self, prefix: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
        made, references = {}, []
        for order, each in enumerate(self.controls):
            if PREDICTIONS.type_of(each.field) != "string":
                raise ValueError(f"{self.title}: {each.field} cannot be chosen from")
            key = each.title.lower()
            made[key] = {
                "order": order,
                "width": "medium",
                "grow": True,
                "type": "optionsListControl",
                "explicitInput": {
                    "id": key,
                    "fieldName": each.field,
                    "title": each.title,
                    "enhancements": {},
                },
            }
            references.append(
                PREDICTIONS.referred(prefix, f"controlGroup_{key}:optionsListDataView")
            )
        group = {
            "controlStyle": "oneLine",
            "chainingSystem": "HIERARCHICAL",
            "panelsJSON": _text(made),
            "ignoreParentSettingsJSON": _text(
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


def _text(value: object) -> str:
    return orjson.dumps(value).decode()
