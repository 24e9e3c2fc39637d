"""Turn exceptions into issues: grouped by fingerprint, counted by occurrence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from elkmon.events.datasets import ERROR, PREDICTION
from elkmon.query.conditions import equal, lookup, unknown_fields
from elkmon.query.groups import support
from elkmon.query.question import Question
from elkmon.query.slices import MOST_VALUES
from elkmon.query.times import grid, step, utc
from elkmon.questions.compare.comparison_sides import current_side
from elkmon.questions.exceptions.figures import ExceptionRow, exceptions
from elkmon.questions.issues.overrepresentation import Share
from elkmon.questions.issues.row import IssueRow, Step
from elkmon.questions.issues.states import Note, state_of, still_resolved
from elkmon.statistics.rate import Sums
from elkmon.stores.protocol import Catalog, FieldValue, Filter, Measure, ModelEntry, Store

__all__ = ["exception_issues", "exception_shares", "new_since"]

_FINGERPRINT = "error.fingerprint"
_WORDS = "message"
"""The error type of a failure that was reported as text, without an exception."""
_TITLE = 100


def exception_issues(
    store: Store, question: Question, catalog: Catalog, notes: Mapping[str, Note]
) -> tuple[list[IssueRow], tuple[str, ...]]:
    """Return the exceptions of a span as issues.

    Args:
        store: the store.
        question: the question; its steps are those of the trend.
        catalog: the store's catalog.
        notes: the notes on issues.

    Returns:
        The issues, and notes for the reader.

    Raises:
        QueryError: the question is invalid.
        StoreError: the store cannot be read.
    """
    if unknown_fields(question.conditions, ERROR):
        return [], exceptions(store, question).notes
    result = exceptions(store, question)
    if not result.rows:
        return [], ()
    trends = _trends(store, question)
    ever = _ever(store, question)
    entries = {entry.name: entry for entry in catalog.models}
    rows = []
    for row in result.rows:
        if row.fingerprint is not None:
            models = [entries[name] for name in row.models if name in entries]
            note = notes.get(row.fingerprint)
            issue = _issue(row, ever[row.fingerprint], trends, models, note, question)
            rows.append(_titled(store, issue, question) if row.type == _WORDS else issue)
    return rows, ()


def exception_shares(
    store: Store, question: Question, catalog: Catalog, rows: Iterable[IssueRow]
) -> Iterator[Share]:
    """Yield how often each exception occurred in each segment value; raise as above."""
    by_id = {row.id: row for row in rows}
    names = {name for row in by_id.values() for name in row.models}
    for model in catalog.models:
        if model.name not in names or not model.failures:
            continue
        where = replace(question, model=model.name).filter
        for name in model.segments:
            by = (FieldValue(_FINGERPRINT), FieldValue(f"ml.segment.{name}"))
            yield from _shares(name, _sums(store, by, where), by_id)


def new_since(models: Sequence[ModelEntry], question: Question) -> datetime:
    """Return from when on an issue is new: since the current version, else within the span.

    The conditions of the question are ignored: whether an issue is new does not depend on them.
    """
    begins = []
    for model in models:
        side = current_side(model, question.unconditional)
        names = [entry.version for entry in model.versions]
        if side.version is not None and names.index(side.version) > 0:
            version = model.versions[names.index(side.version)]
            live = min(version.deployed_at or version.span.first, version.span.first)
            begins.append(max(question.since, live))
    return min(begins, default=question.since)


_Seen = Mapping[str | None, datetime]


def _ever(store: Store, question: Question) -> dict[str, tuple[_Seen, datetime]]:
    """Return when each version last had each fingerprint, and when it was first seen at all.

    The conditions of the question are ignored: the state of an issue does not depend on them.
    """
    table = store.aggregate(
        ERROR,
        by=(FieldValue(_FINGERPRINT), FieldValue("ml.model.version")),
        measures=(Measure("min", "@timestamp"), Measure("max", "@timestamp")),
        where=replace(question.unconditional.filter, since=None),
    )
    times: dict[str, tuple[dict[str | None, datetime], datetime]] = {}
    for fingerprint, version, first, last in table.rows:
        if isinstance(first, datetime) and isinstance(last, datetime):
            seen, before = times.get(str(fingerprint), ({}, utc(first)))
            seen[None if version is None else str(version)] = utc(last)
            times[str(fingerprint)] = (seen, min(before, utc(first)))
    return dict(times)


def _trends(store: Store, question: Question) -> dict[str, tuple[Step, ...]]:
    every = question.every or step(question.since, question.until)
    table = store.aggregate(
        ERROR,
        by=(FieldValue(_FINGERPRINT), every),
        measures=(Measure("count"),),
        where=question.filter,
    )
    counts: dict[str, dict[datetime, int]] = {}
    for fingerprint, begin, number in table.rows:
        if isinstance(begin, datetime):
            counts.setdefault(str(fingerprint), {})[utc(begin)] = int(number or 0)  # type: ignore[arg-type]  # a count is a number
    times = grid(every, question.since, question.until)
    return {
        fingerprint: tuple(Step(time, steps.get(time, 0)) for time in times)
        for fingerprint, steps in counts.items()
    }


def _issue(
    row: ExceptionRow,
    ever: tuple[_Seen, datetime],
    trends: Mapping[str, tuple[Step, ...]],
    models: Sequence[ModelEntry],
    note: Note | None,
    question: Question,
) -> IssueRow:
    fingerprint = row.fingerprint or ""
    seen, first = ever
    if note is not None and note.first_seen is not None:
        first = min(first, note.first_seen)
    order = [entry.version for entry in models[0].versions] if len(models) == 1 else []
    came_back = note is not None and not still_resolved(note, seen, order)
    return IssueRow(
        id=fingerprint,
        kind="exception",
        state=state_of(note, first, new_since(models, question), came_back=came_back),
        title=row.type or "error",
        evidence=row.culprit or "",
        count=row.count,
        first_seen=first,
        last_seen=row.last_seen,
        models=row.models,
        versions=row.versions,
        segments=(),
        p_value=None,
        baseline=None,
        current=None,
        trend=trends.get(fingerprint, ()),
        dataset=ERROR,
        where=(equal(_FINGERPRINT, fingerprint),),
    )


def _titled(store: Store, row: IssueRow, question: Question) -> IssueRow:
    """Return the row with the latest message as title, for a failure reported as text."""
    where = replace(question.filter, conditions=(*question.filter.conditions, *row.where))
    for event in store.events(ERROR, where=where, limit=1):
        message = str(lookup(event, "error.message") or row.title)
        return replace(row, title=message if len(message) <= _TITLE else f"{message[:_TITLE]}…")
    return row


def _sums(
    store: Store, by: tuple[FieldValue, FieldValue], where: Filter
) -> dict[tuple[str | None, str | None], Sums]:
    table = store.aggregate(PREDICTION, by=by, measures=support(), where=where)
    return {
        (
            None if fingerprint is None else str(fingerprint),
            None if value is None else str(value),
        ): Sums.of(cells)
        for fingerprint, value, *cells in table.rows
    }


def _shares(
    name: str, sums: Mapping[tuple[str | None, str | None], Sums], issues: Mapping[str, IssueRow]
) -> Iterator[Share]:
    whole: defaultdict[str | None, Sums] = defaultdict(Sums)
    hit_all: defaultdict[str | None, Sums] = defaultdict(Sums)
    for (fingerprint, value), hit in sums.items():
        whole[value] += hit
        hit_all[fingerprint] += hit
    if len(whole) > MOST_VALUES:
        return
    whole_all = sum(whole.values(), Sums())
    for (fingerprint, value), hit in sums.items():
        if fingerprint in issues and value is not None:
            all_of = (hit_all[fingerprint], whole_all)
            yield Share(fingerprint or "", (name, value), hit, whole[value], *all_of)
