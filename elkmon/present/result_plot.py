"""Plot one figure of a result with Vega-Lite, over time or by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from elkmon.events.errors import QueryError
from elkmon.present.formatting import cell, counts, with_interval
from elkmon.present.plots import SCHEMA, Spec
from elkmon.query.question import Question
from elkmon.query.times import iso
from elkmon.statistics.estimate import Estimate
from elkmon.statistics.rate import Rate

__all__ = ["result_plot"]


def result_plot(question: Question, rows: Sequence[Any], figure: str | None = None) -> Spec:
    """Return the plot of a rate or an estimate with its 95 % interval.

    Args:
        question: of the rows; with steps, the figure is drawn over time.
        rows: of one question.
        figure: the name of the rate or estimate; the first one if not given.

    Raises:
        QueryError: no row has such a figure.
    """
    names = list(dict.fromkeys(name for row in rows for name in _figures(row)))
    name = figure or next(iter(names), None)
    if name is None or name not in names:
        there = f"there are: {', '.join(names)}" if names else "no row has a figure"
        raise QueryError(f"no figure {figure or 'to plot'}; {there}")
    drawn = [_drawn(row, _figures(row)[name]) for row in rows if name in _figures(row)]
    rate = any(isinstance(_figures(row).get(name), Rate) for row in rows)
    axis = {"format": ".1%"} if rate else {}
    value = {"type": "quantitative", "title": name.replace("_", " "), "axis": axis}
    scale = {"scale": {"zero": False}} if not rate else {}
    if question.every is not None:
        where = {
            "x": {"field": "time", "type": "temporal", "title": None, "scale": {"type": "utc"}}
        }
        figure_axis, low, high = "y", "y", "y2"
        marks: tuple[Spec, Spec] = (
            {"type": "area", "opacity": 0.2},
            {"type": "line", "point": True},
        )
    else:
        where = {"y": {"field": "group", "type": "nominal", "title": None, "sort": None}}
        figure_axis, low, high = "x", "x", "x2"
        marks = ({"type": "rule"}, {"type": "point", "filled": True, "size": 60})
    colour = {"color": {"field": "group", "type": "nominal", "title": None}}
    tooltip = [{"field": part, "type": "nominal"} for part in ("group", "shown", "of")]
    return {
        "$schema": SCHEMA,
        "data": {"values": drawn},
        "layer": [
            {
                "mark": marks[0],
                "encoding": {
                    **where,
                    low: {"field": "low", **value, **scale},
                    high: {"field": "high"},
                    **colour,
                },
            },
            {
                "mark": marks[1],
                "encoding": {
                    **where,
                    figure_axis: {"field": "value", **value, **scale},
                    **colour,
                    "tooltip": tooltip,
                },
            },
        ],
    }


def _figures(row: Any) -> dict[str, Rate | Estimate]:  # noqa: ANN401 - a row of any question
    figures: dict[str, Rate | Estimate] = {}
    for field in fields(row):
        value = getattr(row, field.name)
        parts = value.items() if isinstance(value, dict) else [(field.name, value)]
        figures.update((name, part) for name, part in parts if isinstance(part, (Rate, Estimate)))
    return figures


def _drawn(row: Any, figure: Rate | Estimate) -> dict[str, Any]:  # noqa: ANN401 - likewise
    time = getattr(row, "time", None)
    return {
        "group": " ".join(cell(value) for value in getattr(row, "by", {}).values()),
        "time": None if time is None else iso(time),
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "shown": with_interval(figure),
        "of": counts(figure),
    }
