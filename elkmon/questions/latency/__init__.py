"""The question of latency: how long predictions take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elkmon.present.result import Result
from elkmon.query.question import Grouped, Question, Unpack
from elkmon.questions.record import QuestionRecord
from elkmon.stores.protocol import Store

if TYPE_CHECKING:
    from elkmon.questions.latency.figures import LatencyRow

__all__ = ["LATENCY"]


def latency(
    store: Store, model: str | None = None, **arguments: Unpack[Grouped]
) -> Result[LatencyRow]:
    """Return p50, p95 and p99 of how long attempts took, separately by outcome.

    Raises:
        QueryError: it cannot be asked; the message says what would do.
        StoreError: the store cannot be read.
    """
    from elkmon.questions.latency import figures  # noqa: PLC0415 - on first use

    return figures.latency(store, Question.of(model=model, **arguments))


LATENCY = QuestionRecord(
    package=__name__,
    ask=latency,
    command="latency",
    summary="Show how long predictions take.",
    help="p50, p95 and p99, to 1 %, failed attempts separately; by default by model over the "
    "last 7 days.",
    in_report=True,
)
