"""Answer the question: how much is labelled by age, how long labels take, what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from elkmon.events.datasets import LABEL, PREDICTION
from elkmon.present.result import Result, parts_of
from elkmon.query.groups import Group, grouped, in_order, support
from elkmon.query.label_evidence import SUCCEEDED
from elkmon.query.question import MODEL, Question
from elkmon.query.times import utc
from elkmon.questions.record import Answer
from elkmon.statistics.estimate import Estimate
from elkmon.statistics.label_delays import EDGES, arrivals, bin_of
from elkmon.statistics.rate import Rate, Sums
from elkmon.stores.protocol import (
    Cell,
    Condition,
    Dimension,
    Edges,
    FieldValue,
    Filter,
    Measure,
    Store,
    TimeBucket,
)

__all__ = ["AGES", "AgeShare", "CoverageRow", "LabelArrival", "LabelCounts", "answer", "coverage"]

_HOUR, _DAY = 3600.0, 86_400.0
AGES = (0.0, _HOUR, 6 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY, 30 * _DAY)
"""The beginnings of the age groups, in seconds; the last group has no end."""
_STEPS = (
    *(TimeBucket(n, "m") for n in (1, 5, 15)),
    *(TimeBucket(n, "h") for n in (1, 6)),
    TimeBucket(1, "d"),
)
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
_MOST_STEPS = 3000
_LABELLED = "ml.truth.observed_at"
_MODEL_FIELD = FieldValue("ml.model.name")


@dataclass(frozen=True, slots=True)
class AgeShare:
    """The coverage of predictions of one age group."""

    since: float
    """The beginning of the age group, in seconds."""
    until: float | None
    """Its end, not included; None if it has none."""
    share: Rate


@dataclass(frozen=True, slots=True)
class LabelArrival:
    """The share of predictions that have their first label within a delay."""

    within: float
    """Seconds."""
    share: float | None
    """None if no prediction is old enough."""


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """What became of a model's labels, over the whole store."""

    labels: int
    labelled: int
    """Predictions with a label, failed ones included."""
    corrections: int
    """Labels beyond the first of a prediction: corrections, ratings, repeats."""
    orphans: int
    """Labels without a prediction, which sampling does not explain."""
    sampled_out: int
    """Labels whose prediction sampling left out."""
    waiting: int
    """Labels that wait to be joined."""
    given_up: int = 0
    """The orphans that the join does not try again."""
    next_look: datetime | None = None
    """When the join tries the first of the others again."""


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """The labels of one group."""

    by: Mapping[str, Cell]
    time: datetime | None
    coverage: Rate
    """The share of successful predictions that are labelled."""
    as_of: datetime
    """The time of the model's last event; ages are counted back from it."""
    ages: tuple[AgeShare, ...]
    arrived: tuple[LabelArrival, ...]
    median: Estimate
    """Seconds within which half of the labels come, of those that come within ``horizon``."""
    p90: Estimate
    horizon: float
    """Seconds: the age of the oldest prediction, or the longest delay."""
    labels: LabelCounts | None


@dataclass
class _Labelled:
    total: Sums = field(default=Sums())
    labelled: Sums = field(default=Sums())
    delays: dict[int, float] = field(default_factory=dict)
    young: dict[int, float] = field(default_factory=dict)
    by_age: dict[int, tuple[Sums, Sums]] = field(default_factory=dict)


def coverage(store: Store, question: Question) -> Result[CoverageRow]:
    """Return how much is labelled, by age, how long labels take, and what became of them.

    Ages are counted back from the model's last event, to the minute in a span of two days, to five
    minutes in ten days, to a quarter of an hour in a month.

    Args:
        store: the store.
        question: the question.

    Raises:
        QueryError: the question is invalid.
        StoreError: the store cannot be read.
    """
    states, as_of = _labels(store, question)
    groups: dict[Group, _Labelled] = {}
    _ask_delays(store, question, groups)
    _ask_ages(store, question, groups, as_of)
    rows = []
    for (by, time), labelled in in_order(groups):
        by_name = dict(zip(question.by, by, strict=True))
        model = by_name.get(MODEL, by[0])
        rows.append(_row(by_name, time, labelled, as_of[model], states.get(model)))
    return Result(question, tuple(rows), _columns(question))


