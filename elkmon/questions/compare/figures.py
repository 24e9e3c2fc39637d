"""Compare two versions, or two spans: failures, errors at equal label age, latency, slices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from elkmon.events.datasets import PREDICTION
from elkmon.events.errors import QueryError
from elkmon.present.result import Result
from elkmon.query.groups import support
from elkmon.query.question import Question
from elkmon.query.slices import Counts, count, parts, usable_segments
from elkmon.questions.compare import SideName
from elkmon.questions.compare.changes import Change, changes
from elkmon.questions.compare.comparison_sides import Side, current_side, side_before, side_named
from elkmon.questions.compare.label_age import label_age
from elkmon.questions.compare.verdict import Difference, difference
from elkmon.questions.latency.figures import latency
from elkmon.questions.record import Answer
from elkmon.statistics.estimate import Estimate, absent
from elkmon.statistics.rate import Sums
from elkmon.stores.protocol import FieldValue, ModelEntry, Store

__all__ = ["Comparison", "Shift", "answer", "compare"]

_NOTABLE = 1.1
"""The smallest shift of latency that is reported: by a tenth."""
_DIFFERENCE = (
    *("", "low", "high", "p_value", "test", "baseline", "baseline_k", "baseline_n"),
    *("current", "current_k", "current_n", "verdict", "words", "more"),
)
_COLUMNS = (
    *("model", "verdict", "words", "baseline_name", "baseline_since", "baseline_until"),
    *("current_name", "current_since", "current_until", "horizon", "late_right", "late_wrong"),
    *(f"failure_rate_{part}".rstrip("_") for part in _DIFFERENCE),
    *(f"error_rate_{part}".rstrip("_") for part in _DIFFERENCE),
    *(
        f"{name}_{part}".rstrip("_")
        for name in ("p50", "p95")
        for part in ("", *("baseline", "current", "words"))
    ),
)
_LINE = (
    *("model", "baseline", "current", "figure", "group", "before", "before_k", "before_n"),
    *("now", "now_k", "now_n", "difference", "low", "high", "p_value", "verdict"),
)
"""The columns of CSV, which has one line for each figure and slice."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A quantile of latency on both sides, in milliseconds."""

    value: float | None
    """The current one divided by the baseline's."""
    baseline: Estimate
    current: Estimate
    words: Literal["slower", "faster", "no evidence"]
    """By a tenth at least, with 95 % intervals that do not touch."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of one model."""

    model: str
    verdict: Literal["worse", "better", "mixed", "no evidence", "not enough"]
    words: tuple[str, ...]
    """The reasons for the verdict, in sentences."""
    baseline: Side
    current: Side
    horizon: float | None
    """Seconds within which labels came, of predictions that are older; None without labels, and
    if label age is not equal."""
    late_right: float | None
    """The share of the current side's labels that will still be corrected to say that the answer
    was right; as many of its wrong answers may turn out right."""
    late_wrong: float | None
    """The share that will be corrected to say that the answer was wrong."""
    failure_rate: Difference
    error_rate: Difference
    p50: Shift
    p95: Shift
    tried: int
    """How many slices were large enough to be compared."""
    worse: tuple[Change, ...]
    """Slices whose error rate rose, the most evident first, at a false-discovery rate of 5 %."""


@dataclass(frozen=True, slots=True)
class Uncompared:
    """A model that cannot be compared."""

    model: str
    reason: str


def compare(
    store: Store, question: Question, baseline: SideName = None, current: SideName = None
) -> Result[Comparison]:
    """Compare two versions, or two spans, of each model.

    Args:
        store: to ask.
        question: the model, the span and the conditions; groups and steps are ignored.
        baseline: a version, or a span (``FROM..TO``, or a pair of times); by default the version
            before the current one, or the span before, of the same length.
        current: likewise; by default the last version within the span, else the span.

    Raises:
        QueryError: there is no such version, or the question is invalid.
        StoreError: the store cannot be read.
    """
    return compare_models(store, question, baseline, current)[0]


def compare_models(
    store: Store, question: Question, baseline: SideName = None, current: SideName = None
) -> tuple[Result[Comparison], tuple[Uncompared, ...]]:
    """Compare each model, and return those that cannot be compared, too; see :func:`compare`."""
    catalog = store.catalog()
    models = [e for e in catalog.models if question.model in {None, e.name} and e.predictions]
    for name in (baseline, current):
        if name is not None:
            side_named(name, question, models)
    rows: list[Comparison] = []
    uncompared: list[Uncompared] = []
    notes: list[str] = []
    for model in models:
        sides = _sides(model, question, baseline, current)
        if isinstance(sides, str):
            uncompared.append(Uncompared(model.name, sides))
            notes.append(f"{model.name} is not compared: {sides}")
        else:
            comparison, more = _compare(store, question, model, *sides)
            rows.append(comparison)
            notes += more
    return Result(question, tuple(rows), _COLUMNS, tuple(notes)), tuple(uncompared)


def _sides(
    model: ModelEntry, question: Question, baseline: SideName, current: SideName
) -> tuple[Side, Side] | str:
    try:
        now = (
            current_side(model, question)
            if current is None
            else side_named(current, question, [model])
        )
        before = (
            side_before(model, question, now)
            if baseline is None
            else side_named(baseline, question, [model])
        )
    except QueryError as error:  # a version of another model
        return str(error)
    return f"there is nothing before {now.name}" if before is None else (before, now)


