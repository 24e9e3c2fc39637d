"""Collect the sums over labelled predictions that quality metrics are computed from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from elkmon.query.groups import Group, ask, group_of, in_order, support
from elkmon.query.question import Question
from elkmon.statistics.estimate import Moments
from elkmon.statistics.rate import Sums
from elkmon.stores.protocol import Bins, Cell, Condition, Dimension, FieldValue, Measure, Store

__all__ = ["BINARY", "BINS", "PROBABILITY", "RANK", "RATING", "RESIDUAL", "Evidence", "gather"]

BINARY = "binary"
BINS = 1000
"""Score bins over [0, 1]."""
_TASK = "ml.task"
_OUTCOME = "event.outcome"
SUCCEEDED = Condition(_OUTCOME, "=", ("success",))
_CLASSES = ("ml.prediction.positive", "ml.prediction.label", "ml.truth.label", "ml.eval.outcome")
_LABELLED = "ml.truth.observed_at"

PROBABILITY, RANK, RESIDUAL, RATING = "probability", "rank", "residual", "rating"
_SCORE = "ml.prediction.score"
_SCORED = "ml.eval.brier"
"""The field of predictions whose probability can be compared with their truth."""


def _moments(*names: str) -> tuple[Measure, ...]:
    return tuple(m for name in names for m in (Measure("sum", name), Measure("sum2", name)))


_BASE = (
    *support(),
    *(Measure("count", _LABELLED), Measure("weight", _LABELLED)),
)
_NEEDED: dict[str, tuple[Measure, ...]] = {
    PROBABILITY: (*support(_SCORED), *_moments(_SCORED, "ml.eval.log_loss")),
    RANK: (*support(_SCORED), Measure("min", _SCORE), Measure("max", _SCORE)),
    RESIDUAL: (
        *support("ml.eval.residual"),
        *(Measure("sum", f"ml.eval.{name}") for name in ("residual", "abs_residual")),
        *_moments("ml.eval.sq_residual", "ml.truth.value"),
        Measure("count", "ml.truth.value"),
    ),
    RATING: (*support("ml.truth.rating"), *_moments("ml.truth.rating")),
}  # fmt: skip


class Evidence:
    """Sums of one group, step and task, over successful predictions.

    Attributes:
        cells: labelled predictions by true and predicted class.
        bins: by number of the score bin: count, Σw and Σw² of the negative class, the same of the
            positive class, lowest and highest score.
        positives: the positive classes that predictions named.
    """

    def __init__(self, by: tuple[Cell, ...], task: str | None, time: datetime | None) -> None:
        self.by, self.task, self.time = by, task, time
        self.succeeded, self.labelled, self.judged, self.right = Sums(), Sums(), Sums(), Sums()
        self.classed = 0
        """Predictions with a known true class."""
        self.scored = 0
        """Predictions with a known true class and probabilities within [0, 1]."""
        self.outside = 0
        """The same with a score outside [0, 1], if bins were asked for."""
        self.cells: dict[tuple[str, str], Sums] = {}
        self.truths: dict[str, Sums] = {}
        self.bins: dict[float, list[Any]] = {}
        self.positives: set[str | None] = set()
        self._sums: dict[Measure, float] = {}

    def count(self, measure: Measure) -> float:
        """Return a sum; 0 if there is none."""
        return self._sums.get(measure, 0.0)

    def moments(self, field: str, of: str | None = None) -> Moments:
        """Return the moments of a field, over the predictions that have it.

        Args:
            field: to sum.
            of: the field that a counted prediction has; ``field`` if not given.
        """
        count, weight, weight2 = (self.count(measure) for measure in support(of or field))
        return Moments(
            Sums(int(count), weight, weight2),
            self.count(Measure("sum", field)),
            self.count(Measure("sum2", field)),
        )

    def add(self, other: Evidence) -> None:
        """Add another step of the same group."""
        for name in (
            *("succeeded", "labelled", "judged", "right"),
            *("classed", "scored", "outside"),
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for key, sums in other.cells.items():
            self.cells[key] = self.cells.get(key, Sums()) + sums
        for truth, sums in other.truths.items():
            self.truths[truth] = self.truths.get(truth, Sums()) + sums
        for number, values in other.bins.items():
            _add_bin(self.bins, number, values)
        self.positives |= other.positives
        for measure, value in other._sums.items():
            self._sums[measure] = self._sums.get(measure, 0.0) + value

    def take(self, classes: Sequence[Any], rows: Sequence[Sequence[Any]], at: Places) -> None:
        """Add rows that differ only in their score bin.

        Args:
            classes: positive and predicted class, truth, outcome.
            rows: the bin, if bins were asked for, and the measures.
            at: the positions of the measures.
        """
        positive, predicted, truth, outcome = classes
        values = at.summed(rows)
        whole = Sums(int(values[0]), values[1], values[2])
        self.succeeded += whole
        self.labelled += Sums(int(values[3]), values[4])
        if outcome is not None:
            self.judged += whole
            if outcome == "correct":
                self.right += whole
        for measure, place in at.kept:
            self._sums[measure] = self._sums.get(measure, 0.0) + values[place - at.first]
        if truth is None:
            return
        self.classed += whole.count
        self.positives.add(positive)
        self.truths[truth] = self.truths.get(truth, Sums()) + whole
        if predicted is not None:
            key = (truth, predicted)
            self.cells[key] = self.cells.get(key, Sums()) + whole
        if at.scored is not None:
            self.scored += int(values[at.scored - at.first])
            if at.ranked and positive is not None:
                self._take_bins(truth == positive, rows, at.scored, at)

    def _take_bins(
        self, positive: bool, rows: Sequence[Sequence[Any]], scored: int, at: Places
    ) -> None:
        for row in rows:
            number, count = row[0], row[scored]
            if number is None:
                continue
            self.outside += row[at.first] - count
            if count:
                sums, nothing = list(row[scored : scored + 3]), [0, 0.0, 0.0]
                sides = [*nothing, *sums] if positive else [*sums, *nothing]
                _add_bin(self.bins, number, [*sides, row[at.lowest], row[at.highest]])


class Places:
    """The positions of the measures in the rows of a question, after the groups.

    Attributes:
        measures: to ask for.
        first: position of the first measure: 1 after a score bin, else 0.
        kept: measures that evidence keeps as they are, with their position.
        scored: position of the number of predictions with a score; Σw and Σw² follow it.
        ranked: whether score bins are asked for.
        lowest: position of the lowest score in a bin, if ranked.
        highest: position of the highest score in a bin, if ranked.
    """

    def __init__(self, families: Iterable[str]) -> None:
        more = (measure for family in sorted(families) for measure in _NEEDED[family])
        self.measures = tuple(dict.fromkeys((*_BASE, *more)))
        self.ranked = Measure("min", _SCORE) in self.measures
        self.first = 1 if self.ranked else 0
        place = {measure: self.first + number for number, measure in enumerate(self.measures)}
        self.scored = place.get(Measure("count", _SCORED))
        self.lowest = place.get(Measure("min", _SCORE), 0)
        self.highest = place.get(Measure("max", _SCORE), 0)
        self.kept = tuple(
            (measure, number)
            for measure, number in place.items()
            if measure not in _BASE and measure.kind not in {"min", "max"}
        )

    def summed(self, rows: Sequence[Sequence[Any]]) -> list[float]:
        """Add up the measures of rows; an absent one is 0."""
        columns = list(zip(*rows, strict=True))[self.first :]
        return [float(sum(filter(None, column))) for column in columns]


def _add_bin(bins: dict[float, list[Any]], number: float, values: list[Any]) -> None:
    known = bins.get(number)
    if known is None:
        bins[number] = values.copy()
        return
    for position in range(6):
        known[position] += values[position]
    known[6], known[7] = min(known[6], values[6]), max(known[7], values[7])


def gather(
    store: Store,
    question: Question,
    families: Collection[str] = (),
) -> list[Evidence]:
    """Return the sums of each group, step and task.

    Args:
        store: to ask.
        question: what to ask.
        families: of sums to ask for; only binary tasks have score bins.

    Returns:
        Evidence of each group, step and task, empty if no attempt succeeded; sorted by group, then
        time.
    """
    at = Places(families)
    by: list[Dimension] = [FieldValue(_TASK), FieldValue(_OUTCOME), *map(FieldValue, _CLASSES)]
    if at.ranked:
        binary = Condition(_TASK, "=", (BINARY,))
        by.append(Bins(_SCORE, 1 / BINS, binary))
    table = ask(store, question, by, at.measures)
    width = len(question.dimensions)
    groups = width + 2 + len(_CLASSES)
    collected: dict[tuple[Group, str | None], Evidence] = {}
    for cells, rows in groupby(table, key=lambda row: row[:groups]):
        task, outcome, *classes = cells[width:]
        group = group_of(question, cells)
        evidence = collected.setdefault((group, task), Evidence(group.by, task, group.time))
        if outcome == "success":
            evidence.take(classes, [row[groups:] for row in rows], at)
    return [evidence for _, evidence in in_order(collected)]
