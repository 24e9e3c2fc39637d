"""The question ``compare``: two versions, or two spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elkmon.present.result import Result
from elkmon.query.question import Question, Spanned, Unpack
from elkmon.query.times import Moment
from elkmon.questions.record import Option, QuestionRecord
from elkmon.stores.protocol import Store

if TYPE_CHECKING:
    from elkmon.questions.compare.figures import Comparison

__all__ = ["COMPARE", "SideName"]

SideName = str | tuple[Moment, Moment] | None
"""A version, or a span as ``FROM..TO`` or as a pair of times; None to choose it."""


def compare(
    store: Store,
    baseline: SideName = None,
    current: SideName = None,
    model: str | None = None,
    **arguments: Unpack[Spanned],
) -> Result[Comparison]:
    """Compare two versions, or two spans, of each model.

    A span is ``FROM..TO``, or a pair of times such as ``("2026-11-01", "2026-11-08")``.

    By default the last version and the one before, or the span and one of the same length before.

    Raises:
        QueryError: the question is invalid; the message says what to change.
        StoreError: the store cannot be read.
    """
    from elkmon.questions.compare import figures  # noqa: PLC0415 - on first use

    return figures.compare(store, Question.of(model=model, **arguments), baseline, current)


COMPARE = QuestionRecord(
    package=__name__,
    ask=compare,
    command="compare",
    summary="Compare two versions, or two spans.",
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
            "What to compare; the last version within the span if not given.",
            metavar="VERSION|FROM..TO",
        ),
    ),
)
