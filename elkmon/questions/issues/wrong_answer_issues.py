"""Wrong answers as issues: only those whose share of labelled predictions rose."""

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
    Rise,
    Sides,
    Trial,
    rise_of,
    risen,
    trials,
)
from elkmon.questions.compare.label_age import Maturity, maturity
from elkmon.questions.issues.exception_issues import new_since
from elkmon.questions.issues.overrepresentation import Share
from elkmon.questions.issues.row import IssueRow, Step, pair_in_words, wrong_fingerprint
from elkmon.questions.issues.states import RESOLVED, Note, state_of
from elkmon.statistics.rate import Rate, Sums
from elkmon.stores.protocol import Condition, FieldValue, Filter, Measure, ModelEntry, Store

__all__ = ["Looked", "look", "wrong_issues", "wrong_shares"]

_FEWEST = 30


@dataclass(frozen=True, slots=True)
class Looked:
    """One model, looked at for wrong answers that became more frequent."""

    model: ModelEntry
    baseline: Side
    current: Side
    maturity: Maturity
    segments: tuple[str, ...]
    sides: Sides
    tried: tuple[Trial, ...]


def look(
    store: Store, question: Question, model: ModelEntry
) -> tuple[Looked | None, tuple[str, ...]]:
    """Count both sides of a model, and try every group.

    Returns:
        What was found, or None where there is nothing to compare; and why, or what was left out.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    current = current_side(model, question)
    baseline = side_before(model, question, current)
    if baseline is None:
        why = f"wrong answers are not compared, as there is nothing before {current.name}"
        return None, (f"{model.name}: {why}",)
    aged = maturity(store, model, question, baseline, current)
    if aged is None:
        return None, ()
    usable = usable_segments(store, model.segments, current.filter(model.name, question))
    older, newer = (
        tuple(parts(store, aged.filter(side, model.name, question), usable.names))
        for side in (baseline, current)
    )
    sides = Sides(model.name, older, newer, aged.late)
    before, after = (count(each).whole.get(None, Sums()).count for each in (older, newer))
    if min(before, after) < _FEWEST:
        why = (
            f"too few labels at equal age to compare wrong answers: {after:,} of {current.name}, "
            f"{before:,} of {baseline.name} ({aged.words})"
        )
        return None, (f"{model.name}: {why}",)
    tried = tuple(trials(sides))
    return Looked(model, baseline, current, aged, usable.names, sides, tried), usable.notes


def wrong_issues(
    store: Store, question: Question, looked: Sequence[Looked], noted: Mapping[str, Note]
) -> list[IssueRow]:
    """Give the wrong answers that became more frequent as issues.

    False discoveries are controlled over all groups of all models; raises as :func:`look`.

    Args:
        store: to ask.
        question: what to ask; its steps are those of the trend.
        looked: the models.
        noted: what is noted of issues.
    """
    rows = []
    found = risen([(each.sides, each.tried) for each in looked])
    for each, rises in zip(looked, found, strict=True):
        for rise in rises:
            fingerprint = wrong_fingerprint(each.model.name, rise.pair, rise.slice)
            note = noted.get(fingerprint)
            rows.append(_issue(store, question, each, rise, note))
    return rows


def wrong_shares(looked: Iterable[Looked], rows: Iterable[IssueRow]) -> Iterator[Share]:
    """Count in which segment values each sort of wrong answer occurs, within its own one."""
    wanted = {row.id for row in rows if row.kind == "wrong"}
    for each in looked:
        everything = count(each.sides.current)
        for pair, where in everything.wrong:
            issue = wrong_fingerprint(each.model.name, pair, where)
            if issue in wanted:
                within = count(
                    part for part in each.sides.current if where is None or where in part.slices
                )
                whole = within.whole[None], within.wrong[pair, None]
                for own, sums in within.whole.items():
                    if own is not None and own != where:
                        hit = within.wrong.get((pair, own), Sums())
                        yield Share(issue, own, hit, sums, whole[1], whole[0])


def _issue(
    store: Store, question: Question, looked: Looked, rise: Rise, note: Note | None
) -> IssueRow:
    model, side = looked.model, looked.current
    where = _conditions(looked, question, rise)
    trend, versions, first, last, number = _course(store, question, side, model, where)
    if note is not None and note.first_seen is not None:
        first = min(first, note.first_seen)
    came_back = note is not None and _came_back(store, question, looked, rise, note)
    return IssueRow(
        id=wrong_fingerprint(model.name, rise.pair, rise.slice),
        kind="wrong",
        state=state_of(note, first, new_since([model], question), came_back=came_back),
        title=pair_in_words(rise.pair, rise.slice),
        evidence=_evidence(looked, rise),
        count=number,
        first_seen=first,
        last_seen=last,
        models=(model.name,),
        versions=versions,
        segments=() if rise.slice is None else ("=".join(rise.slice),),
        p_value=rise.p_value,
        baseline=rise.baseline,
        current=rise.current,
        trend=trend,
        dataset=PREDICTION,
        where=where,
    )


def _evidence(looked: Looked, rise: Rise) -> str:
    said = (
        f"{_of(rise.current)} of {rise.current.n:,} labelled, {_of(rise.baseline)} of "
        f"{rise.baseline.n:,} in {looked.baseline.name}; {looked.maturity.words}; "
        f"{probability(rise.p_value)}"
    )
    if rise.apart:
        said += f"; without {', '.join('='.join(each) for each in rise.apart)}"
    return said


def _of(rate: Rate) -> str:
    return share_percent(rate.value or 0.0)


def _conditions(looked: Looked, question: Question, rise: Rise) -> tuple[Condition, ...]:
    """Give what its events on the current side meet."""
    truth, predicted = rise.pair
    return add_conditions(
        looked.current.conditions(question),
        *(equal("ml.eval.outcome", "wrong"), equal("ml.truth.label", truth)),
        equal("ml.prediction.label", predicted),
        *(equal(f"ml.segment.{name}", value) for name, value in filter(None, [rise.slice])),
        *(Condition(f"ml.segment.{name}", "!=", (value,)) for name, value in rise.apart),
    )


def _course(
    store: Store, question: Question, side: Side, model: ModelEntry, where: tuple[Condition, ...]
) -> tuple[tuple[Step, ...], tuple[str, ...], datetime, datetime, int]:
    """Ask how often it occurred on the current side, in steps; and when first and last."""
    every = question.every or step(question.since, question.until)
    asked = replace(question, model=model.name, conditions=where)
    table = store.aggregate(
        PREDICTION,
        by=(every, FieldValue("ml.model.version")),
        measures=(Measure("count"), Measure("min", "@timestamp"), Measure("max", "@timestamp")),
        where=replace(asked.filter, since=side.since, until=side.until),
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


def _came_back(store: Store, question: Question, looked: Looked, rise: Rise, note: Note) -> bool:
    """Try the predictions that were made since an issue was resolved, by themselves.

    Conditions play no part: the state of an issue does not depend on what is counted.
    """
    last = note.last
    if last is None or last[0] != RESOLVED:
        return False
    if question.unconditional != question:
        whole, _ = look(store, question.unconditional, looked.model)
        if whole is None:
            return False
        question, looked = question.unconditional, whole
    since = max(looked.current.since, last[1])
    later = replace(looked.current, since=since)
    where: Filter = looked.maturity.filter(later, looked.model.name, question)
    if where.until is None or where.until <= since:
        return False
    after = count(parts(store, where, looked.segments), rise.apart)
    before = count(looked.sides.baseline, rise.apart)
    older, newer = (
        (side.wrong.get((rise.pair, rise.slice), Sums()), side.whole.get(rise.slice, Sums()))
        for side in (before, after)
    )
    return newer[1].count > 0 and rise_of(older, newer, looked.maturity.late) <= LEVEL
