"""One list of issues: exceptions, and wrong answers that became more frequent."""

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
from elkmon.questions.issues.overrepresentation import Over, over_represented
from elkmon.questions.issues.row import ISSUE_COLUMNS, IssueRow
from elkmon.questions.issues.states import notes_of
from elkmon.questions.issues.wrong_answer_issues import Looked, look, wrong_issues, wrong_shares
from elkmon.questions.record import Answer
from elkmon.stores.protocol import Measure, Store

__all__ = ["answer", "issues", "issues_and_segments"]

_ORDER = (*OPEN, "resolved", "ignored")


def issues(
    store: Store,
    question: Question,
    limit: int | None = None,
    states: Iterable[str] = OPEN,
) -> Result[IssueRow]:
    """Give the issues of a span: what came back first, then what is new, then the most frequent.

    Args:
        store: to ask.
        question: what to ask; its steps are those of the trends, its groups play no part.
        limit: how many at most; all where not given.
        states: only issues in one of these states.

    Raises:
        QueryError: it cannot be asked.
        StoreError: the store cannot be read.
    """
    return issues_and_segments(store, question, limit, states)[0]


def issues_and_segments(
    store: Store,
    question: Question,
    limit: int | None = None,
    states: Iterable[str] = OPEN,
) -> tuple[Result[IssueRow], dict[str, list[Over]]]:
    """Give the issues, and the segment values that each is over-represented in, with its shares."""
    catalog = store.catalog()
    noted = notes_of(store)
    rows, notes = exception_issues(store, question, catalog, noted)
    said = list(notes)
    looked: list[Looked] = []
    unknown = unknown_fields(question.conditions, PREDICTION)
    if unknown:
        said.append(f"wrong answers are left out: {', '.join(unknown)} is not known of predictions")
    for model in () if unknown else catalog.models:
        if model.labelled and question.model in {None, model.name}:
            found, more = look(store, question, model)
            said += more
            looked += [] if found is None else [found]
    rows += wrong_issues(store, question, looked, noted)
    wanted = set(states)
    ordered = sorted(
        (row for row in rows if row.state in wanted),
        key=lambda row: (_ORDER.index(row.state), -row.count, row.first_seen, row.id),
    )[:limit]
    over = over_represented(
        [
            *([] if unknown else exception_shares(store, question, catalog, ordered)),
            *wrong_shares(looked, ordered),
        ]
    )
    said += _tried(looked)
    made = tuple(_with_segments(row, over.get(row.id, ())) for row in ordered)
    return Result(question, made, ISSUE_COLUMNS, tuple(said)), over


def _with_segments(row: IssueRow, over: Sequence[Over]) -> IssueRow:
    return replace(row, segments=(*row.segments, *(each.segment for each in over)))


def _tried(looked: Sequence[Looked]) -> list[str]:
    number = sum(len(each.tried) for each in looked)
    if not number:
        return []
    sides = ", ".join(f"{e.model.name}: {e.current.name} with {e.baseline.name}" for e in looked)
    said = f"{number:,} groups of wrong answers were compared at equal label age ({sides})"
    return [f"{said}, at a false-discovery rate of {share_percent(LEVEL)}"]


def answer(
    store: Store, question: Question, state: tuple[str, ...], every_state: bool, limit: int
) -> Answer:
    """Return what the command lists; arguments and errors as of :func:`issues`."""
    result = issues(store, question, limit, STATES if every_state else state or OPEN)
    reason = () if result.rows or not _served(store, question) else ("no issue",)
    return Answer(result, reason=reason)


def _served(store: Store, question: Question) -> bool:
    """Whether there is any prediction."""
    counted = store.aggregate(
        PREDICTION, by=(), measures=(Measure("count"),), where=question.filter
    )
    return bool(counted.rows)
