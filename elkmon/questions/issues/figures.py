"""Answer the question: exceptions, and wrong answers that became more frequent, as one list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from elkmon.events.datasets import PREDICTION
from elkmon.present.formatting import share_percent
from elkmon.present.result import Result
from elkmon.query.conditions import unknown_fields
from elkmon.query.question import Question
from elkmon.questions.compare.error_increases import LEVEL
from elkmon.questions.issues import OPEN, STATES
from elkmon.questions.issues.exception_issues import exception_issues, exception_shares
from elkmon.questions.issues.overrepresentation import Overrepresentation, overrepresentations
from elkmon.questions.issues.row import ISSUE_COLUMNS, IssueRow
from elkmon.questions.issues.states import notes_of
from elkmon.questions.issues.wrong_answer_issues import (
    ComparedModel,
    compare_wrong_answers,
    wrong_issues,
    wrong_shares,
)
from elkmon.questions.record import Answer
from elkmon.stores.protocol import Measure, Store

__all__ = ["answer", "issues", "issues_and_segments"]

_ORDER = (*OPEN, "resolved", "ignored")


def issues(
    store: Store, question: Question, limit: int | None = None, states: Iterable[str] = OPEN
) -> Result[IssueRow]:
    """Return the issues of a span: regressed ones first, then new ones, then the most frequent.

    Args:
        store: the store.
        question: the question; its steps are those of the trends, its groups are ignored.
        limit: how many at most; by default all.
        states: only issues in one of these states.

    Raises:
        QueryError: the question is invalid.
        StoreError: the store cannot be read.
    """
    return issues_and_segments(store, question, limit, states)[0]


def issues_and_segments(
    store: Store, question: Question, limit: int | None = None, states: Iterable[str] = OPEN
) -> tuple[Result[IssueRow], dict[str, list[Overrepresentation]]]:
    """Return the issues, and the segment values in which each is over-represented, by id."""
    catalog = store.catalog()
    issue_notes = notes_of(store)
    rows, more = exception_issues(store, question, catalog, issue_notes)
    notes = list(more)
    compared: list[ComparedModel] = []
    unknown = unknown_fields(question.conditions, PREDICTION)
    if unknown:
        notes.append(
            f"wrong answers are left out: {', '.join(unknown)} is not known of predictions"
        )
    for model in () if unknown else catalog.models:
        if model.labelled and question.model in {None, model.name}:
            comparison, more = compare_wrong_answers(store, question, model)
            notes += more
            compared += [] if comparison is None else [comparison]
    rows += wrong_issues(store, question, compared, issue_notes)
    chosen = set(states)
    ordered = sorted(
        (row for row in rows if row.state in chosen),
        key=lambda row: (_ORDER.index(row.state), -row.count, row.first_seen, row.id),
    )[:limit]
    segments = overrepresentations(
        [
            *([] if unknown else exception_shares(store, question, catalog, ordered)),
            *wrong_shares(compared, ordered),
        ]
    )
    notes += _comparison_note(compared)
    with_segments = tuple(
        replace(row, segments=(*row.segments, *(over.segment for over in segments.get(row.id, ()))))
        for row in ordered
    )
    return Result(question, with_segments, ISSUE_COLUMNS, tuple(notes)), segments


def _comparison_note(compared: Sequence[ComparedModel]) -> list[str]:
    number = sum(len(model.tests) for model in compared)
    if not number:
        return []
    sides = ", ".join(f"{e.model.name}: {e.current.name} with {e.baseline.name}" for e in compared)
    groups = f"{number:,} groups of wrong answers were compared at equal label age ({sides})"
    return [f"{groups}, at a false-discovery rate of {share_percent(LEVEL)}"]


def answer(
    store: Store, question: Question, state: tuple[str, ...], every_state: bool, limit: int
) -> Answer:
    """Return what the command lists; see :func:`issues`."""
    result = issues(store, question, limit, STATES if every_state else state or OPEN)
    reason = () if result.rows or not _any_prediction(store, question) else ("no issue",)
    return Answer(result, reason=reason)


def _any_prediction(store: Store, question: Question) -> bool:
    """Return whether there is any prediction."""
    predictions = store.aggregate(
        PREDICTION, by=(), measures=(Measure("count"),), where=question.filter
    )
    return bool(predictions.rows)