def _labels(
    store: Store, question: Question
) -> tuple[dict[Cell, LabelCounts], dict[Cell, datetime]]:
    """Return the label counts and the time of the last event, by model, over the whole store."""
    only = (
        () if question.model is None else (Condition(_MODEL_FIELD.field, "=", (question.model,)),)
    )
    where = Filter(conditions=only)
    last, labelled = Measure("max", "@timestamp"), Measure("count", _LABELLED)
    last_event: dict[Cell, datetime] = {}
    with_label: dict[Cell, int] = {}
    for model, at, count in store.aggregate(
        PREDICTION, by=[_MODEL_FIELD], measures=[last, labelled], where=where
    ).rows:
        last_event[model], with_label[model] = utc(cast("datetime", at)), int(cast("int", count))
    for model, at in store.aggregate(LABEL, by=[_MODEL_FIELD], measures=[last], where=where).rows:
        moment = utc(cast("datetime", at))
        last_event[model] = max(last_event.get(model, moment), moment)
    catalog = store.catalog()
    counts: dict[Cell, LabelCounts] = {}
    for entry in catalog.models:
        name = entry.name or None
        number = with_label.get(name, 0)
        beyond = entry.labels - entry.orphans - entry.sampled_out - entry.waiting - number
        counts[name] = LabelCounts(
            *(entry.labels, number, max(beyond, 0), entry.orphans, entry.sampled_out),
            *(entry.waiting, entry.given_up, entry.next_look),
        )
    return counts, last_event


def _aggregate(
    store: Store, question: Question, dimension: Dimension
) -> Iterator[tuple[Group, Any, Sums, Sums]]:
    """Yield sums of successful predictions: group, value of the dimension, all, labelled."""
    measures = (*support(), *support(_LABELLED))
    for group, (value, *cells) in grouped(store, question, [dimension], measures, SUCCEEDED):
        yield group, value, Sums.of(cells[:3]), Sums.of(cells[3:])


def _ask_delays(store: Store, question: Question, groups: dict[Group, _Labelled]) -> None:
    for key, number, total, labelled in _aggregate(
        store, question, Edges("ml.eval.first_delay", EDGES)
    ):
        group = groups.setdefault(key, _Labelled())
        group.total += total
        group.labelled += labelled
        if labelled.count:
            # a delay beyond all bins counts in the last one
            place = len(EDGES) - 2 if number is None else int(number)
            group.delays[place] = group.delays.get(place, 0.0) + labelled.weight


def _ask_ages(
    store: Store,
    question: Question,
    groups: dict[Group, _Labelled],
    last_event: Mapping[Cell, datetime],
) -> None:
    last = min(max(last_event.values(), default=question.until), question.until)
    seconds = (last - question.since).total_seconds()
    step = next(
        (s for s in _STEPS if seconds <= _MOST_STEPS * s.every * _SECONDS[s.unit]), _STEPS[-1]
    )
    half = timedelta(seconds=step.every * _SECONDS[step.unit] / 2)
    model = question.by.index(MODEL) if MODEL in question.by else 0
    for key, begin, total, labelled in _aggregate(store, question, step):
        group = groups.setdefault(key, _Labelled())
        age = max((last_event[key.by[model]] - utc(begin) - half).total_seconds(), 0.0)
        place = max(i for i, start in enumerate(AGES) if start <= age)
        before = group.by_age.get(place, (Sums(), Sums()))
        group.by_age[place] = before[0] + total, before[1] + labelled
        young = total.weight - labelled.weight
        if total.count > labelled.count:
            number = bin_of(age)
            group.young[number] = group.young.get(number, 0.0) + young


def _row(
    by: Mapping[str, Cell],
    time: datetime | None,
    group: _Labelled,
    as_of: datetime,
    labels: LabelCounts | None,
) -> CoverageRow:
    curve = arrivals(group.delays, group.young)
    return CoverageRow(
        by,
        time,
        group.labelled.out_of(group.total, "no successful attempt"),
        as_of,
        tuple(
            AgeShare(AGES[place], None if place + 1 == len(AGES) else AGES[place + 1],
                     labelled.out_of(total, "no successful attempt"))
            for place, (total, labelled) in sorted(group.by_age.items())
        ),
        tuple(LabelArrival(within, curve.within(within)) for within in AGES[1:]),
        curve.delay(0.5, group.labelled),
        curve.delay(0.9, group.labelled),
        curve.horizon,
        labels,
    )  # fmt: skip


def _columns(question: Question) -> tuple[str, ...]:
    of_rate, of_figures = parts_of(Rate, "coverage"), parts_of(Estimate, "median", "p90")
    of_labels = parts_of(LabelCounts, "labels")
    return (*question.by, "time", *of_rate, "as_of", *of_figures, "horizon", *of_labels)


def answer(store: Store, question: Question) -> Answer:
    """Return what the command shows; see :func:`coverage`."""
    return Answer(coverage(store, question))
