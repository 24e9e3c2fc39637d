"""What each figure of a dashboard is, by formula, as the command line has it; and its colour."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from elkmon.kibana.columns import Figure, Groups
from elkmon.kibana.formulas import Aggregate, Expression, percentile, total

__all__ = [
    "ACCURACY",
    "AGES",
    "ATTEMPTS",
    "BLUE",
    "COVERAGE",
    "DELAYS",
    "ERROR_RATE",
    "F1",
    "FAILED",
    "FAILURE_RATE",
    "GREEN",
    "GREY",
    "JUDGED",
    "LABELLED",
    "MODEL",
    "ORANGE",
    "P50",
    "P95",
    "P99",
    "POSITIVES",
    "PRECISION",
    "RECALL",
    "RED",
    "VERSION",
    "WRONG",
    "weight",
]

BLUE, GREEN, ORANGE, RED, GREY = "#6092C0", "#54B399", "#DA8B45", "#CC5642", "#98A2B3"
"""One meaning each, on all dashboards: how much, right, wrong, failed, what was before."""


def weight(where: str = "", shift: str = "") -> Aggregate:
    """Count predictions, each as many times as it stands for where they are sampled."""
    return total("ml.sample.weight", where, shift)


def _confused(*cells: str) -> Aggregate:
    return weight("confusion: (" + " or ".join(f'"{cell}"' for cell in cells) + ")")


_SUCCESS = "event.outcome: success"
JUDGED = "ml.eval.outcome: (correct or wrong)"
"""Answers that are known to be right or wrong."""
_LABELLED = f"{_SUCCESS} and ml.truth.observed_at: *"
_TWICE: Expression = _confused("true positive") * 2

ATTEMPTS = Figure("attempts", weight())
FAILED = Figure("failed", weight("event.outcome: failure"))
WRONG = Figure("wrong", weight("ml.eval.outcome: wrong"))
LABELLED = Figure("labelled answers", weight(_LABELLED))
FAILURE_RATE = Figure("failure rate", FAILED.value / weight(), percent=True, decimals=1)
ERROR_RATE = Figure("error rate", WRONG.value / weight(JUDGED), percent=True, decimals=1)
COVERAGE = Figure("labelled", weight(_LABELLED) / weight(_SUCCESS), percent=True, decimals=1)

ACCURACY = Figure("accuracy", weight("ml.eval.outcome: correct") / weight(JUDGED), decimals=3)
PRECISION = Figure(
    "precision",
    _confused("true positive") / _confused("true positive", "false positive"),
    decimals=3,
)
RECALL = Figure(
    "recall", _confused("true positive") / _confused("true positive", "false negative"), decimals=3
)
F1 = Figure("F1", _TWICE / (_TWICE + _confused("false positive", "false negative")), decimals=3)
POSITIVES = Figure(
    "true positives",
    _confused("true positive", "false negative")
    / _confused("true positive", "false negative", "true negative", "false positive"),
    decimals=3,
)

P50, P95, P99 = (
    Figure(f"p{share}", percentile("event.duration", share, _SUCCESS) / 1e6, decimals=1, unit="ms")
    for share in (50, 95, 99)
)

AGES: Mapping[str, str] = MappingProxyType(
    {
        "under 1 hour": "@timestamp > now-1h",
        "1 to 6 hours": "@timestamp <= now-1h and @timestamp > now-6h",
        "6 hours to 1 day": "@timestamp <= now-6h and @timestamp > now-1d",
        "1 to 3 days": "@timestamp <= now-1d and @timestamp > now-3d",
        "3 to 7 days": "@timestamp <= now-3d and @timestamp > now-7d",
        "7 to 30 days": "@timestamp <= now-7d and @timestamp > now-30d",
        "30 days and more": "@timestamp <= now-30d",
    }
)
"""Ages of predictions, as ``elkmon labels`` has them."""

_DELAYS = (
    ("under 1 minute", 0, 60),
    ("to 10 minutes", 60, 600),
    ("to 1 hour", 600, 3600),
    ("to 6 hours", 3600, 6 * 3600),
    ("to 1 day", 6 * 3600, 86400),
    ("to 3 days", 86400, 3 * 86400),
    ("to 7 days", 3 * 86400, 7 * 86400),
    ("to 30 days", 7 * 86400, 30 * 86400),
)
DELAYS: Mapping[str, str] = MappingProxyType(
    {
        label: f"ml.eval.first_delay >= {low} and ml.eval.first_delay < {high}"
        for label, low, high in _DELAYS
    }
    | {"30 days and more": f"ml.eval.first_delay >= {30 * 86400}"}
)
"""From a prediction to its first label."""

MODEL = Groups("model", "ml.model.name", 10, by=weight())
VERSION = Groups("version", "ml.model.version", 10, by=weight())
