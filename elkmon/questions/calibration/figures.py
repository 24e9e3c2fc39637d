"""Compute calibration: do scores of 80 % come true in 80 of 100 cases?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf, nextafter, pi, sqrt
from typing import Any

from elkmon.events.errors import QueryError
from elkmon.present.result import Result, parts_of
from elkmon.query.groups import Group, grouped, in_order, support
from elkmon.query.label_evidence import BINARY, SUCCEEDED
from elkmon.query.question import Question
from elkmon.questions.record import Answer
from elkmon.statistics.estimate import Estimate, absent
from elkmon.statistics.intervals import effective
from elkmon.statistics.rate import Rate, Sums
from elkmon.stores.protocol import Cell, Condition, Dimension, Edges, FieldValue, Measure, Store

__all__ = [
    "CalibrationBin",
    "CalibrationRow",
    "ScoreSums",
    "answer",
    "calibration",
    "expected_error",
]

_SCORE = "ml.prediction.score"
_MEASURES = (
    *support(),
    *(Measure("count", _SCORE), Measure("sum", _SCORE)),
)
_MOST_BINS = 100


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Predictions with scores in [low, high); the last bin includes 1."""

    low: float
    high: float
    score: float
    """Their mean score."""
    share: Rate
    """The share that came true, with Wilson's interval."""


@dataclass(frozen=True, slots=True)
class CalibrationRow:
    """The reliability diagram of one group."""

    by: Mapping[str, Cell]
    time: datetime | None
    task: str | None
    ece: Estimate
    """Expected calibration error: Σ (n_b / N) · |share_b − score_b|."""
    by_chance: float | None
    """The ECE that the same scores would have by chance if they were perfectly calibrated."""
    bins: tuple[CalibrationBin, ...]


@dataclass
class ScoreSums:
    """Sums of one bin: all predictions, those that came true, and Σw·score."""

    all: Sums = field(default=Sums())
    true: Sums = field(default=Sums())
    scores: float = 0.0

    @property
    def score(self) -> float:
        """Return the mean score."""
        return self.scores / self.all.weight


@dataclass
class _Scored:
    bins: dict[int, ScoreSums] = field(default_factory=dict)
    unscored: int = 0
    outside: int = 0
    no_class: int = 0
    """Binary predictions without a known positive or true class."""


def calibration(store: Store, question: Question, bins: int = 10) -> Result[CalibrationRow]:
    """Return the share that came true in each bin of scores.

    In a binary task the score is that of the positive class, and true means that the label is this
    class; with several classes it is that of the predicted class, and true means a right answer.

    Args:
        store: to ask.
        question: what to ask.
        bins: number of equal bins over [0, 1], from 2 to 100.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    if not 2 <= bins <= _MOST_BINS:  # noqa: PLR2004 - one bin compares nothing
        raise QueryError(f"calibration takes 2 to {_MOST_BINS} bins, not {bins}")
    edges = tuple(number / bins for number in range(bins))
    by_group = _ask(store, question, (*edges, nextafter(1.0, inf)))
    rows, notes = [], []
    for (group, task), scored in in_order(by_group):
        named = dict(zip(question.by, group.by, strict=True))
        rows.append(_row(named, group.time, task, scored, (*edges, 1.0)))
        notes += [f"{group.words}: {note}" for note in _left_out(scored)]
    columns = (*question.by, "time", "task", *parts_of(Estimate, "ece"), "by_chance")
    return Result(question, tuple(rows), columns, tuple(notes))


def expected_error(bins: Sequence[ScoreSums]) -> tuple[float, float]:
    """Return the expected calibration error, and its expectation under perfect calibration.

    Σ (w_b / W) · |share_b − score_b| (M. P. Naeini, G. Cooper, M. Hauskrecht, AAAI 2015). With
    perfect calibration share_b − score_b is about normal with variance s_b (1 − s_b) / n_eff, and
    the mean of its size is √(2/π) of the deviation.

    Args:
        bins: with predictions; at least one.
    """
    whole = sum(scores.all.weight for scores in bins)
    error = chance = 0.0
    for scores in bins:
        part = scores.all.weight / whole
        score = min(max(scores.score, 0.0), 1.0)
        error += part * abs(scores.true.weight / scores.all.weight - scores.score)
        n_eff = effective(scores.all.weight, scores.all.weight2)
        chance += part * sqrt(2 / pi * score * (1 - score) / n_eff)
    return error, chance


def _ask(
    store: Store, question: Question, edges: tuple[float, ...]
) -> dict[tuple[Group, str | None], _Scored]:
    fields = ("ml.task", "ml.prediction.positive", "ml.truth.label", "ml.eval.outcome")
    by: tuple[Dimension, ...] = (*map(FieldValue, fields), Edges(_SCORE, edges))
    labelled = Condition("ml.eval.outcome", "exists")
    by_group: dict[tuple[Group, str | None], _Scored] = {}
    for group, row in grouped(store, question, by, _MEASURES, SUCCEEDED, labelled):
        task, positive, truth, outcome, number, *sums = row
        scored = by_group.setdefault((group, task), _Scored())
        _take(scored, task == BINARY, (positive, truth, outcome), number, sums)
    return by_group


def _take(
    group: _Scored,
    binary: bool,
    classes: tuple[Cell, Cell, Cell],
    number: Cell,
    sums: Sequence[Any],
) -> None:
    positive, truth, outcome = classes
    count, weight, weight2, scored, scores = sums
    if binary and (positive is None or truth is None):
        group.no_class += count
    elif number is None:
        group.unscored += count - scored
        group.outside += scored
    else:
        here = group.bins.setdefault(int(number), ScoreSums())  # type: ignore[arg-type]  # an index
        part = Sums(count, weight, weight2)
        here.all += part
        here.scores += scores
        if (truth == positive) if binary else (outcome == "correct"):
            here.true += part


def _row(
    by: Mapping[str, Cell],
    time: datetime | None,
    task: str | None,
    group: _Scored,
    edges: tuple[float, ...],
) -> CalibrationRow:
    kept = {number: group.bins[number] for number in sorted(group.bins)}
    if not kept:
        reason = "no labelled prediction has a score within [0, 1]"
        if group.no_class:
            reason = "the positive class, or the true one, is not known"
        return CalibrationRow(by, time, task, absent(reason), None, ())
    error, chance = expected_error(list(kept.values()))
    support = sum((scores.all for scores in kept.values()), Sums())
    n_eff = effective(support.weight, support.weight2)
    why = "no interval: the bins have theirs"
    return CalibrationRow(
        by,
        time,
        task,
        Estimate(error, None, None, None, support.count, support.weight, n_eff, reason=why),
        chance,
        tuple(
            CalibrationBin(edges[b], edges[b + 1], scores.score, scores.true.out_of(scores.all, ""))
            for b, scores in kept.items()
        ),
    )


def _left_out(group: _Scored) -> list[str]:
    counts = {
        "no score": group.unscored,
        "a score outside [0, 1]": group.outside,
        "no known positive class, or no true class": group.no_class,
    }
    return [
        f"{count:,} labelled predictions have {what}: left out"
        for what, count in counts.items()
        if count
    ]


def answer(store: Store, question: Question, bins: int) -> Answer:
    """Return what the command shows; arguments and errors as of :func:`calibration`."""
    return Answer(calibration(store, question, bins))
