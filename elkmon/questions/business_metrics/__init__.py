"""The question of business and host metrics over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elkmon.present.result import Result
from elkmon.query.question import Grouped, Question, Unpack
from elkmon.questions.record import Option, QuestionRecord
from elkmon.stores.protocol import Store

if TYPE_CHECKING:
    from elkmon.questions.business_metrics.figures import MetricRow

__all__ = ["METRICS"]


def metrics(
    store: Store, *names: str, model: str | None = None, **arguments: Unpack[Grouped]
) -> Result[MetricRow]:
    """Return count, mean, least and greatest value of business and host metrics, by name.

    Raises:
        QueryError: it cannot be asked; the message says what would do.
        StoreError: the store cannot be read.
    """
    from elkmon.questions.business_metrics import figures  # noqa: PLC0415 - on first use

    return figures.metrics(store, Question.of(model=model, **arguments), names)


METRICS = QuestionRecord(
    package=__name__,
    ask=metrics,
    command="metrics",
    summary="Show business and host metrics over time.",
    help="What was logged with log.metric, and what elkmon host read: count, mean, least and "
    "greatest value of each, and the course of its mean.",
    options=(
        Option(
            "names", "--name", "Only this metric; repeatable.", (), metavar="NAME", repeatable=True
        ),
    ),
)
