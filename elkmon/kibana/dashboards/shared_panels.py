"""Build what several dashboards have: controls, navigation, numbers, charts over time, tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from elkmon.kibana.columns import Column, DateHistogram, Formula
from elkmon.kibana.dashboard import Control, Panel, Text
from elkmon.kibana.lens import XY, Layer, Number, Series, Table
from elkmon.kibana.views import PREDICTIONS, View

__all__ = [
    "CHART_HEIGHT",
    "CONTROLS",
    "NAVIGATION",
    "NUMBER_HEIGHT",
    "number",
    "over_time",
    "table",
]

CONTROLS = (
    Control("Model", "ml.model.name"),
    Control("Version", "ml.model.version"),
    Control("Environment", "service.environment"),
    Control("Segment", "segment"),
)

CHART_HEIGHT, NUMBER_HEIGHT = 12, 6
"""Heights of a row of charts and of a row of numbers."""

NAVIGATION = (
    3,
    (
        Text(
            "Navigation",
            "**elkmon**: [Overview](#/view/{prefix}-dashboard-overview) · "
            "[Model quality](#/view/{prefix}-dashboard-quality) · "
            "[Errors and issues](#/view/{prefix}-dashboard-errors) · "
            "[Data](#/view/{prefix}-dashboard-data) · "
            "[Service and host](#/view/{prefix}-dashboard-service)"
            "  |  documents: [wrong answers](discover#/view/{prefix}-search-wrong) · "
            "[failed attempts](discover#/view/{prefix}-search-failed) · "
            "[exceptions](discover#/view/{prefix}-search-errors) · "
            "[predictions without a label](discover#/view/{prefix}-search-unlabelled) · "
            "[labels waiting to be joined](discover#/view/{prefix}-search-waiting) · "
            "[all events](discover#/view/{prefix}-search-events)",
            id="the-way",
        ),
    ),
)
"""The first row of each dashboard: links to the other dashboards and to the documents."""


def number(
    title: str,
    caption: str,
    meaning: str,
    colour: str,
    formula: Formula,
    second: Formula | None = None,
    view: View = PREDICTIONS,
    id: str = "",  # noqa: A002 - a panel's name for it
) -> Panel:
    """Return a panel with one large number.

    Args:
        title: title of the panel.
        caption: how the number is computed, in a few words.
        meaning: what it shows, in plain words.
        colour: colour of the panel.
        formula: the number.
        second: another number, small beside it.
        view: the events that it is computed from.
        id: identifier of the panel, if it is not made from the title.
    """
    columns = {"figure": replace(formula, label=caption)}
    if second is not None:
        columns["second"] = second
    return Panel(title, meaning, Number(Layer(view, columns), colour), 12, id)


def over_time(
    title: str,
    meaning: str,
    columns: Mapping[str, Column],
    where: str = "",
    *,
    series: Series = "line",
    colours: Mapping[str, str] | None = None,
    palette: str = "default",
    deployments: bool = True,
    view: View = PREDICTIONS,
    width: int = 24,
    id: str = "",  # noqa: A002 - a panel's name for it
) -> Panel:
    """Return a panel with a chart over time.

    Args:
        title: title of the panel.
        meaning: what it shows, in plain words.
        columns: numbers, and the group that splits them.
        where: KQL that selects the events.
        series: how to draw the numbers.
        colours: colours of numbers, by the names of their columns.
        palette: colours of a split.
        deployments: whether to mark deployments.
        view: the events that it is computed from.
        width: width of the panel.
        id: identifier of the panel, if it is not made from the title.
    """
    layer = Layer(view, {"time": DateHistogram(), **columns}, where)
    return Panel(title, meaning, XY(layer, series, colours, deployments, palette), width, id)


def table(
    title: str,
    meaning: str,
    columns: Mapping[str, Column],
    where: str = "",
    *,
    across: str | None = None,
    sort: str | None = None,
    widths: Mapping[str, int] | None = None,
    view: View = PREDICTIONS,
    width: int = 24,
    id: str = "",  # noqa: A002 - a panel's name for it
) -> Panel:
    """Return a panel with a table.

    Args:
        title: title of the panel.
        meaning: what it shows, in plain words.
        columns: groups and numbers.
        where: KQL that selects the events.
        across: group whose values become columns.
        sort: column to sort by, highest first.
        widths: widths of columns in pixels.
        view: the events that it is computed from.
        width: width of the panel.
        id: identifier of the panel, if it is not made from the title.
    """
    chart = Table(Layer(view, columns, where), across, sort, widths)
    return Panel(title, meaning, chart, width, id)
