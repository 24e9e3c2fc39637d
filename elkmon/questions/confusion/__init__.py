"""The question of the confusion matrix: which classes are mistaken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elkmon.present.result import Result
from elkmon.query.question import Grouped, Question, Unpack
from elkmon.questions.record import Option, QuestionRecord
from elkmon.stores.protocol import Store

if TYPE_CHECKING:
    from elkmon.questions.confusion.figures import ConfusionRow

__all__ = ["CONFUSION"]


def confusion(
    store: Store, model: str | None = None, **arguments: Unpack[Grouped]
) -> Result[ConfusionRow]:
    """Return counts by true and predicted class, with shares of each true class.

    Raises:
        QueryError: it cannot be asked; the message says what would do.
        StoreError: the store cannot be read.
    """
    from elkmon.questions.confusion import figures  # noqa: PLC0415 - on first use

    return figures.confusion(store, Question.of(model=model, **arguments))


CONFUSION = QuestionRecord(
    package=__name__,
    ask=confusion,
    command="confusion",
    summary="Show which classes are mistaken for which.",
    help="True classes down, predicted ones across; each cell with its share of the true class. "
    "JSON and CSV have one row per cell, and all classes.",
    options=(
        Option(
            "top",
            "--top",
            "How many classes, the most frequent ones; the rest together.",
            12,
            least=1,
            of_table=True,
        ),
    ),
    in_report=True,
)
