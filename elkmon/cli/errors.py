"""``elkmon errors``: failure rates, error rates, and the top issues."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from elkmon.cli.options import format_options, question_options, store_option
from elkmon.monitor import open_store
from elkmon.present.empty_answer import explanation
from elkmon.present.output import Form, opened, write_csv, write_json
from elkmon.present.sparklines import step
from elkmon.query.question import Question
from elkmon.query.result import Result, flat
from elkmon.questions.exceptions.figures import ExceptionRow, exceptions
from elkmon.questions.issues.figures import issues
from elkmon.questions.issues.row import IssueRow
from elkmon.questions.issues.table import show_issues
from elkmon.questions.rates.figures import RatesRow, rows_of, tallies, together
from elkmon.questions.rates.table import Trend, show_behind, show_rates
from elkmon.stores.location import Place

__all__ = ["command"]


@click.command("errors")
@store_option
@question_options
@click.option("--every", metavar="STEP", help="Over time, in steps of 5m, 1h, 12h, 1d, 1w.")
@click.option(
    "--by",
    metavar="FIELD",
    multiple=True,
    help="Group by version, segment.country or any other field; repeatable.",
)
@click.option(
    "--top", type=click.IntRange(min=0), default=5, show_default=True, help="How many issues."
)
@format_options
def command(
    store: Place,
    top: int,
    form: Form,
    output: Path | None,
    **asked: Any,  # noqa: ANN401 - what a question takes
) -> None:
    """Show failure rates and error rates.

    Failure rate: failed attempts out of all. Error rate: wrong answers out of those whose label has
    arrived. Both with their 95 % Wilson interval, by model, over the last 7 days if nothing else is
    said; below them the top issues, and the commands that list the events behind.
    """
    question = Question.of(**asked)
    # asked in steps in any case: what is shown in whole is their sum
    steps = question.every or step(question.since, question.until)
    with closing(open_store(store)) as source:
        counted = tallies(source, question.stepped(steps))
        shown = counted if question.every else together(counted)
        answer = rows_of(question, shown)
        known = exceptions(source, question)
        raised = replace(known, rows=known.rows[:top])
        something = counted or known.rows
        found = issues(source, question, top) if top and something else _none(question)
        notes = list(raised.notes)
        if not something:
            more = [part for name in asked["by"] for part in ("--by", name)]
            more += ["--every", asked["every"]] if asked["every"] else []
            notes = explanation(source.catalog(), store, question, "errors", *more)
    with opened(form, output) as out:
        if form == "json":
            write_json(out, _document(answer, raised, found, notes))
        elif form == "csv":
            write_csv(out, answer.columns, _cells(answer))
            for note in notes:
                click.echo(note, err=True)
        else:
            if answer.rows:
                show_rates(out, answer, None if question.every else Trend(counted, steps))
            if found.rows:
                out.show(Text(""), Text("The top issues (elkmon issues has all)", "bold"))
                show_issues(out, found.rows)
            if notes:
                out.show(*(Text(note) for note in notes))
            show_behind(out, store, answer, found)


def _document(
    answer: Result[RatesRow],
    raised: Result[ExceptionRow],
    found: Result[IssueRow],
    notes: Sequence[str],
) -> dict[str, Any]:
    return {
        "question": answer.question.to_dict(),
        "rates": answer.to_dicts(),
        "exceptions": raised.to_dicts(),
        "issues": found.to_dicts(),
        "notes": list(notes),
    }


def _none(question: Question) -> Result[IssueRow]:
    return Result(question, (), ())


def _cells(answer: Result[RatesRow]) -> list[list[object]]:
    return [[flat(row).get(name) for name in answer.columns] for row in answer.rows]
