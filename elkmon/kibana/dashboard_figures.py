"""Define the formulas that dashboards share, as the command line computes them; their colours."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from elkmon.kibana.columns import Formula, TopValues
from elkmon.kibana.expressions import Aggregate, Expression, percentile, total

__all__ = [
    "ACCURACY",
    "AGES",
    "ATTEMPTS",
    "BLUE",
    "COVERAGE",
    "DELAYS",
    "ERROR_RATE",
    "EVALUATED",
    "F1",
    "FAILED",
    "FAILURE_RATE",
    "GREEN",
    "GREY",
    "LABELLED",
    "MODEL",
    "ORANGE",
    "P50",
    "P95",
    "P99",
    "POSITIVE_SHARE",
    "PRECISION",
    "RECALL",
    "RED",
    "VERSION",
    "WRONG",
    "share",
    "weight",
]

BLUE, GREEN, ORANGE, RED, GREY = "#6092C0", "#54B399", "#DA8B45", "#CC5642", "#98A2B3"
"""The same meaning on all dashboards: amount, right, wrong, failed, the time before."""


def weight(where: str = "", shift: str = "") -> Aggregate:
    """Return the number of predictions; a sampled one counts by its weight."""
    return total("ml.sample.weight", where, shift)


def share(label: str, part: Expression, whole: Expression) -> Formula:
    """Return a share in percent."""
    return Formula(label, part / whole, percent=True, decimals=1)


def _confusion(*cells: str) -> Aggregate:
    return weight("confusion: (" + " or ".join(f'"{cell}"' for cell in cells) + ")")


_SUCCESS = "event.outcome: success"
EVALUATED = "ml.eval.outcome: (correct or wrong)"
"""Selects predictions that are known to be right or wrong."""
_LABELLED = f"{_SUCCESS} and ml.truth.observed_at: *"
_TP, _FP, _FN = "true positive", "false positive", "false negative"
_TWICE_TP: Expression = _confusion(_TP) * 2

ATTEMPTS = Formula("attempts", weight())
FAILED = Formula("failed", weight("event.outcome: failure"))
WRONG = Formula("wrong", weight("ml.eval.outcome: wrong"))
LABELLED = Formula("labelled predictions", weight(_LABELLED))
FAILURE_RATE = share("failure rate", FAILED.value, weight())
ERROR_RATE = share("error rate", WRONG.value, weight(EVALUATED))
COVERAGE = share("coverage", weight(_LABELLED), weight(_SUCCESS))

ACCURACY = Formula("accuracy", weight("ml.eval.outcome: correct") / weight(EVALUATED), decimals=3)
PRECISION = Formula("precision", _confusion(_TP) / _confusion(_TP, _FP), decimals=3)
RECALL = Formula("recall", _confusion(_TP) / _confusion(_TP, _FN), decimals=3)
F1 = Formula("F1", _TWICE_TP / (_TWICE_TP + _confusion(_FP, _FN)), decimals=3)
POSITIVE_SHARE = Formula(
    "share of positives",
    _confusion(_TP, _FN) / _confusion(_TP, _FN, "true negative", _FP),
    decimals=3,
)

P50, P95, P99 = (
    Formula(
        f"p{percent}",
        percentile("event.duration", percent, _SUCCESS) / 1e6,
        decimals=1,
        unit="ms",
    )
    for percent in (50, 95, 99)
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
"""Ages of predictions, the same as in ``elkmon labels``."""

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
"""Delays from a prediction to its first label."""

MODEL = TopValues("model", "ml.model.name", 10, by=weight())
VERSION = TopValues("version", "ml.model.version", 10, by=weight())
