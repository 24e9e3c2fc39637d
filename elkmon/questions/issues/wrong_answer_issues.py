"""Turn wrong answers into issues, if their share of labelled predictions rose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from elkmon.events.datasets import PREDICTION
from elkmon.present.formatting import probability, share_percent
from elkmon.query.conditions import add_conditions, equal
from elkmon.query.question import Question
from elkmon.query.slices import count, parts, usable_segments
from elkmon.query.times import grid, step, utc
from elkmon.questions.compare.comparison_sides import Side, current_side, side_before
from elkmon.questions.compare.error_increases import (
    LEVEL,
    ErrorIncrease,
    GroupTest,
    LabelledSides,
    error_increases,
    group_tests,
    increase_p_value,
)
from elkmon.questions.compare.label_age import LabelAge, label_age
from elkmon.questions.issues.exception_issues import new_since
from elkmon.questions.issues.overrepresentation import Share
from elkmon.questions.issues.row import IssueRow, Step, pair_in_words, wrong_fingerprint
from elkmon.questions.issues.states import RESOLVED, Note, state_of
from elkmon.statistics.rate import Rate, Sums
from elkmon.stores.protocol import Condition, FieldValue, Filter, Measure, ModelEntry, Store

__all__ = ["ComparedModel", "compare_wrong_answers", "wrong_issues", "wrong_shares"]

_FEWEST = 30


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """One model, with the tests for wrong answers that became more frequent."""

    model: ModelEntry
    baseline: Side
    current: Side
    label_age: LabelAge
    segments: tuple[str, ...]
    sides: LabelledSides
    tests: tuple[GroupTest, ...]


def compare_wrong_answers(
    store: Store, question: Question, model: ModelEntry
) -> tuple[ComparedModel | None, tuple[str, ...]]:
    """Count both sides of a model, and test every group.

    Returns:
        The comparison, or None if there is nothing to compare; and notes: why, or what is left out.

    Raises:
        QueryError: the question is invalid.
        StoreError: the store cannot be read.
    """
    current = current_side(model, question)
    baseline = side_before(model, question, current)
    if baseline is None:
        why = f"wrong answers are not compared, as there is nothing before {current.name}"
        return None, (f"{model.name}: {why}",)
    age = label_age(store, model, question, baseline, current)
    if age is None:
        return None, ()
    usable = usable_segments(store, model.segments, current.filter(model.name, question))
    older, newer = (
        tuple(parts(store, age.filter(side, model.name, question), usable.names))
        for side in (baseline, current)
    )
    sides = LabelledSides(model.name, older, newer, age.late)
    before, after = (count(side).whole.get(None, Sums()).count for side in (older, newer))
    if min(before, after) < _FEWEST:
        why = (
            f"too few labels at equal age to compare wrong answers: {after:,} of {current.name}, "
            f"{before:,} of {baseline.name} ({age.words})"
        )
        return None, (f"{model.name}: {why}",)
    tests = tuple(group_tests(sides))
    return ComparedModel(model, baseline, current, age, usable.names, sides, tests), usable.notes


def wrong_issues(
    store: Store, question: Question, compared: Sequence[ComparedModel], notes: Mapping[str, Note]
) -> list[IssueRow]:
    """Return the wrong answers that became more frequent as issues.

    False discoveries are controlled over all groups of all models; raise as above.

    Args:
        store: the store.
        question: the question; its steps are those of the trend.
        compared: the models.
        notes: the notes on issues.
    """
    by_model = error_increases([(model.sides, model.tests) for model in compared])
    return [
        _issue(store, question, model, increase, notes)
        for model, increases in zip(compared, by_model, strict=True)
        for increase in increases
    ]


def wrong_shares(compared: Iterable[ComparedModel], rows: Iterable[IssueRow]) -> Iterator[Share]:
    """Yield how often each kind of wrong answer occurs in each segment value, within its own."""
    ids = {row.id for row in rows if row.kind == "wrong"}
    for model in compared:
        predictions = model.sides.current
        for pair, where in count(predictions).wrong:
            issue = wrong_fingerprint(model.model.name, pair, where)
            if issue in ids:
                within = count(p for p in predictions if where is None or where in p.slices)
                whole, wrong = within.whole[None], within.wrong[pair, None]
                for slice_, sums in within.whole.items():
                    if slice_ is not None and slice_ != where:
                        hit = within.wrong.get((pair, slice_), Sums())
                        yield Share(issue, slice_, hit, sums, wrong, whole)


def _issue(
    store: Store,
    question: Question,
    compared: ComparedModel,
    increase: ErrorIncrease,
    notes: Mapping[str, Note],
) -> IssueRow:
    model, side = compared.model, compared.current
    fingerprint = wrong_fingerprint(model.name, increase.pair, increase.slice)
    note = notes.get(fingerprint)
    where = _conditions(compared, question, increase)
    trend, versions, first, last, number = _occurrences(store, question, side, model, where)
    if note is not None and note.first_seen is not None:
        first = min(first, note.first_seen)
    came_back = note is not None and _came_back(store, question, compared, increase, note)
    return IssueRow(
        id=fingerprint,
        kind="wrong",
        state=state_of(note, first, new_since([model], question), came_back=came_back),
        title=pair_in_words(increase.pair, increase.slice),
        evidence=_evidence(compared, increase),
        count=number,
        first_seen=first,
        last_seen=last,
        models=(model.name,),
        versions=versions,
        segments=() if increase.slice is None else ("=".join(increase.slice),),
        p_value=increase.p_value,
        baseline=increase.baseline,
        current=increase.current,
        trend=trend,
        dataset=PREDICTION,
        where=where,
    )


def _evidence(compared: ComparedModel, increase: ErrorIncrease) -> str:
    evidence = (
        f"{_of(increase.current)} of {increase.current.n:,} labelled, {_of(increase.baseline)} of "
        f"{increase.baseline.n:,} in {compared.baseline.name}; {compared.label_age.words}; "
        f"{probability(increase.p_value)}"
    )
    if increase.excluded:
        evidence += f"; without {', '.join('='.join(item) for item in increase.excluded)}"
    return evidence


def _of(rate: Rate) -> str:
    return share_percent(rate.value or 0.0)


def _conditions(
    compared: ComparedModel, question: Question, increase: ErrorIncrease
) -> tuple[Condition, ...]:
    """Return the conditions of its events on the current side."""
    truth, predicted = increase.pair
    return add_conditions(
        compared.current.conditions(question),
        *(equal("ml.eval.outcome", "wrong"), equal("ml.truth.label", truth)),
        equal("ml.prediction.label", predicted),
        *(equal(f"ml.segment.{name}", value) for name, value in filter(None, [increase.slice])),
        *(Condition(f"ml.segment.{name}", "!=", (value,)) for name, value in increase.excluded),
    )


def _occurrences(
    store: Store, question: Question, side: Side, model: ModelEntry, where: tuple[Condition, ...]
) -> tuple[tuple[Step, ...], tuple[str, ...], datetime, datetime, int]:
    """Return its trend, versions, first and last time, and count on the current side."""
    every = question.every or step(question.since, question.until)
    issue_filter = replace(question, model=model.name, conditions=where).filter
    table = store.aggregate(
        PREDICTION,
        by=(every, FieldValue("ml.model.version")),
        measures=(Measure("count"), Measure("min", "@timestamp"), Measure("max", "@timestamp")),
        where=replace(issue_filter, since=side.since, until=side.until),
    )
    steps: dict[datetime, int] = {}
    seen: dict[str, datetime] = {}
    firsts, lasts = [], []
    for begin, version, number, first, last in table.rows:
        if isinstance(begin, datetime) and isinstance(first, datetime):
            steps[utc(begin)] = steps.get(utc(begin), 0) + int(number or 0)  # type: ignore[arg-type]  # a count is a number
            firsts.append(utc(first))
            lasts.append(utc(last) if isinstance(last, datetime) else utc(first))
            seen.setdefault(str(version), utc(first))
    times = grid(every, question.since, question.until)
    trend = tuple(Step(time, steps.get(time, 0)) for time in times)
    return (
        trend,
        tuple(sorted(seen, key=lambda name: seen[name])),
        min(firsts, default=side.since),
        max(lasts, default=side.until),
        sum(steps.values()),
    )


def _came_back(
    store: Store, question: Question, compared: ComparedModel, increase: ErrorIncrease, note: Note
) -> bool:
    """Test only the predictions made since an issue was resolved.

    The conditions of the question are ignored: the state of an issue does not depend on them.
    """
    last = note.last
    if last is None or last[0] != RESOLVED:
        return False
    if question.unconditional != question:
        whole, _ = compare_wrong_answers(store, question.unconditional, compared.model)
        if whole is None:
            return False
        question, compared = question.unconditional, whole
    since = max(compared.current.since, last[1])
    later = replace(compared.current, since=since)
    where: Filter = compared.label_age.filter(later, compared.model.name, question)
    if where.until is None or where.until <= since:
        return False
    after = count(parts(store, where, compared.segments), increase.excluded)
    before = count(compared.sides.baseline, increase.excluded)
    older, newer = (
        (
            side.wrong.get((increase.pair, increase.slice), Sums()),
            side.whole.get(increase.slice, Sums()),
        )
        for side in (before, after)
    )
    return newer[1].count > 0 and increase_p_value(older, newer, compared.label_age.late) <= LEVEL
