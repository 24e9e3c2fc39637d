"""What each figure of a dashboard is, by formula: as the command line and the report have it."""

from __future__ import annotations

from elkmon.provision.kibana.columns import Figure
from elkmon.provision.kibana.formulas import Aggregate, Expression, percentile, total

__all__ = [
    "ACCURACY", "ATTEMPTS", "COVERAGE", "ERROR_RATE", "F1", "FAILURE_RATE", "LABELLED", "P95",
    "PRECISION", "RECALL", "WRONG", "weight",
]  # fmt: skip


def weight(where: str = "", shift: str = "") -> Aggregate:
    """Count predictions, each as many times as it stands for where they are sampled."""
    return total("ml.sample.weight", where, shift)


def _confused(*cells: str) -> Aggregate:
    return weight("confusion: (" + " or ".join(f'"{cell}"' for cell in cells) + ")")


_SUCCESS = "event.outcome: success"
_JUDGED = "ml.eval.outcome: (correct or wrong)"
_TWICE: Expression = _confused("true positive") * 2

ATTEMPTS = Figure("attempts", weight())
WRONG = Figure("wrong", weight("ml.eval.outcome: wrong"))
LABELLED = Figure("labelled", weight(_JUDGED))
FAILURE_RATE = Figure(
    "failure rate", weight("event.outcome: failure") / weight(), percent=True, decimals=1
)
ERROR_RATE = Figure(
    "error rate", weight("ml.eval.outcome: wrong") / weight(_JUDGED), percent=True, decimals=1
)
COVERAGE = Figure(
    "labelled",
    weight(f"{_SUCCESS} and ml.truth.observed_at: *") / weight(_SUCCESS),
    percent=True,
    decimals=1,
)
ACCURACY = Figure("accuracy", weight("ml.eval.outcome: correct") / weight(_JUDGED), decimals=3)
PRECISION = Figure(
    "precision",
    _confused("true positive") / _confused("true positive", "false positive"),
    decimals=3,
)
RECALL = Figure(
    "recall", _confused("true positive") / _confused("true positive", "false negative"), decimals=3
)
F1 = Figure("F1", _TWICE / (_TWICE + _confused("false positive", "false negative")), decimals=3)
P95 = Figure("p95", percentile("event.duration", 95, _SUCCESS) / 1e6, decimals=1, unit="ms")
