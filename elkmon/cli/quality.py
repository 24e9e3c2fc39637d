"""``elkmon quality``: metrics from late labels, with intervals and their course."""

from __future__ import annotations

from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from elkmon.cli.options import format_options, group_options, question_options, store_option
from elkmon.monitor import open_store
from elkmon.present.answer import behind, explain, nothing, sampled, write
from elkmon.present.output import Form, Output
from elkmon.present.sparklines import step
from elkmon.query.question import Question
from elkmon.query.result import Result
from elkmon.questions.quality.figures import QualityRow, collect, rows_of
from elkmon.questions.quality.table import Trends, show_classes, show_group, show_steps
from elkmon.stores.location import Place

__all__ = ["command"]


@click.command("quality")
@store_option
@question_options
@group_options
@click.option(
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    help="f1, auc, accuracy, …; several with commas, or repeated. By the task if not given.",
)
@click.option("--classes", is_flag=True, help="Also each class by itself.")
@format_options
def command(
    store: Place,
    metrics: tuple[str, ...],
    classes: bool,
    form: Form,
    output: Path | None,
    **asked: Any,  # noqa: ANN401 - what a question takes
) -> None:
    """Show how good the answers are, from late labels.

    Each metric with its 95 % interval, its course, and what it is made of; by model, over the last
    7 days if nothing else is said. What cannot be computed is absent, with the reason.
    """
    question = Question.of(**asked)
    steps = question.every or step(question.since, question.until)
    with closing(open_store(store)) as source:
        # asked in steps in any case: what is shown in whole is their sum
        stepped = question.stepped(steps)
        gathered = collect(source, stepped, metrics)
        whole = gathered if question.every else gathered.together()
        answer = rows_of(source, question, whole)
        drawn = Trends(rows_of(source, stepped, gathered, refine=False).rows, steps)
        said = list(answer.notes)
        if not answer.rows:
            said = nothing(source, store, question, "quality")
    write(
        form, output, "quality", answer, said,
        lambda out: _show(out, store, answer, drawn, classes=classes),
    )  # fmt: skip


def _show(
    out: Output, store: Place, answer: Result[QualityRow], drawn: Trends, *, classes: bool
) -> None:
    question = answer.question
    if question.every is not None:
        for _, rows in groupby(answer.rows, key=lambda row: (tuple(row.by.values()), row.task)):
            show_steps(out, list(rows))
    else:
        for row in answer.rows:
            show_group(out, row, drawn)
    if classes:
        for row in answer.rows:
            if row.classes:
                show_classes(out, row)
    steps = drawn.steps
    legend = f"over time: steps of {steps.every} {steps.unit}, each metric from its lowest value to"
    explain(
        out, question, answer.notes,
        f"{legend} its highest" if question.every is None else "",
        sampled(any(row.coverage.weighted for row in answer.rows)),
    )  # fmt: skip
    regression = all(row.task == "regression" for row in answer.rows)
    what = "ml.eval.residual!=" if regression else "ml.eval.outcome=wrong"
    behind(out, store, question, "--where", what)
