"""The question ``quality``: F1, AUC, log loss and other metrics from late labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from elkmon.present.result import Result
from elkmon.query.question import Grouped, Question, Unpack
from elkmon.questions.record import Option, QuestionRecord
from elkmon.stores.protocol import Store

if TYPE_CHECKING:
    from elkmon.questions.quality.figures import QualityRow

__all__ = ["QUALITY"]


def quality(
    store: Store,
    metrics: str | Iterable[str] = (),
    model: str | None = None,
    **arguments: Unpack[Grouped],
) -> Result[QualityRow]:
    """Return quality metrics from late labels, each with interval, support and coverage.

    ``metrics`` are names such as ``f1``, ``auc`` or ``log_loss``, one or several; by default a set
    for the task of each model. A metric that cannot be computed is None, with its reason.

    Raises:
        QueryError: the question is invalid; the message says what to change.
        StoreError: the store cannot be read.
    """
    from elkmon.questions.quality import figures  # noqa: PLC0415 - on first use

    return figures.quality(store, Question.of(model=model, **arguments), metrics)


QUALITY = QuestionRecord(
    package=__name__,
    ask=quality,
    command="quality",
    summary="Show how good the answers are, from late labels.",
    help="Each metric with its 95 % interval, its course, and its counts; by model, over the last "
    "7 days if not given. A metric that cannot be computed is absent, with the reason.",
    options=(
        Option(
            "metrics",
            "--metric",
            "f1, auc, accuracy, …; several with commas, or repeated. By the task if not given.",
            (),
            metavar="NAME",
            repeatable=True,
        ),
        Option("classes", "--classes", "Also each class by itself.", False, of_table=True),
    ),
    in_report=True,
)
