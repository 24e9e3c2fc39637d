"""Choose the label age at which both sides of a comparison are counted.

A young prediction is labelled only if its label came fast, and fast labels differ from late ones.
So both sides count only labels that came within a common horizon, of predictions older than it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from elkmon.events.datasets import PREDICTION
from elkmon.present.formatting import about_duration
from elkmon.query.question import Question
from elkmon.query.times import utc
from elkmon.questions.compare.comparison_sides import Side
from elkmon.stores.protocol import (
    Condition,
    Edges,
    FieldValue,
    Filter,
    Measure,
    ModelEntry,
    Store,
    TimeBucket,
)

__all__ = ["LabelAge", "label_age"]

_DELAY = "ml.eval.first_delay"
_NEWEST = "ml.truth.observed_at"
HAS_OUTCOME = Condition("ml.eval.outcome", "exists")
_M, _H, _D = 60.0, 3600.0, 86_400.0
HORIZONS = (
    *(n * _M for n in (1, 2, 5, 10, 15, 30)),
    *(n * _H for n in (1, 2, 3, 4, 6, 8, 12, 18, 24, 36)),
    *(n * _D for n in (2, 3, 4, 5, 7, 10, 14, 21, 30, 45, 60, 90, 120, 180, 365)),
)
"""The possible horizons, in seconds."""
_STEPS = 200
_MOMENT = timedelta(milliseconds=1)
_LEAST_LEFT = 0.1
"""The share of the labelled predictions that a horizon has to leave."""


@dataclass(frozen=True, slots=True)
class LabelAge:
    """Which labels both sides of a comparison count."""

    horizon: float | None
    """Seconds within which labels came, of predictions that are older. None if almost nothing
    would be left, for example if all labels came at once: then all count, and age is not equal."""
    until: datetime
    """Predictions before then are old enough."""
    late_right: float = 0.0
    """The share of the current side's labels that will still be corrected to say that the answer
    was right, as in the baseline; as many of its wrong answers may turn out right."""
    late_wrong: float = 0.0
    """The share that will be corrected to say that the answer was wrong."""

    @property
    def late(self) -> float:
        """Return the share of the current side's labels that will still be corrected."""
        return self.late_right + self.late_wrong

    @property
    def words(self) -> str:
        """Return which labels count, in words."""
        if self.horizon is None:
            return "labels of any age"
        return f"labels within {about_duration(self.horizon)}"

    def filter(self, side: Side, model: str, question: Question) -> Filter:
        """Return what counts on one side: successful predictions known to be right or wrong."""
        within = () if self.horizon is None else (Condition(_DELAY, "<", (self.horizon,)),)
        where = side.filter(model, question, HAS_OUTCOME, *within)
        return replace(where, until=min(side.until, self.until))


def label_age(
    store: Store, model: ModelEntry, question: Question, baseline: Side, current: Side
) -> LabelAge | None:
    """Choose the horizon that leaves the current side the most labelled predictions.

    A short one drops the labels that come later, a long one the predictions that are younger. The
    choice depends on delays only, never on whether an answer was wrong, so it favours no side.

    Args:
        store: the store.
        model: the model whose labels count.
        question: its conditions hold on both sides.
        baseline: the side to compare with.
        current: the side to compare.

    Returns:
        None if the current side has no label that says right or wrong.

    Raises:
        QueryError: the question is invalid.
        StoreError: the store cannot be read.
    """
    age = _horizon(store, current.filter(model.name, question, HAS_OUTCOME))
    if age is None:
        return None
    if baseline.until > current.since and age.horizon is not None:  # it may be the younger one
        last_label = _last_label(store, baseline.filter(model.name, question, HAS_OUTCOME))
        old_enough = None if last_label is None else last_label - timedelta(seconds=age.horizon)
        age = replace(age, until=max(age.until, old_enough or age.until))
    corrected = model.labels - model.orphans - model.sampled_out > model.labelled
    if not corrected or age.horizon is None:
        return age
    right, wrong = _late(store, model.name, question, baseline, current, age)
    return replace(age, late_right=right, late_wrong=wrong)


def _horizon(store: Store, where: Filter) -> LabelAge | None:
    """Return the horizon that leaves the most predictions that are older and labelled within.

    The age of a prediction ends when the last label came: if labels stop coming, predictions
    without a label do not count as old.
    """
    since, until = where.since, where.until
    if since is None or until is None:
        return None
    minutes = max(1, round((until - since).total_seconds() / 60 / _STEPS))
    table = store.aggregate(
        PREDICTION,
        by=(TimeBucket(minutes, "m"), Edges(_DELAY, (0.0, *HORIZONS))),
        measures=(Measure("count"), Measure("max", _NEWEST)),
        where=where,
    )
    label_times = [utc(last) for *_, last in table.rows if isinstance(last, datetime)]
    if not label_times:
        return None
    seen_until = max(label_times) + _MOMENT
    left = [0] * len(HORIZONS)
    labelled = 0
    for begin, place, count, _ in table.rows:
        labelled += int(count)  # type: ignore[arg-type]  # a count is a number
        if not isinstance(begin, datetime) or not isinstance(place, (int, float)):
            continue  # a label that took more than a year
        age = (seen_until - utc(begin)).total_seconds()
        for position in range(int(place), len(HORIZONS)):
            if HORIZONS[position] <= age:
                left[position] += int(count)  # type: ignore[arg-type]  # a count is a number
    best = max(left)
    if best < _LEAST_LEFT * labelled:
        return LabelAge(None, until)
    horizon = HORIZONS[left.index(best)]
    return LabelAge(horizon, seen_until - timedelta(seconds=horizon))


def _last_label(store: Store, where: Filter) -> datetime | None:
    """Return when the last label of some predictions came."""
    table = store.aggregate(PREDICTION, by=(), measures=(Measure("max", _NEWEST),), where=where)
    for (last,) in table.rows:
        if isinstance(last, datetime):
            return utc(last) + _MOMENT
    return None


def _late(
    store: Store, model: str, question: Question, baseline: Side, current: Side, age: LabelAge
) -> tuple[float, float]:
    """Return the shares of labels that will still be corrected to right, and to wrong.

    They are taken from the end of the baseline, over the length that counts on the current side:
    the share of its labels that were corrected after it had the age of the current side.
    """
    end = min(current.until, age.until)
    length = end - current.since
    where = age.filter(baseline, model, question)
    until = where.until or baseline.until
    where = replace(where, since=max(baseline.since, until - length))
    as_old = until + (age.until + timedelta(seconds=age.horizon or 0.0) - end)
    later = replace(where, conditions=(*where.conditions, Condition(_NEWEST, ">=", (as_old,))))
    whole, late = (_weights(store, part) for part in (where, later))
    number = sum(whole.values())
    right, wrong = (late.get(outcome, 0.0) for outcome in ("correct", "wrong"))
    return (right / number, wrong / number) if number else (0.0, 0.0)


def _weights(store: Store, where: Filter) -> dict[str, float]:
    by = (FieldValue("ml.eval.outcome"),)
    table = store.aggregate(PREDICTION, by=by, measures=(Measure("weight"),), where=where)
    return {str(outcome): float(weight or 0.0) for outcome, weight in table.rows}  # type: ignore[arg-type]  # a sum is a number
