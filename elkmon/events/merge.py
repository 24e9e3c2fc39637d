"""Join late labels to their prediction: the definition that every store is held to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import log

__all__ = ["EPSILON", "Joined", "Label", "Prediction", "merge"]

EPSILON = 2.220446049250313e-16
"""Probabilities are clipped to [EPSILON, 1 − EPSILON], as scikit-learn's log_loss does."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the join reads of a prediction."""

    timestamp: datetime
    task: str | None = None
    label: str | None = None
    positive: str | None = None
    value: float | None = None
    score: float | None = None
    scores: Mapping[str, float | None] | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """What the join reads of a label."""

    event_id: str
    observed_at: datetime
    label: str | None = None
    value: float | None = None
    correct: bool | None = None
    rating: float | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """What the join writes: ``ml.truth.*`` and ``ml.eval.*``; None where there is nothing."""

    label: str | None = None
    value: float | None = None
    correct: bool | None = None
    rating: float | None = None
    source: str | None = None
    observed_at: datetime | None = None
    outcome: str | None = None
    residual: float | None = None
    abs_residual: float | None = None
    sq_residual: float | None = None
    log_loss: float | None = None
    brier: float | None = None
    first_delay: float | None = None


def merge(prediction: Prediction, labels: Iterable[Label]) -> Joined:
    """Join labels to their prediction, in whatever order and however often they arrive.

    Each truth field has the value with the latest ``observed_at``; among equals, that of the
    highest event id. A true and a predicted class decide the outcome; without both, ``correct``
    does. ``source`` and ``observed_at`` are those of the newest label; ``first_delay`` is that of
    the oldest, so that a correction never changes it. A failed attempt gave no answer that could
    be right or wrong: it gets the truth and no evaluation.

    Args:
        prediction: the prediction.
        labels: its labels in any order, repeats included.

    Returns:
        The joined fields; all None without labels. Log loss and Brier score are scikit-learn's
        for one sample (Brier over classes unscaled); for a multiclass task they need ``scores``.
    """
    ordered = sorted(labels, key=lambda one: (one.observed_at, one.event_id))
    if not ordered:
        return Joined()
    label: str | None = None
    value: float | None = None
    correct: bool | None = None
    rating: float | None = None
    for event in ordered:
        label = event.label if event.label is not None else label
        value = event.value if event.value is not None else value
        correct = event.correct if event.correct is not None else correct
        rating = event.rating if event.rating is not None else rating
    truth = Joined(
        label=label,
        value=value,
        correct=correct,
        rating=rating,
        source=ordered[-1].source,
        observed_at=ordered[-1].observed_at,
    )
    if prediction.failed:
        return truth
    right = correct
    if label is not None and prediction.label is not None:
        right = label == prediction.label
    residual = None
    if value is not None and prediction.value is not None:
        residual = prediction.value - value
    log_loss, brier = _probabilities(prediction, label)
    first_delay = (ordered[0].observed_at - prediction.timestamp).total_seconds()
    return replace(
        truth,
        outcome=None if right is None else "correct" if right else "wrong",
        residual=residual,
        abs_residual=None if residual is None else abs(residual),
        sq_residual=None if residual is None else residual * residual,
        log_loss=log_loss,
        brier=brier,
        first_delay=max(first_delay, 0.0),
    )


def _probabilities(prediction: Prediction, truth: str | None) -> tuple[float | None, float | None]:
    """Return log loss and Brier score of one prediction; None without usable probabilities."""
    if truth is None:
        return None, None
    if prediction.task == "binary":
        if prediction.score is None or prediction.positive is None:
            return None, None
        if not 0.0 <= prediction.score <= 1.0:
            return None, None
        positive = truth == prediction.positive
        error = prediction.score - (1.0 if positive else 0.0)
        return _loss(prediction.score if positive else 1.0 - prediction.score), error * error
    scores = prediction.scores
    if prediction.task != "multiclass" or not scores or truth not in scores:
        return None, None
    known = {name: score for name, score in scores.items() if score is not None}
    if len(known) < len(scores) or not all(0.0 <= score <= 1.0 for score in known.values()):
        return None, None
    brier = sum((score - (1.0 if name == truth else 0.0)) ** 2 for name, score in known.items())
    return _loss(known[truth]), brier


def _loss(probability: float) -> float:
    return -log(min(max(probability, EPSILON), 1.0 - EPSILON))
