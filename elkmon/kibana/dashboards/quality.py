"""Define the dashboard Model quality: how right is each version, and how much of that is known?"""

from __future__ import annotations

from elkmon.kibana.columns import Filters, Formula, Intervals, TopValues
from elkmon.kibana.dashboard import Dashboard, Panel
from elkmon.kibana.dashboard_figures import (
    ACCURACY,
    AGES,
    BLUE,
    COVERAGE,
    DELAYS,
    EVALUATED,
    F1,
    GREEN,
    GREY,
    MODEL,
    ORANGE,
    POSITIVE_SHARE,
    PRECISION,
    RECALL,
    VERSION,
    weight,
)
from elkmon.kibana.dashboards.shared_panels import (
    CHART_HEIGHT,
    CONTROLS,
    NAVIGATION,
    NUMBER_HEIGHT,
    number,
    over_time,
    table,
)
from elkmon.kibana.expressions import average
from elkmon.kibana.lens import XY, HeatMap, Layer
from elkmon.kibana.views import PREDICTIONS

__all__ = ["DASHBOARD"]

_LABELLED = Formula("labelled", weight(EVALUATED))
_LOG_LOSS = Formula("log loss", average("ml.eval.log_loss"), decimals=3)
_BRIER = Formula("Brier score", average("ml.eval.brier"), decimals=4)
_REGRESSION_ERROR = {
    "mae": Formula("MAE", average("ml.eval.abs_residual"), decimals=3),
    "rmse": Formula("RMSE", average("ml.eval.sq_residual").root(), decimals=3),
    "bias": Formula("bias", average("ml.eval.residual"), decimals=3),
}
_HAS_RESIDUAL = "ml.eval.residual: *"

_ACCURACY_MEANING = "Share of right answers among those that are known to be right or wrong"
_PRECISION_MEANING = "Binary tasks: share of right answers among all answers of the positive class."
_RECALL_MEANING = "Binary tasks: share of cases of the positive class that were predicted as such."
_F1_MEANING = "Binary tasks: harmonic mean of precision and recall."


def _by_version(title: str, meaning: str, formula: Formula) -> Panel:
    return over_time(title, meaning, {"version": VERSION, "figure": formula})


def _by_class(title: str, meaning: str, field: str, metric: str, counted: str) -> Panel:
    return table(
        title,
        meaning,
        {
            "model": MODEL,
            "class": TopValues("class", field, 20, by=weight(EVALUATED)),
            "value": Formula(metric, ACCURACY.value, decimals=3),
            "of": Formula(counted, weight(EVALUATED)),
        },
        f"{field}: * and {EVALUATED}",
        width=16,
    )


_NUMBERS = (
    number(
        "Accuracy",
        "right / labelled",
        f"{_ACCURACY_MEANING}, over all selected models.",
        GREEN,
        ACCURACY,
        _LABELLED,
    ),
    number("Precision", "right / predicted positive", _PRECISION_MEANING, BLUE, PRECISION),
    number("Recall", "predicted / truly positive", _RECALL_MEANING, BLUE, RECALL),
    number("F1", "of precision and recall", _F1_MEANING, BLUE, F1),
)

_OVER_TIME = (
    _by_version(
        "Accuracy by version",
        f"{_ACCURACY_MEANING}, by time of the prediction. Dashed lines are deployments.",
        ACCURACY,
    ),
    _by_version("F1 by version", _F1_MEANING, F1),
)

_POSITIVE_CLASS = (
    _by_version("Precision by version", _PRECISION_MEANING, PRECISION),
    _by_version("Recall by version", _RECALL_MEANING, RECALL),
)

