"""The question of the most frequent exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elkmon.present.result import Result
from elkmon.query.question import Question, Spanned, Unpack
from elkmon.questions.record import QuestionRecord
from elkmon.stores.protocol import Store

if TYPE_CHECKING:
    from elkmon.questions.exceptions.figures import ExceptionRow

__all__ = ["EXCEPTIONS"]


def exceptions(
    store: Store, model: str | None = None, limit: int | None = None, **arguments: Unpack[Spanned]
) -> Result[ExceptionRow]:
    """Return the exceptions, the most frequent first; at most ``limit`` of them.

    Raises:
        QueryError: it cannot be asked; the message says what would do.
        StoreError: the store cannot be read.
    """
    from elkmon.questions.exceptions import figures  # noqa: PLC0415 - on first use

    return figures.exceptions(store, Question.of(model=model, **arguments), limit)


EXCEPTIONS = QuestionRecord(
    package=__name__,
    ask=exceptions,
    groups=False,
)
