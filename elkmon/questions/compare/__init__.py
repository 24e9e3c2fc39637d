"""Two versions, or two windows, compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elkmon.query.question import Question, Spanned, Unpack
from elkmon.query.result import Result
from elkmon.questions.record import Option, QuestionRecord
from elkmon.stores.protocol import Store

if TYPE_CHECKING:
    from elkmon.questions.compare.figures import Comparison

__all__ = ["COMPARE"]


def compare(
    store: Store,
    baseline: str | None = None,
    current: str | None = None,
    model: str | None = None,
    **arguments: Unpack[Spanned],
) -> Result[Comparison]:
    """Compare two versions, or two spans ``FROM..TO``, of each model.

    The last version with the one before, or the span with as long a one before, where they are not
    given.

    Raises:
        QueryError: it cannot be asked; the message says what would do.
        StoreError: the store cannot be read.
    """
    from elkmon.questions.compare import figures  # noqa: PLC0415 - on first use

    return figures.compare(store, Question.of(model=model, **arguments), baseline, current)


COMPARE = QuestionRecord(
    package=__name__,
    ask=compare,
    command="compare",
    summary="Compare two versions, or two windows.",
    help="Failures, errors at equal label age, and latency, each with the evidence for a "
    "change; and which classes and segments got worse. Spans are FROM..TO: 14d..7d, "
    "2026-11-01..2026-11-08.",
    rows="comparisons",
    groups=False,
    options=(
        Option(
            "baseline",
            "--baseline",
            "What to compare with; the version before, else the span before, if not given.",
            metavar="VERSION|FROM..TO",
        ),
        Option(
            "current",
            "--current",
            "What is compared; the last version within the span if not given.",
            metavar="VERSION|FROM..TO",
        ),
    ),
)
