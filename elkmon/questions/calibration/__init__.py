"""The question of calibration: whether scores come true as often as they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elkmon.present.result import Result
from elkmon.query.question import Grouped, Question, Unpack
from elkmon.questions.record import Option, QuestionRecord
from elkmon.stores.protocol import Store

if TYPE_CHECKING:
    from elkmon.questions.calibration.figures import CalibrationRow

__all__ = ["CALIBRATION"]


def calibration(
    store: Store, bins: int = 10, model: str | None = None, **arguments: Unpack[Grouped]
) -> Result[CalibrationRow]:
    """Return the share that came true in each of equal ``bins`` of scores over [0, 1].

    Raises:
        QueryError: it cannot be asked; the message says what would do.
        StoreError: the store cannot be read.
    """
    from elkmon.questions.calibration import figures  # noqa: PLC0415 - on first use

    return figures.calibration(store, Question.of(model=model, **arguments), bins)


CALIBRATION = QuestionRecord(
    package=__name__,
    ask=calibration,
    command="calibration",
    summary="Show whether scores come true as often as they say.",
    help="The reliability diagram. Of a binary task the score of the positive class, else that of "
    "the predicted class. ECE is the mean distance between the score and what came true.",
    options=(
        Option("bins", "--bins", "Equal bins over the scores from 0 to 1.", 10, least=2, most=100),
    ),
    in_report=True,
)
