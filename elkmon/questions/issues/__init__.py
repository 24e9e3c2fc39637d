"""The questions ``issues`` and ``issue``: exceptions and increased wrong answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, get_args

from elkmon.present.result import Result
from elkmon.query.question import Question, Stepped, Unpack
from elkmon.questions.record import Option, QuestionRecord
from elkmon.stores.protocol import Store

if TYPE_CHECKING:
    from elkmon.questions.issues.detail import IssueDetail
    from elkmon.questions.issues.row import IssueRow

__all__ = ["ISSUE", "ISSUES", "OPEN", "STATES", "State"]

State = Literal["new", "ongoing", "regressed", "resolved", "ignored"]
STATES: tuple[State, ...] = get_args(State)
OPEN: tuple[State, ...] = ("regressed", "new", "ongoing")
"""The states that need attention, the most urgent first."""


def issues(
    store: Store,
    model: str | None = None,
    *,
    states: Iterable[str] = OPEN,
    limit: int | None = None,
    **arguments: Unpack[Stepped],
) -> Result[IssueRow]:
    """Return exceptions, and wrong answers that became more frequent, as one list.

    ``every`` is the step of their trends, ``states`` are those to return (by default those that
    need attention), ``limit`` is how many at most. Nothing is written.

    Raises:
        QueryError: the question is invalid; the message says what to change.
        StoreError: the store cannot be read.
    """
    from elkmon.questions.issues import figures  # noqa: PLC0415 - on first use

    return figures.issues(store, Question.of(model=model, **arguments), limit, states)


def issue(
    store: Store,
    id: str,  # noqa: A002 - the word that people use
    model: str | None = None,
    **arguments: Unpack[Stepped],
) -> IssueDetail:
    """Return one issue in full, by its id or the unique beginning of its id.

    Raises:
        QueryError: there is no such issue within the span, or the question is invalid.
        StoreError: the store cannot be read.
    """
    from elkmon.questions.issues import detail  # noqa: PLC0415 - on first use

    return detail.issue_detail(store, Question.of(model=model, **arguments), id)


ISSUES = QuestionRecord(
    package=__name__,
    ask=issues,
    command="issues",
    summary="Show what goes wrong, as one list.",
    help="Regressed issues first, then new and ongoing ones: exceptions by their fingerprint; and "
    "wrong answers (truth, prediction, segment) whose share of labelled predictions is "
    "significantly higher than in the version before, or in the span before. When each issue was "
    "first seen is noted in the store, once.",
    groups=False,
    options=(
        Option(
            "state",
            "--state",
            "Only issues in this state; regressed, new and ongoing if not given; repeatable.",
            (),
            repeatable=True,
            choices=STATES,
        ),
        Option("every_state", "--all", "Also those resolved and ignored.", False),
        Option("limit", "--limit", "How many at most.", 20, least=1),
    ),
)
ISSUE = QuestionRecord(package=__name__, ask=issue, groups=False)
