"""``elkmon compare``: two versions, or two windows, and whether one is worse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from elkmon.cli.options import format_options, question_options, store_option
from elkmon.monitor import open_store
from elkmon.present.answer import write
from elkmon.present.empty_answer import explanation
from elkmon.present.output import Form, Output, clean
from elkmon.query.question import Question
from elkmon.query.result import Result
from elkmon.questions.compare.figures import Comparison, compare
from elkmon.questions.compare.table import show_comparison
from elkmon.stores.location import Place

__all__ = ["command"]

_COLUMNS = (
    *("model", "baseline", "current", "figure", "group", "before", "before_k", "before_n"),
    *("now", "now_k", "now_n", "difference", "low", "high", "p_value", "verdict"),
)


@click.command("compare")
@store_option
@question_options
@click.option(
    "--baseline",
    metavar="VERSION|FROM..TO",
    help="What to compare with; the version before, else the span before, if not given.",
)
@click.option(
    "--current",
    metavar="VERSION|FROM..TO",
    help="What is compared; the last version within the span if not given.",
)
@format_options
def command(
    store: Place,
    baseline: str | None,
    current: str | None,
    form: Form,
    output: Path | None,
    **asked: Any,  # noqa: ANN401 - what a question takes
) -> None:
    """Compare two versions, or two windows.

    Failures, errors at equal label age, and latency, each with the evidence for a change; and
    which classes and segments got worse. Spans are FROM..TO: 14d..7d, 2026-11-01..2026-11-08.
    """
    question = Question.of(**asked)
    with closing(open_store(store)) as source:
        answer = compare(source, question, baseline, current)
        notes = list(answer.notes)
        if not answer.rows and not notes:
            notes = explanation(source.catalog(), store, question, "compare")
    lines = (_COLUMNS, (cells for row in answer.rows for cells in _cells(row)))
    write(form, output, "comparisons", answer, notes, lambda out: _show(out, store, answer), lines)


def _show(out: Output, store: Place, answer: Result[Comparison]) -> None:
    if answer.notes:
        out.show(*(Text(clean(note), "dim") for note in answer.notes))
    for row in answer.rows:
        show_comparison(out, store, answer.question, row)


def _cells(row: Comparison) -> Iterator[list[object]]:
    """Give one line a figure and slice."""
    head = [row.model, row.baseline.name, row.current.name]
    for name, each in (("failure rate", row.failure_rate), ("error rate", row.error_rate)):
        yield [
            *(*head, name, "", each.baseline.value, each.baseline.k, each.baseline.n),
            *(each.current.value, each.current.k, each.current.n, each.value, each.low, each.high),
            *(each.p_value, each.verdict),
        ]
    for name, shift in (("p50 ms", row.p50), ("p95 ms", row.p95)):
        change = None
        if shift.baseline.value is not None and shift.current.value is not None:
            change = shift.current.value - shift.baseline.value
        yield [
            *(*head, name, "", shift.baseline.value, None, shift.baseline.n),
            *(shift.current.value, None, shift.current.n, change, None, None, None, shift.words),
        ]
    for slice_ in row.worse:
        before, now = slice_.baseline, slice_.current
        yield [
            *(*head, f"error rate by {slice_.kind}", slice_.name, before.value, before.k, before.n),
            *(now.value, now.k, now.n, slice_.difference, slice_.low, slice_.high),
            *(slice_.p_value, "worse"),
        ]
