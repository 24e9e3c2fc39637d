"""Model quality: how right are the answers, since when, of which version, and is that known?"""

from __future__ import annotations

from elkmon.kibana.columns import Figure, Groups, Queries, Steps, Times
from elkmon.kibana.dashboard import Dashboard, Panel
from elkmon.kibana.dashboard_figures import (
    ACCURACY,
    AGES,
    BLUE,
    COVERAGE,
    DELAYS,
    F1,
    GREEN,
    GREY,
    JUDGED,
    MODEL,
    ORANGE,
    POSITIVES,
    PRECISION,
    RECALL,
    VERSION,
    weight,
)
from elkmon.kibana.dashboards.parts import CONTROLS, HEIGHT, LOW, WAY, number
from elkmon.kibana.formulas import average
from elkmon.kibana.lens import XY, HeatMap, Layer, Table
from elkmon.kibana.views import PREDICTIONS

__all__ = ["DASHBOARD"]

_LABELLED = Figure("labelled", weight(JUDGED))
_LOSS = Figure("log loss", average("ml.eval.log_loss"), decimals=3)
_BRIER = Figure("Brier score", average("ml.eval.brier"), decimals=4)
_MAE = Figure("MAE", average("ml.eval.abs_residual"), decimals=3)
_RMSE = Figure("RMSE", average("ml.eval.sq_residual").root(), decimals=3)
_BIAS = Figure("bias", average("ml.eval.residual"), decimals=3)
_BINARY = "ml.task: binary"


def _by_version(figure: Figure, title: str, meaning: str) -> Panel:
    layer = Layer(PREDICTIONS, {"time": Times(), "version": VERSION, "figure": figure})
    return Panel(title, meaning, XY(layer, releases=True), 24)


def _by_class(title: str, meaning: str, field: str, name: str, figure: str) -> Panel:
    layer = Layer(
        PREDICTIONS,
        {
            "model": MODEL,
            "class": Groups("class", field, 20, by=weight(JUDGED)),
            "value": Figure(figure, ACCURACY.value, decimals=3),
            "of": Figure(name, weight(JUDGED)),
        },
        f"{field}: * and {JUDGED}",
    )
    return Panel(title, meaning, Table(layer), 16)


_NUMBERS = (
    number(
        "Accuracy",
        "right / known to be right or wrong",
        "Right answers, out of those that are known to be right or wrong; all models that are "
        "chosen.",
        GREEN,
        ACCURACY,
        _LABELLED,
    ),
    number(
        "Precision",
        "right / said positive",
        "Of binary tasks: answers of the positive class that were right, out of all such answers.",
        BLUE,
        PRECISION,
    ),
    number(
        "Recall",
        "found / truly positive",
        "Of binary tasks: cases of the positive class that were found, out of all such cases.",
        BLUE,
        RECALL,
    ),
    number(
        "F1",
        "of precision and recall",
        "Of binary tasks: the harmonic mean of precision and recall.",
        BLUE,
        F1,
    ),
)

_COURSE = (
    _by_version(
        ACCURACY,
        "Accuracy by version",
        "Right answers, out of those that are known to be right or wrong, by the time of the "
        "answer. Dashed lines are deployments.",
    ),
    _by_version(
        F1,
        "F1 by version",
        "Of binary tasks: the harmonic mean of precision and recall of the positive class.",
    ),
)

_POSITIVE = (
    _by_version(
        PRECISION,
        "Precision by version",
        "Of binary tasks: answers of the positive class that were right, out of all such answers.",
    ),
    _by_version(
        RECALL,
        "Recall by version",
        "Of binary tasks: cases of the positive class that were found, out of all such cases.",
    ),
)

