"""What dashboards have in common: the way to the others, the controls, and the row of numbers."""

from __future__ import annotations

from dataclasses import replace

from elkmon.kibana.columns import Figure
from elkmon.kibana.dashboard import Control, Panel, Text
from elkmon.kibana.lens import Layer, Number
from elkmon.kibana.views import PREDICTIONS, View

__all__ = ["CONTROLS", "HEIGHT", "LOW", "WAY", "number"]

CONTROLS = (
    Control("Model", "ml.model.name"),
    Control("Version", "ml.model.version"),
    Control("Environment", "service.environment"),
    Control("Segment", "segment"),
)

HEIGHT, LOW = 12, 6
"""Of a row of charts, and of a row of numbers."""

WAY = (
    3,
    (
        Text(
            "The way",
            "**elkmon**: [Overview](#/view/{prefix}-dashboard-overview) · "
            "[Model quality](#/view/{prefix}-dashboard-quality) · "
            "[Errors and issues](#/view/{prefix}-dashboard-errors) · "
            "[Data](#/view/{prefix}-dashboard-data) · "
            "[Service and host](#/view/{prefix}-dashboard-service)"
            "  |  documents: [wrong answers](discover#/view/{prefix}-search-wrong) · "
            "[failed attempts](discover#/view/{prefix}-search-failed) · "
            "[error events](discover#/view/{prefix}-search-errors) · "
            "[answers without a label](discover#/view/{prefix}-search-unlabelled) · "
            "[waiting labels](discover#/view/{prefix}-search-waiting) · "
            "[all events](discover#/view/{prefix}-search-events)",
        ),
    ),
)
"""The first row: to the other dashboards, and to the documents."""


def number(
    title: str,
    said: str,
    meaning: str,
    colour: str,
    figure: Figure,
    second: Figure | None = None,
    view: View = PREDICTIONS,
) -> Panel:
    """Give a panel of one large number.

    Args:
        title: of the panel.
        said: how it is computed, in few words.
        meaning: in plain words.
        colour: what it stands for.
        figure: the number.
        second: another one, small beside it.
        view: the events that it is of.
    """
    columns = {"figure": replace(figure, label=said)}
    if second is not None:
        columns["second"] = second
    return Panel(title, meaning, Number(Layer(view, columns), colour), 12)
