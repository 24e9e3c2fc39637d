"""Data: is what models are asked, and what they answer, still what it was?"""

from __future__ import annotations

from collections.abc import Sequence

from elkmon.kibana.columns import Column, Figure, Groups, Steps, Times
from elkmon.kibana.dashboard import Dashboard, Panel
from elkmon.kibana.dashboard_figures import BLUE, GREY, MODEL, ORANGE, weight
from elkmon.kibana.dashboards.parts import CONTROLS, HEIGHT, LOW, WAY, number
from elkmon.kibana.formulas import Expression, Whole, average, count, total
from elkmon.kibana.lens import XY, Layer, Table
from elkmon.kibana.views import PREDICTIONS

__all__ = ["dashboard"]

_BEFORE = "previous"
"""The span just before the one that is shown, of equal length."""
_THIRD = 16


def _share(where: str = "", shift: str = "") -> Expression:
    """Give the share of all predictions that are in a bucket."""
    return weight(where, shift) / Whole(weight(where, shift))


_NOW = Figure("now", _share(), percent=True, decimals=1)
_THEN = Figure("before", _share(shift=_BEFORE), percent=True, decimals=1)
_COLOURS = {"now": BLUE, "before": GREY}
_COMPARED = "Shares of the time that is shown (now) and of the equally long time before it (before)"


def _distribution(title: str, meaning: str, groups: Column, where: str, width: int) -> Panel:
    layer = Layer(PREDICTIONS, {"value": groups, "before": _THEN, "now": _NOW}, where)
    return Panel(title, f"{meaning} {_COMPARED}.", XY(layer, "bar", _COLOURS), width)


def _values(title: str, meaning: str, groups: Groups) -> Panel:
    layer = Layer(
        PREDICTIONS, {"value": groups, "before": _THEN, "now": _NOW}, f"{groups.field}: *"
    )
    return Panel(title, f"{meaning} {_COMPARED}.", Table(layer, sort="now"), _THIRD)


def _portion(title: str, meaning: str, where: str, colour: str) -> Panel:
    figure = Figure("", weight(where) / weight(), percent=True, decimals=1)
    return number(
        title, "of all attempts", meaning, colour, figure, Figure("such attempts", weight(where))
    )


_NUMBERS = (
    _portion(
        "Values that are no numbers",
        "Attempts with NaN or an infinity among their values; these are stored as missing.",
        "ml.nonfinite: *",
        ORANGE,
    ),
    number(
        "Dropped features",
        "features",
        "Features that were left out because an attempt had more than the allowed number.",
        ORANGE,
        Figure("", total("ml.features.dropped")),
        Figure("such attempts", weight("ml.features.dropped > 0")),
    ),
    _portion(
        "Cut events",
        "Attempts of which something was cut or left out to keep the size of an event.",
        "ml.truncated: *",
        ORANGE,
    ),
    _portion(
        "Redacted events",
        "Attempts of which something was taken out as a secret or as personal.",
        "ml.redacted: *",
        GREY,
    ),
)

_ANSWERS = (
    Panel(
        "Predicted classes over time",
        "How often each class is answered. A share that moves without a deployment says that the "
        "data moved.",
        XY(
            Layer(
                PREDICTIONS,
                {
                    "time": Times(),
                    "class": Groups("class", "ml.prediction.label", 12, by=weight(), other=True),
                    "count": Figure("answers", weight()),
                },
                "ml.prediction.label: *",
            ),
            "bar_percentage_stacked",
            releases=True,
        ),
        24,
    ),
    Panel(
        "Mean score over time",
        "The mean of the scores that models give, over stored predictions. It moves before "
        "labels arrive.",
        XY(
            Layer(
                PREDICTIONS,
                {
                    "time": Times(),
                    "model": MODEL,
                    "figure": Figure("mean score", average("ml.prediction.score"), decimals=3),
                },
                "ml.prediction.score: *",
            ),
            releases=True,
        ),
        24,
    ),
)

_COMPARISONS = (
    _distribution(
        "Predicted classes, now and before",
        "How often each class is answered.",
        Groups("class", "ml.prediction.label", 15, by=weight()),
        "ml.prediction.label: *",
        _THIRD,
    ),
    _distribution(
        "Scores, now and before",
        "How the scores of answers are spread.",
        Steps("score", "ml.prediction.score", tuple(n / 10 for n in range(11))),
        "ml.prediction.score: *",
        _THIRD,
    ),
    _distribution(
        "Predicted values, now and before",
        "Of regressions: how predicted values are spread.",
        Steps("value", "ml.prediction.value"),
        "ml.prediction.value: *",
        _THIRD,
    ),
)

_GROUPS = (
    _values(
        "Categories, now and before",
        "Values of all categorical features. One that is new, or gone, stands out.",
        Groups("value", "category", 25, by=weight()),
    ),
    _values(
        "Segments, now and before",
        "Values of all segments.",
        Groups("value", "segment", 25, by=weight()),
    ),
    Panel(
        "Values that are no numbers, by path",
        "Which values were NaN or an infinity, and how often.",
        XY(
            Layer(
                PREDICTIONS,
                {
                    "time": Times(),
                    "path": Groups("path", "ml.nonfinite", 10, by=count()),
                    "count": Figure("attempts", weight()),
                },
                "ml.nonfinite: *",
            ),
            "bar_stacked",
        ),
        _THIRD,
    ),
)


def _features(names: Sequence[str]) -> list[tuple[int, list[Panel]]]:
    """Give rows of three: how often features are missing, and how each is spread."""
    if not names:
        return []
    full = [(name, f"ml.features.number.{name}") for name in names]
    missing = {
        name: Figure(name, weight(f"not {field}: *") / weight(), percent=True, decimals=1)
        for name, field in full
    }
    panels = [
        Panel(
            "Missing features",
            "Attempts that lack a feature, out of all attempts; choose one model above, as "
            "another one has other features.",
            XY(Layer(PREDICTIONS, {"time": Times(), **missing}), releases=True),
            _THIRD,
        )
    ] + [
        _distribution(
            f"Feature {name}",
            "How its values are spread.",
            Steps(name, field),
            f"{field}: *",
            _THIRD,
        )
        for name, field in full
    ]
    return [(HEIGHT, panels[start : start + 3]) for start in range(0, len(panels), 3)]


def dashboard(features: Sequence[str]) -> Dashboard:
    """Give the dashboard.

    Args:
        features: numeric features that get a panel each.
    """
    return Dashboard(
        "data",
        "Data",
        "Whether what models are asked, and what they answer, is still what it was; and what is "
        "missing of it.",
        (
            WAY,
            (LOW, _NUMBERS),
            (HEIGHT, _ANSWERS),
            (HEIGHT, _COMPARISONS),
            (HEIGHT, _GROUPS),
            *_features(features),
        ),
        CONTROLS,
        since="now-3d",
    )