def _compare(
    store: Store, question: Question, model: ModelEntry, before: Side, now: Side
) -> tuple[Comparison, tuple[str, ...]]:
    failures = difference(
        _failed(store, question, model, before), _failed(store, question, model, now), "attempts"
    )
    age = label_age(store, model, question, before, now)
    notes: tuple[str, ...] = ()
    older, newer = Counts(), Counts()
    if age is not None:
        filters = [age.filter(side, model.name, question) for side in (before, now)]
        usable = usable_segments(store, model.segments, now.filter(model.name, question))
        older, newer = (count(parts(store, where, usable.names)) for where in filters)
        notes = tuple(f"{model.name}: {note}" for note in usable.notes)
    errors = difference(_wrong(older), _wrong(newer), "labels", age)
    shifts = [_latency(store, question, model, side) for side in (before, now)]
    tried, worse = changes(older, newer, 0.0 if age is None else age.late)
    verdict, words = _overall(failures, errors)
    horizon, late_right, late_wrong = (
        (None, None, None) if age is None else (age.horizon, age.late_right, age.late_wrong)
    )
    comparison = Comparison(
        model=model.name,
        verdict=verdict,
        words=words,
        baseline=before,
        current=now,
        horizon=horizon,
        late_right=late_right,
        late_wrong=late_wrong,
        failure_rate=failures,
        error_rate=errors,
        p50=_shift(shifts[0][0], shifts[1][0]),
        p95=_shift(shifts[0][1], shifts[1][1]),
        tried=tried,
        worse=worse,
    )
    return comparison, notes


def _overall(
    failures: Difference, errors: Difference
) -> tuple[Literal["worse", "better", "mixed", "no evidence", "not enough"], tuple[str, ...]]:
    """Return one verdict on both rates, and the reasons for it."""
    beginnings = {
        "worse": "The {} rose",
        "better": "The {} fell",
        "no evidence": "No evidence that the {} changed",
        "not enough": "Not enough data to judge the {}",
    }
    words = tuple(
        f"{beginnings[rate.verdict].format(name)}: {rate.words}."
        for name, rate in (("failure rate", failures), ("error rate", errors))
    )
    kinds = {failures.verdict, errors.verdict}
    if {"worse", "better"} <= kinds:
        return "mixed", words
    for verdict in ("worse", "better", "not enough"):
        if verdict in kinds:
            return verdict, words
    return "no evidence", words


def _failed(store: Store, question: Question, model: ModelEntry, side: Side) -> tuple[Sums, Sums]:
    table = store.aggregate(
        PREDICTION,
        by=(FieldValue("event.outcome"),),
        measures=support(),
        where=side.filter(model.name, question),
    )
    sums = {str(outcome): Sums.of(cells) for outcome, *cells in table.rows}
    return sums.get("failure", Sums()), sum(sums.values(), Sums())


def _wrong(counts: Counts) -> tuple[Sums, Sums]:
    return counts.wrong_slice.get(None, Sums()), counts.whole.get(None, Sums())


def _latency(
    store: Store, question: Question, model: ModelEntry, side: Side
) -> tuple[Estimate, Estimate]:
    side_question = replace(
        question,
        model=model.name,
        since=side.since,
        until=side.until,
        every=None,
        by=("model",),
        conditions=side.conditions(question),
    )
    for row in latency(store, side_question).rows:
        if row.outcome == "success":
            return row.p50, row.p95
    return absent("no successful attempt"), absent("no successful attempt")


def _shift(before: Estimate, now: Estimate) -> Shift:
    if not before.value or now.value is None:
        return Shift(None, before, now, "no evidence")
    ratio = now.value / before.value
    if ratio >= _NOTABLE and _below(before, now):
        return Shift(ratio, before, now, "slower")
    if ratio <= 1 / _NOTABLE and _below(now, before):
        return Shift(ratio, before, now, "faster")
    return Shift(ratio, before, now, "no evidence")


def _below(lower: Estimate, higher: Estimate) -> bool:
    """Return whether one interval ends before the other begins."""
    return lower.high is not None and higher.low is not None and lower.high < higher.low


def answer(store: Store, question: Question, baseline: str | None, current: str | None) -> Answer:
    """Return what the command shows; see :func:`compare`."""
    result = compare(store, question, baseline, current)
    return Answer(
        result,
        reason=() if result.rows else result.notes,
        lines=lambda: (_LINE, (cells for row in result.rows for cells in _lines(row))),
    )


def _lines(row: Comparison) -> Iterator[list[object]]:
    """Yield one line of CSV for each figure and slice."""
    head = [row.model, row.baseline.name, row.current.name]
    for name, rate in (("failure rate", row.failure_rate), ("error rate", row.error_rate)):
        yield [
            *(*head, name, "", rate.baseline.value, rate.baseline.k, rate.baseline.n),
            *(rate.current.value, rate.current.k, rate.current.n, rate.value, rate.low, rate.high),
            *(rate.p_value, rate.verdict),
        ]
    for name, shift in (("p50 ms", row.p50), ("p95 ms", row.p95)):
        change = None
        if shift.baseline.value is not None and shift.current.value is not None:
            change = shift.current.value - shift.baseline.value
        yield [
            *(*head, name, "", shift.baseline.value, None, shift.baseline.n),
            *(shift.current.value, None, shift.current.n, change, None, None, None, shift.words),
        ]
    for slice_ in row.worse:
        before, now = slice_.baseline, slice_.current
        yield [
            *(*head, f"error rate by {slice_.kind}", slice_.name, before.value, before.k, before.n),
            *(now.value, now.k, now.n, slice_.difference, slice_.low, slice_.high),
            *(slice_.p_value, "worse"),
        ]
