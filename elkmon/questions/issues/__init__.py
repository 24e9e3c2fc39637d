"""Issues: exceptions and wrong answers that became more frequent, as one list."""

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
"""The states that somebody has to look at, the most urgent first."""


def issues(
    store: Store,
    model: str | None = None,
    *,
    states: Iterable[str] = OPEN,
    limit: int | None = None,
    **arguments: Unpack[Stepped],
) -> Result[IssueRow]:
    """Return exceptions, and wrong answers that became more frequent, as one list.

    ``every`` is the step of their trends, ``states`` are those to return (those that somebody has
    to look at), ``limit`` is how many at most. Nothing is written.

    Raises:
        QueryError: it cannot be asked; the message says what would do.
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
    """Return one issue in full, by its id or as much of its beginning as is needed.

    Raises:
        QueryError: there is no such issue within the span, or it cannot be asked.
        StoreError: the store cannot be read.
    """
    from elkmon.questions.issues import detail  # noqa: PLC0415 - on first use

    return detail.issue_detail(store, Question.of(model=model, **arguments), id)


ISSUES = QuestionRecord(
    package=__name__,
    ask=issues,
    command="issues",
    summary="Show what goes wrong, as one list.",
    help="What came back, what is new, what goes on: exceptions by their fingerprint; and wrong "
    "answers (truth, prediction, segment) whose share of labelled predictions rose above that of "
    "the version before, or of the span before, by a test. The first sight of each issue that is "
    "shown is noted in the store, once.",
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