_CONFUSION = (
    Panel(
        "Confusion matrix",
        "True classes are rows, predicted classes are columns. Select one model above. A sampled "
        "prediction counts by its weight.",
        HeatMap(
            Layer(
                PREDICTIONS,
                {
                    "predicted": TopValues("predicted", "ml.prediction.label", 20),
                    "true": TopValues("true", "ml.truth.label", 20),
                    "count": _LABELLED,
                },
                f"{EVALUATED} and ml.truth.label: *",
            )
        ),
        20,
        id="confusion",
    ),
    table(
        "Quality metrics by version",
        "All quality metrics of each model and version. Precision, recall and F1 are of the "
        "positive class; log loss and Brier score are means over stored predictions.",
        {
            "model": MODEL,
            "version": VERSION,
            "labelled": _LABELLED,
            "accuracy": ACCURACY,
            "precision": PRECISION,
            "recall": RECALL,
            "f1": F1,
            "loss": _LOG_LOSS,
            "brier": _BRIER,
        },
        EVALUATED,
        widths={"version": 80},
        width=28,
        id="versions",
    ),
)

_CLASSES = (
    _by_class(
        "Precision by class",
        "Share of right answers among all labelled answers of a class.",
        "ml.prediction.label",
        "precision",
        "answers",
    ),
    _by_class(
        "Recall by class",
        "Share of cases of a class that were predicted as such.",
        "ml.truth.label",
        "recall",
        "cases",
    ),
    Panel(
        "Calibration",
        "Binary tasks, by predicted score: the mean score, and the share of cases that turned out "
        "positive. Equal bars mean that the score is a probability.",
        XY(
            Layer(
                PREDICTIONS,
                {
                    "score": Intervals(
                        "score", "ml.prediction.score", tuple(n / 10 for n in range(11))
                    ),
                    "said": Formula("mean score", average("ml.prediction.score"), decimals=3),
                    "true": POSITIVE_SHARE,
                },
                "ml.task: binary and confusion: *",
            ),
            "bar",
            {"said": GREY, "true": BLUE},
        ),
        16,
    ),
)

_COVERAGE = (
    Panel(
        "Coverage by age of predictions",
        "Share of successful predictions that have a label, by their age: how long it takes until "
        "labels are complete.",
        XY(
            Layer(
                PREDICTIONS,
                {"age": Filters("age", AGES), "figure": COVERAGE},
                "event.outcome: success",
            ),
            "bar",
            {"figure": GREEN},
        ),
        16,
        id="labelled-by-age",
    ),
    over_time(
        "Coverage over time",
        "Share of successful predictions that have a label, by time of the prediction. Where it "
        "is low, quality metrics are uncertain.",
        {"model": MODEL, "figure": COVERAGE},
        width=16,
        id="labelled-over-time",
    ),
    Panel(
        "Label delay",
        "Time from the prediction to its first label.",
        XY(
            Layer(
                PREDICTIONS,
                {
                    "delay": Filters("delay", DELAYS),
                    "model": MODEL,
                    "count": Formula("labelled", weight("ml.eval.first_delay: *")),
                },
            ),
            "bar_stacked",
        ),
        16,
        id="delay-of-labels",
    ),
)

_REGRESSIONS = (
    over_time(
        "Regression error over time",
        "Mean absolute error, root mean squared error, and bias (predicted minus true), over "
        "stored predictions.",
        _REGRESSION_ERROR,
        _HAS_RESIDUAL,
        colours={"mae": BLUE, "rmse": ORANGE, "bias": GREY},
        id="error-of-regressions",
    ),
    table(
        "Regression error by version",
        "The same errors for each model and version.",
        {
            "model": MODEL,
            "version": VERSION,
            "labelled": Formula("labelled", weight(_HAS_RESIDUAL)),
            **_REGRESSION_ERROR,
        },
        _HAS_RESIDUAL,
        id="regressions-by-version",
    ),
)

DASHBOARD = Dashboard(
    "quality",
    "Model quality",
    "How right each version is over time, which classes it confuses, and how many predictions "
    "have a label.",
    (
        NAVIGATION,
        (NUMBER_HEIGHT, _NUMBERS),
        (CHART_HEIGHT, _OVER_TIME),
        (CHART_HEIGHT, _POSITIVE_CLASS),
        (14, _CONFUSION),
        (14, _CLASSES),
        (CHART_HEIGHT, _COVERAGE),
        (CHART_HEIGHT, _REGRESSIONS),
    ),
    CONTROLS,
)
