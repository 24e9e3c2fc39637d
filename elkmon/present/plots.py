"""Build the Vega-Lite specifications of the report's plots.

Colours are variables of the page's style sheet, so that plots follow its theme, also in print.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import floor, log10
from typing import Any

__all__ = ["Row", "Spec", "ages", "confusion", "latency", "rate", "reliability"]

Spec = dict[str, Any]
Row = Mapping[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_HEIGHT, _ONE_ROW = 240, 40
_FEW_DECADES = 2
_TIME = {
    "field": "time",
    "type": "temporal",
    "title": None,
    "scale": {"type": "utc"},
    "axis": {
        "format": "%d %b",
        "tickCount": {"interval": "day", "step": 1},
        "labelOverlap": True,
        "labelSeparation": 8,
    },
}
_HOURS = {"format": "%d %b %H:%M", "tickCount": 6, "labelOverlap": True, "labelSeparation": 8}
_VERSIONS = ("var(--v1)", "var(--v2)", "var(--v3)", "var(--v4)")
_SHAPES = ("circle", "square", "triangle-up", "diamond")


def _spec(alt: str, layers: Sequence[Spec], **more: Any) -> Spec:  # noqa: ANN401 - Vega-Lite's
    return {
        "$schema": SCHEMA,
        "description": alt,
        "width": "container",
        "height": _HEIGHT,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "layer": list(layers),
        **more,
    }


def _data(rows: Iterable[Row]) -> Spec:
    return {"values": [dict(row) for row in rows]}


def _tooltip(**titles: str) -> list[Spec]:
    return [
        {"field": field, "type": "nominal", "title": title.replace("_", " ")}
        for field, title in titles.items()
    ]


def _percent(field: str, **more: Any) -> Spec:  # noqa: ANN401 - Vega-Lite's
    return {
        "field": field,
        "type": "quantitative",
        "axis": {"format": "~%", "tickCount": 5},
        "title": None,
        **more,
    }


def _time(days: float) -> Spec:
    return _TIME if days > 2 else {**_TIME, "axis": _HOURS}  # noqa: PLR2004 - days alone say nothing


def _deployments(rows: Sequence[Row], days: float) -> list[Spec]:
    """Return a rule for each deployment, with the version at its top."""
    if not rows:
        return []
    x = _time(days)
    words = {
        "align": "left",
        "baseline": "top",
        "dx": 4,
        "y": 0,
        "fontSize": 11,
        "fontWeight": 600,
        "color": "var(--ink)",
    }
    return [
        {
            "data": _data(rows),
            "mark": {"type": "rule", "color": "var(--deploy)", "strokeWidth": 1.5,
                     "strokeDash": [4, 3]},
            "encoding": {"x": x, "tooltip": _tooltip(at="at (UTC)", words="deployment")},
        },
        {
            "data": _data(rows),
            "mark": {"type": "text", **words},
            "encoding": {"x": x, "text": {"field": "version", "type": "nominal"}},
        },
    ]  # fmt: skip


def _columns(rows: Iterable[Row], days: float, **titles: str) -> Spec:
    """Return a layer that shows the figures of the step under the pointer."""
    hover = {"type": "point", "on": "pointerover", "clear": "pointerout"}
    return {
        "data": _data(row for row in rows if row["value"] is not None),
        "params": [{"name": "hover", "select": hover}],
        "mark": {"type": "rect", "color": "var(--ink)"},
        "encoding": {
            "x": {**_time(days), "field": "begin"},
            "x2": {"field": "end"},
            "y": {"value": 0},
            "y2": {"value": "height"},
            "opacity": {"condition": {"param": "hover", "empty": False, "value": 0.1}, "value": 0},
            "tooltip": _tooltip(**titles),
        },
    }


def rate(
    alt: str,
    rows: Sequence[Row],
    deployments: Sequence[Row],
    *,
    days: float,
    top: float,
    colour: str,
    since: Mapping[str, Any] | None = None,
) -> Spec:
    """Return the plot of a share over time with its interval and the deployments.

    Args:
        alt: the text for readers who do not see the plot.
        rows: with ``time``, ``value``, ``low``, ``high`` (None if absent); with a value
            also ``begin`` and ``end``, and the words ``at``, ``shown`` and ``of``.
        deployments: with ``time``, ``version``, and the words ``at`` and ``words``.
        days: length of the span.
        top: where the axis ends.
        colour: of the line and its band.
        since: ``time``, ``end`` and ``words``: from this time on labels are still arriving.
    """
    x = _time(days)
    scale = {"domain": [0, top], "nice": True}
    layers: list[Spec] = []
    if since is not None:
        layers += [
            {
                "data": _data([since]),
                "mark": {"type": "rect", "color": "var(--shade)", "clip": True},
                "encoding": {"x": x, "x2": {"field": "end"}},
            },
            {
                "data": _data([since]),
                "mark": {"type": "text", "align": "right", "baseline": "bottom", "dx": -4,
                         "dy": -4, "y": _HEIGHT, "fontSize": 11, "color": "var(--dim)"},
                "encoding": {"x": {**x, "field": "end"},
                             "text": {"field": "words", "type": "nominal"}},
            },
        ]  # fmt: skip
    layers += [
        {
            "mark": {"type": "area", "color": colour, "opacity": 0.22, "clip": True,
                     "interpolate": "linear"},
            "encoding": {"x": x, "y": _percent("low", scale=scale), "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "line", "color": colour, "strokeWidth": 2, "clip": True},
            "encoding": {"x": x, "y": _percent("value", scale=scale)},
        },
        *_deployments(deployments, days),
        _columns(rows, days, at="from (UTC)", shown="share", of="counted"),
    ]  # fmt: skip
    return _spec(alt, layers, data=_data(rows))


def latency(
    alt: str,
    rows: Sequence[Row],
    columns: Sequence[Row],
    deployments: Sequence[Row],
    *,
    days: float,
) -> Spec:
    """Return the plot of latency quantiles over time, on a log scale.

    Args:
        alt: the text for readers who do not see the plot.
        rows: with ``time``, ``quantile`` and ``value`` in milliseconds.
        columns: with ``begin``, ``end``, ``value``, and the words ``at``, ``p50``, ``p95``,
            ``p99`` and ``of``.
        deployments: as of :func:`rate`.
        days: length of the span.
    """
    x = _time(days)
    ticks = _ticks([row["value"] for row in rows])
    y = {"field": "value", "type": "quantitative", "title": None,
         "scale": {"type": "log", "domain": [ticks[0], ticks[-1]]},
         "axis": {"format": "~g", "values": ticks}}  # fmt: skip
    names = ["p99", "p95", "p50"]
    colour = {
        "field": "quantile", "type": "nominal", "sort": names, "title": None,
        "scale": {"domain": names, "range": ["var(--v3)", "var(--v2)", "var(--v1)"]},
        "legend": {"orient": "top", "symbolType": "stroke", "symbolStrokeWidth": 3},
    }  # fmt: skip
    dash = {**colour, "scale": {"domain": names, "range": [[1, 3], [6, 3], [1, 0]]}}
    return _spec(
        alt,
        [
            {"mark": {"type": "line", "strokeWidth": 2},
             "encoding": {"x": x, "y": y, "color": colour, "strokeDash": dash}},
            *_deployments(deployments, days),
            _columns(columns, days, at="from (UTC)", p50="p50", p95="p95", p99="p99",
                     of="attempts"),
        ],
        data=_data(rows),
    )  # fmt: skip


def _ticks(values: Sequence[float]) -> list[float]:
    """Return round ticks for a log scale: 1, 2, 5, 10, or powers of 10 for a wide range."""
    low, high = min(values), max(values)
    decades = range(floor(log10(low)), floor(log10(high)) + 1)
    steps = (1.0, 2.0, 5.0) if len(decades) <= _FEW_DECADES else (1.0,)
    ticks = [step * 10.0**power for power in (*decades, decades[-1] + 1) for step in steps]
    first = max(position for position, tick in enumerate(ticks) if tick <= low or position == 0)
    last = next(position for position, tick in enumerate(ticks) if tick >= high)
    return ticks[first : max(last, first + 1) + 1]


def confusion(alt: str, rows: Sequence[Row], classes: Sequence[str], *, words: bool) -> Spec:
    """Return the plot of a confusion matrix: right answers in one colour, wrong ones in another.

    Args:
        alt: the text for readers who do not see the plot.
        rows: with ``truth``, ``predicted``, ``right``, ``shade`` (0 to 1) and the words ``count``,
            ``shown`` and ``of``.
        classes: in their order.
        words: whether there is room for counts.
    """
    x = {"field": "predicted", "type": "nominal", "sort": list(classes), "title": "predicted",
         "axis": {"labelAngle": 0 if words else -45, "orient": "top", "labelLimit": 120,
                  "grid": False, "domain": False, "ticks": False},
         "scale": {"domain": list(classes)}}  # fmt: skip
    y = {"field": "truth", "type": "nominal", "sort": list(classes), "title": "true",
         "axis": {"labelLimit": 120, "grid": False, "domain": False, "ticks": False},
         "scale": {"domain": list(classes)}}  # fmt: skip
    tooltip = _tooltip(truth="true", predicted="predicted", count="predictions",
                       shown="of this true class")  # fmt: skip
    layers: list[Spec] = [
        {
            "mark": {"type": "rect", "stroke": "var(--panel)", "strokeWidth": 2},
            "encoding": {
                "x": x, "y": y,
                "color": {"field": "right", "type": "nominal", "legend": None,
                          "scale": {"domain": [True, False],
                                    "range": ["var(--heat-right)", "var(--heat-wrong)"]}},
                "opacity": {"field": "shade", "type": "quantitative", "legend": None,
                            "scale": {"domain": [0, 1], "range": [0.06, 1]}},
                "tooltip": tooltip,
            },
        }
    ]  # fmt: skip
    if words:
        layers.append(
            {
                "mark": {"type": "text", "color": "var(--ink)", "fontSize": 12},
                "encoding": {"x": x, "y": y, "text": {"field": "count", "type": "nominal"},
                             "tooltip": tooltip},
            }
        )  # fmt: skip
    height = max(_ONE_ROW * len(classes), _HEIGHT) if words else max(18 * len(classes), 200)
    return _spec(alt, layers, data=_data(rows), height=min(height, 420))


def reliability(alt: str, rows: Sequence[Row], versions: Sequence[str]) -> Spec:
    """Return the plot of the share that came true against the score; both agree on the diagonal.

    Args:
        alt: the text for readers who do not see the plot.
        rows: with ``score``, ``value``, ``low``, ``high``, ``version`` and the words ``shown``,
            ``bin`` and ``of``.
        versions: the current one first, at most four.
    """
    x = {"field": "score", "type": "quantitative", "title": "mean score",
         "scale": {"domain": [0, 1]}, "axis": {"format": "~%", "tickCount": 5}}  # fmt: skip
    scale = {"domain": [0, 1]}
    colour = {"field": "version", "type": "nominal", "title": None,
              "scale": {"domain": list(versions), "range": list(_VERSIONS[:len(versions)])},
              "legend": {"orient": "top", "labelLimit": 200}}  # fmt: skip
    shape = {**colour, "scale": {"domain": list(versions), "range": list(_SHAPES[: len(versions)])}}
    tooltip = _tooltip(version="version", bin="scores", shown="came true", of="counted")
    return _spec(
        alt,
        [
            {"data": _data([{"score": 0, "value": 0}, {"score": 1, "value": 1}]),
             "mark": {"type": "line", "color": "var(--dim)", "strokeDash": [4, 4],
                      "strokeWidth": 1},
             "encoding": {"x": x, "y": _percent("value", scale=scale, title="came true")}},
            {"mark": {"type": "rule", "strokeWidth": 1.5},
             "encoding": {"x": x, "y": _percent("low", scale=scale, title="came true"),
                          "y2": {"field": "high"}, "color": colour}},
            {"mark": {"type": "line", "strokeWidth": 1.5},
             "encoding": {"x": x, "y": _percent("value", scale=scale, title="came true"),
                          "color": colour}},
            {"mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
             "encoding": {"x": x, "y": _percent("value", scale=scale, title="came true"),
                          "color": colour, "shape": shape, "tooltip": tooltip}},
        ],
        data=_data(rows), height=300,
    )  # fmt: skip


def ages(alt: str, rows: Sequence[Row], order: Sequence[str]) -> Spec:
    """Return the plot of the labelled share by the age of predictions.

    Args:
        alt: the text for readers who do not see the plot.
        rows: with ``age``, ``value``, ``low``, ``high`` and the words ``shown`` and ``of``.
        order: the ages, the youngest first.
    """
    x = {"field": "age", "type": "nominal", "sort": list(order), "title": "age of the prediction",
         "axis": {"labelAngle": 0, "labelOverlap": True}}  # fmt: skip
    scale = {"domain": [0, 1]}
    tooltip = _tooltip(age="age", shown="labelled", of="counted")
    return _spec(
        alt,
        [
            {"mark": {"type": "bar", "color": "var(--v1)", "opacity": 0.45},
             "encoding": {"x": x, "y": _percent("value", scale=scale), "tooltip": tooltip}},
            {"mark": {"type": "rule", "color": "var(--ink)", "strokeWidth": 1.5},
             "encoding": {"x": x, "y": _percent("low", scale=scale), "y2": {"field": "high"},
                          "tooltip": tooltip}},
        ],
        data=_data(rows),
    )  # fmt: skip
