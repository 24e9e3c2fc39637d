"""What figures of quality are made of: sums over labelled predictions, from one question or two."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from elkmon.analysis.figure import Moments
from elkmon.analysis.order import natural_all
from elkmon.analysis.question import Question
from elkmon.analysis.rates import Sums
from elkmon.analysis.times import utc
from elkmon.events.fields import PREDICTION
from elkmon.store.base import Bins, Cell, Condition, Dimension, FieldValue, Filter, Measure, Store

__all__ = ["BINARY", "BINS", "PROBABILITY", "RANK", "RATING", "RESIDUAL", "Evidence", "gather"]

BINARY = "binary"
BINS = 1000
"""Score bins over [0, 1]."""
SUCCEEDED = Condition("event.outcome", "=", ("success",))
_TASK = "ml.task"
_LABELLED = "ml.truth.observed_at"

PROBABILITY, RANK, RESIDUAL, RATING = "probability", "rank", "residual", "rating"
_SCORED = "ml.eval.brier"
"""What exactly those predictions have whose probabilities and truth can be compared."""


def _support(field: str) -> tuple[Measure, ...]:
    return Measure("count", field), Measure("weight", field), Measure("weight2", field)


def _moments(*names: str) -> tuple[Measure, ...]:
    return tuple(m for name in names for m in (Measure("sum", name), Measure("sum2", name)))


_BASE = (
    *(Measure("count"), Measure("weight"), Measure("weight2")),
    *(Measure("count", _LABELLED), Measure("weight", _LABELLED)),
)
_NEEDED: dict[str, tuple[Measure, ...]] = {
    PROBABILITY: (*_support(_SCORED), *_moments(_SCORED, "ml.eval.log_loss")),
    RANK: (*_support(_SCORED), Measure("min", "ml.prediction.score"),
           Measure("max", "ml.prediction.score")),
    RESIDUAL: (
        *_support("ml.eval.residual"),
        *(Measure("sum", f"ml.eval.{name}") for name in ("residual", "abs_residual")),
        *_moments("ml.eval.sq_residual", "ml.truth.value"),
        Measure("count", "ml.truth.value"),
    ),
    RATING: (*_support("ml.truth.rating"), *_moments("ml.truth.rating")),
}  # fmt: skip


class Evidence:
    """Sums of one group, step in time and task; successful predictions only.

    Attributes:
        cells: labelled predictions by true and predicted class.
        bins: by number of the score bin: of the negative class count, Σw, Σw², likewise of the
            positive one, lowest and highest score.
        positives: the positive classes that predictions named.
    """

    def __init__(self, by: tuple[Cell, ...], task: str | None, time: datetime | None) -> None:
        self.by, self.task, self.time = by, task, time
        self.succeeded, self.labelled, self.judged, self.right = Sums(), Sums(), Sums(), Sums()
        self.classed = 0
        """Predictions whose true class is known."""
        self.scored = 0
        """Of these, those whose probabilities are there and within [0, 1]."""
        self.outside = 0
        """Of these, those whose score lies outside [0, 1], as far as it was asked for."""
        self.cells: dict[tuple[str, str], Sums] = {}
        self.truths: dict[str, Sums] = {}
        self.bins: dict[float, list[Any]] = {}
        self.positives: set[str | None] = set()
        self._sums: dict[Measure, float] = {}

    def count(self, measure: Measure) -> float:
        """Give a sum; 0 where there is none."""
        return self._sums.get(measure, 0.0)

    def moments(self, field: str, of: str | None = None) -> Moments:
        """Give the moments of a field, over the predictions that have it.

        Args:
            field: that is summed.
            of: the field that says which predictions have it; itself where not given.
        """
        count, weight, weight2 = (self.count(each) for each in _support(of or field))
        return Moments(
            Sums(int(count), weight, weight2),
            self.count(Measure("sum", field)),
            self.count(Measure("sum2", field)),
        )

    def add(self, other: Evidence) -> None:
        """Add another step in time of the same group."""
        for name in ("succeeded", "labelled", "judged", "right"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("classed", "scored", "outside"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for key, sums in other.cells.items():
            self.cells[key] = self.cells.get(key, Sums()) + sums
        for truth, sums in other.truths.items():
            self.truths[truth] = self.truths.get(truth, Sums()) + sums
        for number, found in other.bins.items():
            _add_bin(self.bins, number, found)
        self.positives |= other.positives
        for measure, value in other._sums.items():
            self._sums[measure] = self._sums.get(measure, 0.0) + value

    def _take(
        self, said: Sequence[Any], number: float | None, values: Sequence[Any], at: Places
    ) -> None:
        """Add one row: positive and predicted class, truth, outcome; bin; measures."""
        positive, predicted, truth, outcome = said
        whole = Sums(int(values[0]), float(values[1]), float(values[2]))
        self.succeeded += whole
        self.labelled += Sums(int(values[3]), float(values[4]))
        if outcome is not None:
            self.judged += whole
            if outcome == "correct":
                self.right += whole
        for measure, place in at.summed:
            value = values[place]
            if value is not None:
                self._sums[measure] = self._sums.get(measure, 0.0) + value
        if truth is None:
            return
        self.classed += whole.count
        self.positives.add(positive)
        self.truths[truth] = self.truths.get(truth, Sums()) + whole
        if predicted is not None:
            key = (truth, predicted)
            self.cells[key] = self.cells.get(key, Sums()) + whole
        if at.scored is None:
            return
        count, weight, weight2 = values[at.scored : at.scored + 3]
        self.scored += int(count)
        if number is not None and at.lowest is not None:
            self.outside += whole.count - int(count) if positive is not None else 0
            if count:
                own, other = [count, weight, weight2], [0, 0.0, 0.0]
                sides = [*other, *own] if truth == positive else [*own, *other]
                _add_bin(self.bins, number, [*sides, values[at.lowest], values[at.lowest + 1]])


class Places:
    """Where the measures of a question stand in its rows."""

    def __init__(self, families: Iterable[str]) -> None:
        more = (measure for family in families for measure in _NEEDED[family])
        self.measures = tuple(dict.fromkeys((*_BASE, *more)))
        place = {measure: number for number, measure in enumerate(self.measures)}
        self.scored = place.get(Measure("count", _SCORED))
        self.lowest = place.get(Measure("min", "ml.prediction.score"))
        self.summed = tuple(
            (measure, number)
            for measure, number in place.items()
            if number >= len(_BASE) and measure.kind not in {"min", "max"}
        )


def _add_bin(bins: dict[float, list[Any]], number: float, found: list[Any]) -> None:
    known = bins.get(number)
    if known is None:
        bins[number] = found.copy()
        return
    for place in range(6):
        known[place] += found[place]
    known[6], known[7] = min(known[6], found[6]), max(known[7], found[7])


def gather(
    store: Store, question: Question, families: Collection[str], tasks: Collection[str | None]
) -> list[Evidence]:
    """Ask for what figures are made of.

    Args:
        store: to ask.
        question: what to ask.
        families: of sums that are needed.
        tasks: that there are: only binary ones have score bins, and are asked by themselves where
            there are others.

    Returns:
        One piece of evidence a group, step and task, sorted by group, then time.
    """
    found: dict[tuple[Any, ...], Evidence] = {}
    if RANK in families and BINARY in tasks:
        asked = {each for each in families if each in {PROBABILITY, RANK}}
        only = () if set(tasks) == {BINARY} else (Condition(_TASK, "=", (BINARY,)),)
        _ask(store, question, only, Places(asked), found)
        tasks = set(tasks) - {BINARY}
        rest: tuple[Condition, ...] = (Condition(_TASK, "!=", (BINARY,)),)
    else:
        rest = ()
    if tasks:
        _ask(store, question, rest, Places(each for each in families if each != RANK), found)
    return [found[key] for key in sorted(found, key=natural_all)]


def _ask(
    store: Store,
    question: Question,
    only: tuple[Condition, ...],
    at: Places,
    found: dict[tuple[Any, ...], Evidence],
) -> None:
    ranked = at.lowest is not None
    said = ("ml.prediction.positive", "ml.prediction.label", "ml.truth.label", "ml.eval.outcome")
    asked: list[Dimension] = [*question.dimensions, FieldValue(_TASK), *map(FieldValue, said)]
    if ranked:
        asked.append(Bins("ml.prediction.score", 1 / BINS))
    own = question.filter
    where = Filter(own.since, own.until, (*own.conditions, SUCCEEDED, *only))
    table = store.aggregate(PREDICTION, by=asked, measures=at.measures, where=where)
    width, first = len(question.dimensions), len(asked)
    stepped = question.every is not None
    for row in table.rows:
        key = row[: width + 1]
        evidence = found.get(key)
        if evidence is None:
            *by, time = key[:width] if stepped else (*key[:width], None)
            moment = utc(time) if isinstance(time, datetime) else None
            evidence = Evidence(tuple(by), cast("str | None", key[width]), moment)
            found[key] = evidence
        number = cast("float | None", row[first - 1]) if ranked else None
        evidence._take(row[width + 1 : width + 5], number, row[first:], at)  # noqa: SLF001
