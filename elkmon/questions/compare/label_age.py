"""Equal label age: how old a prediction has to be, and its label may be, to count on both sides.

A young prediction is labelled only if its label came fast, and fast labels are not like late ones;
so both sides count the labels that came within a common horizon, of predictions that are older.
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

__all__ = ["Maturity", "maturity"]

_DELAY = "ml.eval.first_delay"
_NEWEST = "ml.truth.observed_at"
JUDGED = Condition("ml.eval.outcome", "exists")
_M, _H, _D = 60.0, 3600.0, 86_400.0
HORIZONS = (
    *(n * _M for n in (1, 2, 5, 10, 15, 30)),
    *(n * _H for n in (1, 2, 3, 4, 6, 8, 12, 18, 24, 36)),
    *(n * _D for n in (2, 3, 4, 5, 7, 10, 14, 21, 30, 45, 60, 90, 120, 180, 365)),
)
"""Seconds: the ages among which the horizon is chosen."""
_STEPS = 200
_MOMENT = timedelta(milliseconds=1)
_LEAST_LEFT = 0.1
"""Share of the labelled predictions that a horizon has to leave."""


@dataclass(frozen=True, slots=True)
class Maturity:
    """What both sides of a comparison count."""

    horizon: float | None
    """Seconds: labels that came within, of predictions that are older; None where labels come so
    that next to nothing would be left, as all at once: then all count, and age is not equal."""
    until: datetime
    """Predictions before then are old enough."""
    late_right: float = 0.0
    """Share of the current side's labels that are still to be corrected so that the answer was
    right, judged by the baseline: so many of its wrong ones may be none."""
    late_wrong: float = 0.0
    """The same for answers that will turn out wrong."""

    @property
    def late(self) -> float:
        """Give the share of the current side's labels that are still to be corrected."""
        return self.late_right + self.late_wrong

    @property
    def words(self) -> str:
        """Say which labels count."""
        if self.horizon is None:
            return "labels of any age"
        return f"labels within {about_duration(self.horizon)}"

    def filter(self, side: Side, model: str, question: Question) -> Filter:
        """Give what counts on one side: successful predictions that are known right or wrong."""
        within = () if self.horizon is None else (Condition(_DELAY, "<", (self.horizon,)),)
        found = side.filter(model, question, JUDGED, *within)
        return replace(found, until=min(side.until, self.until))


def maturity(
    store: Store,
    model: ModelEntry,
    question: Question,
    baseline: Side,
    current: Side,
) -> Maturity | None:
    """Choose the horizon that leaves the current side the most labelled predictions.

    A short one drops the labels that come later, a long one the predictions that are younger. The
    choice sees delays only, never whether an answer was wrong, so that it favours no side.

    Args:
        store: to ask.
        model: whose labels.
        question: whose conditions hold.
        baseline: the side to compare with.
        current: the side that is compared.

    Returns:
        None where the current side has no label that says right or wrong.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    made = _horizon(store, current.filter(model.name, question, JUDGED))
    if made is None:
        return None
    if baseline.until > current.since and made.horizon is not None:  # it may be the younger one
        told = _last_label(store, baseline.filter(model.name, question, JUDGED))
        old_enough = None if told is None else told - timedelta(seconds=made.horizon)
        made = replace(made, until=max(made.until, old_enough or made.until))
    corrected = model.labels - model.orphans - model.sampled_out > model.labelled
    if not corrected or made.horizon is None:
        return made
    right, wrong = _late(store, model.name, question, baseline, current, made)
    return replace(made, late_right=right, late_wrong=wrong)


def _horizon(store: Store, where: Filter) -> Maturity | None:
    """Find the horizon that leaves the most predictions that are older and labelled within.

    A prediction is as old as it was when the last label came: what has no label for lack of any
    labels since then is not taken for old.
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
    told = [utc(last) for *_, last in table.rows if isinstance(last, datetime)]
    if not told:
        return None
    seen_until = max(told) + _MOMENT
    left = [0] * len(HORIZONS)
    judged = 0
    for begin, place, count, _ in table.rows:
        judged += int(count)  # type: ignore[arg-type]  # a count is a number
        if not isinstance(begin, datetime) or not isinstance(place, (int, float)):
            continue  # a label that took more than a year
        age = (seen_until - utc(begin)).total_seconds()
        for position in range(int(place), len(HORIZONS)):
            if HORIZONS[position] <= age:
                left[position] += int(count)  # type: ignore[arg-type]  # a count is a number
    best = max(left)
    if best < _LEAST_LEFT * judged:
        return Maturity(None, until)
    horizon = HORIZONS[left.index(best)]
    return Maturity(horizon, seen_until - timedelta(seconds=horizon))


def _last_label(store: Store, where: Filter) -> datetime | None:
    """Tell when the last label of some predictions came."""
    table = store.aggregate(PREDICTION, by=(), measures=(Measure("max", _NEWEST),), where=where)
    for (last,) in table.rows:
        if isinstance(last, datetime):
            return utc(last) + _MOMENT
    return None


def _late(
    store: Store, model: str, question: Question, baseline: Side, current: Side, made: Maturity
) -> tuple[float, float]:
    """Tell which share of labels is corrected later than the current side can show, to what.

    The end of the baseline, as long as what counts of the current side, is looked at as it stood
    when it was as old: what was corrected since then was still the older label.
    """
    end = min(current.until, made.until)
    length = end - current.since
    where = made.filter(baseline, model, question)
    until = where.until or baseline.until
    where = replace(where, since=max(baseline.since, until - length))
    as_old = until + (made.until + timedelta(seconds=made.horizon or 0.0) - end)
    later = replace(where, conditions=(*where.conditions, Condition(_NEWEST, ">=", (as_old,))))
    whole, late = (_weights(store, each) for each in (where, later))
    number = sum(whole.values())
    right, wrong = (late.get(each, 0.0) for each in ("correct", "wrong"))
    return (right / number, wrong / number) if number else (0.0, 0.0)


def _weights(store: Store, where: Filter) -> dict[str, float]:
    by = (FieldValue("ml.eval.outcome"),)
    table = store.aggregate(PREDICTION, by=by, measures=(Measure("weight"),), where=where)
    return {str(outcome): float(weight or 0.0) for outcome, weight in table.rows}  # type: ignore[arg-type]  # a sum is a number
