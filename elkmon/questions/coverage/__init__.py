"""The question ``coverage``: how much is labelled, and how long labels take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elkmon.present.result import Result
from elkmon.query.question import Grouped, Question, Unpack
from elkmon.questions.record import QuestionRecord
from elkmon.stores.protocol import Store

if TYPE_CHECKING:
    from elkmon.questions.coverage.figures import CoverageRow

__all__ = ["COVERAGE"]


def coverage(
    store: Store, model: str | None = None, **arguments: Unpack[Grouped]
) -> Result[CoverageRow]:
    """Return how much is labelled at which age, how long labels take, and what became of them.

    Raises:
        QueryError: the question is invalid; the message says what to change.
        StoreError: the store cannot be read.
    """
    from elkmon.questions.coverage import figures  # noqa: PLC0415 - on first use

    return figures.coverage(store, Question.of(model=model, **arguments))


COVERAGE = QuestionRecord(
    package=__name__,
    ask=coverage,
    command="labels",
    summary="Show how much is labelled, and how long labels take.",
    help="By the age of the prediction; and what became of labels: corrections, labels without a "
    "prediction, sampled-out ones.",
    in_report=True,
)
