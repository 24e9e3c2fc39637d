"""The questions of failure rate and error rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elkmon.present.result import Result
from elkmon.query.question import Grouped, Question, Unpack
from elkmon.questions.record import Option, QuestionRecord
from elkmon.stores.protocol import Store

if TYPE_CHECKING:
    from elkmon.questions.rates.figures import ErrorRow, FailureRow

__all__ = ["ERROR_RATE", "FAILURE_RATE"]


def error_rate(
    store: Store, model: str | None = None, **arguments: Unpack[Grouped]
) -> Result[ErrorRow]:
    """Return wrong answers out of labelled ones, with Wilson's 95 % interval and the coverage.

    Raises:
        QueryError: it cannot be asked; the message says what would do.
        StoreError: the store cannot be read.
    """
    from elkmon.questions.rates import figures  # noqa: PLC0415 - on first use

    return figures.error_rate(store, Question.of(model=model, **arguments))


def failure_rate(
    store: Store, model: str | None = None, **arguments: Unpack[Grouped]
) -> Result[FailureRow]:
    """Return failed attempts out of all attempts, with Wilson's 95 % interval.

    Raises:
        QueryError: it cannot be asked; the message says what would do.
        StoreError: the store cannot be read.
    """
    from elkmon.questions.rates import figures  # noqa: PLC0415 - on first use

    return figures.failure_rate(store, Question.of(model=model, **arguments))


ERROR_RATE = QuestionRecord(
    package=__name__,
    ask=error_rate,
    command="errors",
    summary="Show failure rates and error rates.",
    help="Failure rate: failed attempts out of all. Error rate: wrong answers out of those whose "
    "label has arrived. Both with their 95 % Wilson interval, by default by model over the last 7 "
    "days; below them the top issues, and the commands that list the events behind them.",
    rows="rates",
    options=(Option("top", "--top", "How many issues.", 5, least=0),),
    in_report=True,
)
FAILURE_RATE = QuestionRecord(package=__name__, ask=failure_rate)
