"""Define the dashboard Data: are inputs and answers distributed as before?"""

from __future__ import annotations

from collections.abc import Sequence

from elkmon.kibana.columns import Column, Formula, Intervals, TopValues
from elkmon.kibana.dashboard import Dashboard, Panel
from elkmon.kibana.dashboard_figures import BLUE, GREY, MODEL, ORANGE, share, weight
from elkmon.kibana.dashboards.shared_panels import (
    CHART_HEIGHT,
    CONTROLS,
    NAVIGATION,
    NUMBER_HEIGHT,
    number,
    over_time,
    table,
)
from elkmon.kibana.expressions import average, count, overall_sum, total
from elkmon.kibana.lens import XY, Layer
from elkmon.kibana.views import PREDICTIONS

__all__ = ["dashboard"]

_PREVIOUS = weight(shift="previous")
"""Predictions of the time range just before the selected one, of equal length."""
_THIRD = 16
_COMPARISON = {
    "before": share("before", _PREVIOUS, overall_sum(_PREVIOUS)),
    "now": share("now", weight(), overall_sum(weight())),
}
_COLOURS = {"now": BLUE, "before": GREY}
_COMPARED = "Shares in the selected time range (now) and in the equally long one before it (before)"


def _distribution(title: str, meaning: str, column: Column, where: str) -> Panel:
    layer = Layer(PREDICTIONS, {"value": column, **_COMPARISON}, where)
    return Panel(title, f"{meaning} {_COMPARED}.", XY(layer, "bar", _COLOURS), _THIRD)


def _values(title: str, meaning: str, field: str) -> Panel:
    columns = {"value": TopValues("value", field, 25, by=weight()), **_COMPARISON}
    meaning = f"{meaning} {_COMPARED}."
    return table(title, meaning, columns, f"{field}: *", sort="now", width=_THIRD)


def _affected(where: str) -> Formula:
    return Formula("attempts affected", weight(where))


def _share_affected(title: str, meaning: str, field: str, colour: str, id: str = "") -> Panel:  # noqa: A002 - a panel's name for it
    where = f"{field}: *"
    formula = share("", weight(where), weight())
    return number(title, "of all attempts", meaning, colour, formula, _affected(where), id=id)


_NUMBERS = (
    _share_affected(
        "NaN and infinite values",
        "Attempts with NaN or infinite values, which are stored as missing.",
        "ml.nonfinite",
        ORANGE,
        "values-that-are-no-numbers",
    ),
    number(
        "Dropped features",
        "features",
        "Features that were left out because an attempt had more than the allowed number.",
        ORANGE,
        Formula("", total("ml.features.dropped")),
        _affected("ml.features.dropped > 0"),
    ),
    _share_affected(
        "Truncated events",
        "Attempts with content that was shortened or left out to limit the size of the event.",
        "ml.truncated",
        ORANGE,
        "cut-events",
    ),
    _share_affected(
        "Redacted events",
        "Attempts with content that was removed because it is secret or personal.",
        "ml.redacted",
        GREY,
    ),
)

_ANSWERS = (
    over_time(
        "Predicted classes over time",
        "Share of each predicted class. If it moves without a deployment, the data has probably "
        "changed.",
        {
            "class": TopValues("class", "ml.prediction.label", 12, by=weight(), other=True),
            "count": Formula("predictions", weight()),
        },
        "ml.prediction.label: *",
        series="bar_percentage_stacked",
    ),
    over_time(
        "Mean score over time",
        "Mean predicted score over stored predictions. It moves before labels arrive.",
        {
            "model": MODEL,
            "figure": Formula("mean score", average("ml.prediction.score"), decimals=3),
        },
        "ml.prediction.score: *",
    ),
)

_DISTRIBUTIONS = (
    _distribution(
        "Predicted classes, now and before",
        "Distribution of predicted classes.",
        TopValues("class", "ml.prediction.label", 15, by=weight()),
        "ml.prediction.label: *",
    ),
    _distribution(
        "Scores, now and before",
        "Distribution of predicted scores.",
        Intervals("score", "ml.prediction.score", tuple(n / 10 for n in range(11))),
        "ml.prediction.score: *",
    ),
    _distribution(
        "Predicted values, now and before",
        "Regressions: distribution of predicted values.",
        Intervals("value", "ml.prediction.value"),
        "ml.prediction.value: *",
    ),
)

_VALUES = (
    _values(
        "Categories, now and before",
        "Values of all categorical features; new ones and missing ones stand out.",
        "category",
    ),
    _values("Segments, now and before", "Values of all segments.", "segment"),
    over_time(
        "NaN and infinite values by field",
        "Which fields had NaN or infinite values, and how often.",
        {
            "path": TopValues("field", "ml.nonfinite", 10, by=count()),
            "count": Formula("attempts", weight()),
        },
        "ml.nonfinite: *",
        series="bar_stacked",
        deployments=False,
        width=_THIRD,
        id="values-that-are-no-numbers-by-path",
    ),
)


def _feature_rows(names: Sequence[str]) -> list[tuple[int, list[Panel]]]:
    """Return rows of three panels: the share of missing features, and each one's distribution."""
    if not names:
        return []
    fields = {name: f"ml.features.number.{name}" for name in names}
    missing = over_time(
        "Missing features",
        "Share of attempts without a feature. Select one model above: models have different "
        "features.",
        {name: share(name, weight(f"not {field}: *"), weight()) for name, field in fields.items()},
        width=_THIRD,
    )
    panels = [missing] + [
        _distribution(
            f"Feature {name}", "Distribution of its values.", Intervals(name, field), f"{field}: *"
        )
        for name, field in fields.items()
    ]
    return [(CHART_HEIGHT, panels[start : start + 3]) for start in range(0, len(panels), 3)]


def dashboard(features: Sequence[str]) -> Dashboard:
    """Return the dashboard.

    Args:
        features: names of numeric features; each gets a panel.
    """
    return Dashboard(
        "data",
        "Data",
        "Whether inputs and answers are distributed as before, and what is missing.",
        (
            NAVIGATION,
            (NUMBER_HEIGHT, _NUMBERS),
            (CHART_HEIGHT, _ANSWERS),
            (CHART_HEIGHT, _DISTRIBUTIONS),
            (CHART_HEIGHT, _VALUES),
            *_feature_rows(features),
        ),
        CONTROLS,
        since="now-3d",
    )
