"""Equal label age: how old a prediction has to be, and its label may be, to count on both sides.

A young prediction is labelled only if its label came fast, and fast labels are not like late ones;
so both sides count the labels that came within a common horizon, of predictions that are older.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from elkmon.analysis.question import Question
from elkmon.analysis.sides import Side
from elkmon.analysis.times import now, utc
from elkmon.events.fields import PREDICTION
from elkmon.store.base import (
    Catalog,
    Condition,
    Edges,
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


@dataclass(frozen=True, slots=True)
class Maturity:
    """What both sides of a comparison count."""

    horizon: float
    """Seconds: labels that came within; predictions that are older."""
    until: datetime
    """Predictions before then are old enough."""
    late: float
    """Share of the current side's labels that are still to be corrected, judged by the baseline:
    so many of its wrong ones, or right ones, may be none."""

    def filter(self, side: Side, model: str, question: Question) -> Filter:
        """Give what counts on one side: successful predictions that are known right or wrong."""
        within = Condition(_DELAY, "<", (self.horizon,))
        found = side.filter(model, question, JUDGED, within)
        return replace(found, until=min(side.until, self.until))


def maturity(
    store: Store,
    catalog: Catalog,
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
        catalog: what it has; its last event is how long labels could come.
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
    seen_until = min(question.until, now())
    if catalog.span is not None:
        seen_until = max(seen_until, catalog.span.last)
    horizon = _horizon(store, current.filter(model.name, question, JUDGED), seen_until)
    if horizon is None:
        return None
    made = Maturity(horizon, seen_until - timedelta(seconds=horizon), 0.0)
    corrected = model.labels - model.orphans - model.sampled_out > model.labelled
    if not corrected:
        return made
    return replace(made, late=_late(store, model.name, question, baseline, current, made))


def _horizon(store: Store, where: Filter, seen_until: datetime) -> float | None:
    """Find the horizon that leaves the most predictions that are older and labelled within."""
    since, until = where.since, where.until
    if since is None or until is None:
        return None
    minutes = max(1, round((until - since).total_seconds() / 60 / _STEPS))
    table = store.aggregate(
        PREDICTION,
        by=(TimeBucket(minutes, "m"), Edges(_DELAY, (0.0, *HORIZONS))),
        measures=(Measure("count"),),
        where=where,
    )
    left = [0] * len(HORIZONS)
    for begin, place, count in table.rows:
        if not isinstance(begin, datetime) or not isinstance(place, (int, float)):
            continue  # a label that took more than a year
        age = (seen_until - utc(begin)).total_seconds()
        for position in range(int(place), len(HORIZONS)):
            if HORIZONS[position] < age:
                left[position] += int(count)  # type: ignore[arg-type]  # a count is a number
    best = max(left)
    return HORIZONS[left.index(best)] if best else None


def _late(
    store: Store, model: str, question: Question, baseline: Side, current: Side, made: Maturity
) -> float:
    """Tell which share of labels is corrected only later than the current side can show.

    The end of the baseline, as long as what counts of the current side, is looked at as it stood
    when it was as old: what was corrected since then was still the older label.
    """
    end = min(current.until, made.until)
    length = end - current.since
    where = made.filter(baseline, model, question)
    until = where.until or baseline.until
    where = replace(where, since=max(baseline.since, until - length))
    as_old = until + (made.until + timedelta(seconds=made.horizon) - end)
    later = replace(where, conditions=(*where.conditions, Condition(_NEWEST, ">=", (as_old,))))
    whole, late = (_weight(store, each) for each in (where, later))
    return late / whole if whole else 0.0


def _weight(store: Store, where: Filter) -> float:
    table = store.aggregate(PREDICTION, by=(), measures=(Measure("weight"),), where=where)
    return float(table.rows[0][0] or 0.0) if table.rows else 0.0  # type: ignore[arg-type]  # a sum is a number
