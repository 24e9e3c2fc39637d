"""Declare the quality metrics once, each computed from the evidence of one group."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import sqrt

from elkmon.events.errors import QueryError
from elkmon.query.label_evidence import BINARY, PROBABILITY, RANK, RATING, RESIDUAL, Evidence
from elkmon.statistics.auc import ScoreBin, auc, average_precision
from elkmon.statistics.estimate import Estimate, absent, around, mean, of_rate
from elkmon.statistics.matrix import AVERAGED, ByClass, Matrix
from elkmon.stores.protocol import Measure

__all__ = ["METRICS", "Metric", "MetricInput", "default_metrics", "metrics_named"]

_CLASSES, _REGRESSION, _GENERATION = (BINARY, "multiclass"), ("regression",), ("generation",)
_KNOWN = (*_CLASSES, *_REGRESSION, *_GENERATION)


class MetricInput:
    """The input of one group's metrics: its evidence, its score bins, its confusion matrix."""

    def __init__(self, evidence: Evidence, bins: Sequence[ScoreBin] = ()) -> None:
        self.evidence = evidence
        self.bins = bins
        self.left_out: dict[str, tuple[str, ...]] = {}
        """Classes that a mean over classes leaves out, by metric."""

    @cached_property
    def matrix(self) -> Matrix:
        """Return the confusion matrix."""
        return Matrix(self.evidence.cells, self.why("labels do not say which class"))

    def why(self, otherwise: str) -> str:
        """Return why a metric from labels is absent."""
        if not self.evidence.succeeded.count:
            return "no successful attempt"
        return otherwise if self.evidence.labelled.count else "no label yet"

    @property
    def positive(self) -> str | None:
        """Return the positive class of a binary task, or None if there is not exactly one."""
        labels = {label for label in self.evidence.positives if label is not None}
        return next(iter(labels)) if len(labels) == 1 else None

    def of(self, metric: ByClass) -> Estimate:
        """Return a metric of the positive class, or the mean over classes if there are several."""
        if self.evidence.task != BINARY:
            return self.macro(metric)
        if self.positive is not None or not self.matrix.cells:
            return self.matrix.of_class(metric, self.positive or "")
        if any(self.evidence.positives):
            return absent("several classes were called the positive one", self.matrix.total)
        return absent("the positive class was not named to the logger", self.matrix.total)

    def macro(self, metric: ByClass) -> Estimate:
        """Return the plain mean over classes, and note the classes that it leaves out."""
        figure, self.left_out[f"{metric}_macro"] = self.matrix.macro(metric)
        return figure

    def weighted(self, metric: ByClass) -> Estimate:
        """Return the mean over classes by support, and note the classes that it leaves out."""
        figure, self.left_out[f"{metric}_weighted"] = self.matrix.weighted(metric)
        return figure


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table of metrics."""

    name: str
    title: str
    tasks: tuple[str, ...]
    compute: Callable[[MetricInput], Estimate]
    family: str | None = None
    """The family of sums that it needs; None if every question has them."""
    default: tuple[str, ...] = ()
    """The tasks that show it if no metric is named."""
    falls: bool = False
    """Whether lower is better."""

    def of(self, ground: MetricInput) -> Estimate:
        """Return the metric; absent, with the reason, for a task that has no such metric."""
        task = ground.evidence.task
        if task in _KNOWN and task not in self.tasks:
            return absent(f"there is none of a {task} task")
        return self.compute(ground)


def _accuracy(ground: MetricInput) -> Estimate:
    evidence = ground.evidence
    return of_rate(
        evidence.right.out_of(evidence.judged, ground.why("labels do not say right or wrong"))
    )


def _ranked(compute: Callable[[Iterable[ScoreBin]], Estimate], ground: MetricInput) -> Estimate:
    evidence = ground.evidence
    if evidence.task != BINARY:
        return absent("of several classes it needs every class's score, which is not in the bins")
    if not evidence.truths:
        return absent(ground.why("labels do not say which class"))
    if not ground.bins:
        return absent(_no_probability(ground))
    seen = _seen(ground)
    if len(seen) < 2:  # noqa: PLR2004 - both classes
        return replace(compute(ground.bins), value=None, low=None, high=None, bound=None,
                       reason=f"only class {', '.join(seen.pop())} was seen")  # fmt: skip
    return compute(ground.bins)


def _seen(ground: MetricInput) -> set[tuple[str, ...]]:
    """Return the true classes of scored predictions: the positive one, and all others together."""
    sides: set[tuple[str, ...]] = set()
    if any(score_bin.positive.count for score_bin in ground.bins):
        sides.add((ground.positive or "positive",))
    if any(score_bin.negative.count for score_bin in ground.bins):
        others = sorted(set(ground.evidence.truths) - {ground.positive or ""})
        sides.add(tuple(others))
    return sides


def _no_probability(ground: MetricInput) -> str:
    if ground.evidence.task != BINARY:
        return "no prediction has the probability of every class, within [0, 1]"
    if not any(ground.evidence.positives):
        return "the positive class was not named to the logger"
    return "no labelled prediction has a score within [0, 1]"


def _probability(field: str) -> Callable[[MetricInput], Estimate]:
    def compute(ground: MetricInput) -> Estimate:
        evidence = ground.evidence
        if not evidence.truths:
            return absent(ground.why("labels do not say which class"))
        return mean(evidence.moments(field, "ml.eval.brier"), _no_probability(ground), lowest=0.0)

    return compute


def _no_residual(ground: MetricInput) -> str:
    return ground.why("no label has a true value beside a predicted one")


def _mae(ground: MetricInput) -> Estimate:
    # |r|² is r²
    evidence = ground.evidence
    moments = replace(
        evidence.moments("ml.eval.abs_residual", "ml.eval.residual"),
        squares=evidence.count(Measure("sum", "ml.eval.sq_residual")),
    )
    return mean(moments, _no_residual(ground), lowest=0.0)


def _bias(ground: MetricInput) -> Estimate:
    evidence = ground.evidence
    moments = replace(
        evidence.moments("ml.eval.residual"),
        squares=evidence.count(Measure("sum", "ml.eval.sq_residual")),
    )
    return mean(moments, _no_residual(ground))


def _rmse(ground: MetricInput) -> Estimate:
    squared = mean(
        ground.evidence.moments("ml.eval.sq_residual", "ml.eval.residual"),
        _no_residual(ground),
        lowest=0.0,
    )
    roots = (None if x is None else sqrt(x) for x in (squared.value, squared.low, squared.high))
    value, low, high = roots
    return replace(squared, value=value, low=low, high=high)


def _r2(ground: MetricInput) -> Estimate:
    evidence = ground.evidence
    truth = evidence.moments("ml.truth.value", "ml.eval.residual")
    support = truth.support
    if not support.count:
        return absent(_no_residual(ground))
    if evidence.count(Measure("count", "ml.truth.value")) != support.count:
        return absent("some true values have no predicted one beside them", support)
    mean_square = truth.squares / support.weight
    spread = mean_square - (truth.total / support.weight) ** 2
    if support.count < 2 or spread <= 1e-12 * mean_square:  # noqa: PLR2004 - one value has no spread
        return absent("the true values do not vary", support)
    lost = evidence.count(Measure("sum", "ml.eval.sq_residual")) / support.weight
    return replace(
        around(1 - lost / spread, 0.0, support),
        reason="no interval: it would need how residuals and true values vary together",
    )


def _rating(ground: MetricInput) -> Estimate:
    return mean(ground.evidence.moments("ml.truth.rating"), ground.why("labels have no rating"))


def _by_class(metric: ByClass, title: str, default: tuple[str, ...]) -> tuple[Metric, ...]:
    return (
        Metric(metric, title, _CLASSES, lambda ground: ground.of(metric), default=default),
        Metric(f"{metric}_macro", f"{title}, macro", _CLASSES, lambda g: g.macro(metric)),
        Metric(f"{metric}_weighted", f"{title}, weighted", _CLASSES, lambda g: g.weighted(metric)),
    )


_TITLES = dict(zip(AVERAGED, ("precision", "recall", "F1", "specificity"), strict=True))
_BINARY, _MANY = (BINARY,), ("multiclass",)
_TABLE: tuple[Metric, ...] = (
    Metric("accuracy", "accuracy", (*_CLASSES, *_GENERATION), _accuracy,
           default=(*_CLASSES, *_GENERATION)),
    Metric("balanced_accuracy", "balanced accuracy", _CLASSES, lambda g: g.macro("recall"),
           default=_CLASSES),
    *_by_class("precision", "precision", _CLASSES),
    *_by_class("recall", "recall", _BINARY),
    *_by_class("f1", "F1", _CLASSES),
    *_by_class("specificity", "specificity", _BINARY),
    Metric("mcc", "MCC", _CLASSES, lambda g: g.matrix.mcc(), default=_CLASSES),
    Metric("auc", "AUC", _CLASSES, partial(_ranked, auc), RANK, default=_BINARY),
    Metric("average_precision", "average precision", _CLASSES,
           partial(_ranked, average_precision), RANK, default=_BINARY),
    Metric("log_loss", "log loss", _CLASSES, _probability("ml.eval.log_loss"), PROBABILITY,
           default=_CLASSES, falls=True),
    Metric("brier", "Brier score", _CLASSES, _probability("ml.eval.brier"), PROBABILITY,
           default=_CLASSES, falls=True),
    Metric("mae", "MAE", _REGRESSION, _mae, RESIDUAL, default=_REGRESSION, falls=True),
    Metric("rmse", "RMSE", _REGRESSION, _rmse, RESIDUAL, default=_REGRESSION, falls=True),
    Metric("bias", "bias", _REGRESSION, _bias, RESIDUAL, default=_REGRESSION),
    Metric("r2", "R²", _REGRESSION, _r2, RESIDUAL, default=_REGRESSION),
    Metric("rating", "mean rating", _GENERATION, _rating, RATING, default=_GENERATION),
)  # fmt: skip
METRICS: dict[str, Metric] = {metric.name: metric for metric in _TABLE}


def metrics_named(names: str | Iterable[str]) -> tuple[Metric, ...]:
    """Return the metrics of these names; a text may hold several, separated by commas.

    Raises:
        QueryError: there is no such metric.
    """
    texts = [names] if isinstance(names, str) else names
    parts = [part.strip() for text in texts for part in text.split(",")]
    metrics = []
    for name in dict.fromkeys(part for part in parts if part):
        key = name.lower().replace("-", "_").replace(" ", "_")
        if key not in METRICS:
            close = difflib.get_close_matches(key, METRICS, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(close)}?" if close else "there are: "
            more = "" if close else ", ".join(METRICS)
            raise QueryError(f"no such metric: {name}; {hint}{more}")
        metrics.append(METRICS[key])
    return tuple(metrics)


def default_metrics(tasks: Iterable[str | None]) -> tuple[Metric, ...]:
    """Return the metrics that are shown for these tasks if none is named."""
    known_tasks = set(tasks)
    metrics = tuple(metric for metric in _TABLE if known_tasks & set(metric.default))
    return metrics or (METRICS["accuracy"],)