_CONFUSION = (
    Panel(
        "Confusion",
        "True classes down, predicted ones across: what is taken for what. Choose one model "
        "above. Counts stand for all predictions where they are sampled.",
        HeatMap(
            Layer(
                PREDICTIONS,
                {
                    "predicted": Groups("predicted", "ml.prediction.label", 20),
                    "true": Groups("true", "ml.truth.label", 20),
                    "count": _LABELLED,
                },
                f"{JUDGED} and ml.truth.label: *",
            )
        ),
        20,
    ),
    Panel(
        "Versions",
        "All figures of each model and version. Precision, recall and F1 are of the positive "
        "class, log loss and Brier score are means over stored predictions.",
        Table(
            Layer(
                PREDICTIONS,
                {
                    "model": MODEL,
                    "version": VERSION,
                    "labelled": _LABELLED,
                    "accuracy": ACCURACY,
                    "precision": PRECISION,
                    "recall": RECALL,
                    "f1": F1,
                    "loss": _LOSS,
                    "brier": _BRIER,
                },
                JUDGED,
            ),
            widths={"version": 80},
        ),
        28,
    ),
)

_CLASSES = (
    _by_class(
        "Precision by class",
        "Answers of a class that were right, out of all such answers whose truth is known.",
        "ml.prediction.label",
        "answers",
        "precision",
    ),
    _by_class(
        "Recall by class",
        "Cases of a class that were found, out of all such cases.",
        "ml.truth.label",
        "cases",
        "recall",
    ),
    Panel(
        "Calibration",
        "Of binary tasks, by the score that was given: the mean score, and the share of cases "
        "that turned out positive. Equal bars mean that a score can be read as a probability.",
        XY(
            Layer(
                PREDICTIONS,
                {
                    "score": Steps(
                        "score", "ml.prediction.score", tuple(n / 10 for n in range(11))
                    ),
                    "said": Figure("mean score", average("ml.prediction.score"), decimals=3),
                    "true": POSITIVES,
                },
                f"{_BINARY} and confusion: *",
            ),
            "bar",
            {"said": GREY, "true": BLUE},
        ),
        16,
    ),
)

_COVERAGE = (
    Panel(
        "Labelled by age",
        "Answers whose truth has arrived, out of all answers, by how old they are now: how long "
        "labels take to be complete.",
        XY(
            Layer(
                PREDICTIONS,
                {"age": Queries("age", AGES), "figure": COVERAGE},
                "event.outcome: success",
            ),
            "bar",
            {"figure": GREEN},
        ),
        16,
    ),
    Panel(
        "Labelled over time",
        "Answers whose truth has arrived, out of all answers, by the time of the answer. Quality "
        "of a time with few labels is uncertain.",
        XY(
            Layer(PREDICTIONS, {"time": Times(), "model": MODEL, "figure": COVERAGE}), releases=True
        ),
        16,
    ),
    Panel(
        "Delay of labels",
        "From the answer to its first label: how many labels took how long.",
        XY(
            Layer(
                PREDICTIONS,
                {
                    "delay": Queries("delay", DELAYS),
                    "model": MODEL,
                    "count": Figure("labelled", weight("ml.eval.first_delay: *")),
                },
            ),
            "bar_stacked",
        ),
        16,
    ),
)

_NUMERIC = (
    Panel(
        "Error of regressions",
        "Of regressions: mean absolute error, root mean squared error, and bias (predicted minus "
        "true), over stored predictions.",
        XY(
            Layer(
                PREDICTIONS,
                {"time": Times(), "mae": _MAE, "rmse": _RMSE, "bias": _BIAS},
                "ml.eval.residual: *",
            ),
            colours={"mae": BLUE, "rmse": ORANGE, "bias": GREY},
            releases=True,
        ),
        24,
    ),
    Panel(
        "Regressions by version",
        "Of regressions: each model and version.",
        Table(
            Layer(
                PREDICTIONS,
                {
                    "model": MODEL,
                    "version": VERSION,
                    "labelled": Figure("labelled", weight("ml.eval.residual: *")),
                    "mae": _MAE,
                    "rmse": _RMSE,
                    "bias": _BIAS,
                },
                "ml.eval.residual: *",
            )
        ),
        24,
    ),
)

DASHBOARD = Dashboard(
    "quality",
    "Model quality",
    "How right the answers are, over time and by version; what is taken for what; and how much "
    "of that is known yet.",
    (
        WAY,
        (LOW, _NUMBERS),
        (HEIGHT, _COURSE),
        (HEIGHT, _POSITIVE),
        (14, _CONFUSION),
        (14, _CLASSES),
        (HEIGHT, _COVERAGE),
        (HEIGHT, _NUMERIC),
    ),
    CONTROLS,
)
