"""What the commands of figures have in common: ask, then write in the form that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.text import Text

from elkmon.events.fields import PREDICTION
from elkmon.present.empty_answer import explanation
from elkmon.present.output import Form, Output, clean, opened, typed_text, write_csv, write_json
from elkmon.present.sparklines import SECONDS, cell, command_line, when
from elkmon.query.conditions import dimension, equal, typed
from elkmon.query.question import Question
from elkmon.query.result import Result, flat
from elkmon.stores.location import Place
from elkmon.stores.protocol import Cell, Store, TimeBucket

__all__ = ["behind", "explain", "group_name", "nothing", "of_group", "sampled", "steps_of", "write"]

RowT = TypeVar("RowT")
Lines = tuple[Sequence[str], Iterable[Sequence[object]]]
"""Columns of CSV, and the cells of each line."""


def nothing(source: Store, folder: Place, question: Question, command: str) -> list[str]:
    """Say why there is no row, and what would show some."""
    more = [part for name in question.by if name != "model" for part in ("--by", name)]
    if question.every is not None:
        more += ["--every", f"{question.every.every}{question.every.unit}"]
    return explanation(source.catalog(), folder, question, command, *more)


def write(
    form: Form,
    path: Path | None,
    name: str,
    answer: Result[RowT],
    said: Sequence[str],
    show: Callable[[Output], None],
    lines: Lines | None = None,
) -> None:
    """Write an answer as JSON, as CSV, or as people read it.

    Args:
        form: the form.
        path: the file; standard output where not given.
        name: of the rows in JSON.
        answer: the rows.
        said: notes, and why there is nothing.
        show: writes tables, and what explains them.
        lines: of CSV; the columns of the rows where not given.
    """
    with opened(form, path) as out:
        if form == "json":
            document: dict[str, Any] = {"question": answer.question.to_dict()}
            write_json(out, {**document, name: answer.to_dicts(), "notes": list(said)})
        elif form == "csv":
            columns, cells = lines or _lines(answer)
            write_csv(out, columns, cells)
            for note in said:
                click.echo(clean(note), err=True)
        elif answer.rows:
            show(out)
        else:
            out.show(*(typed_text(clean(note)) for note in said))


def _lines(answer: Result[RowT]) -> Lines:
    columns = answer.columns
    return columns, ([flat(row).get(column) for column in columns] for row in answer.rows)


def explain(out: Output, question: Question, notes: Sequence[str], *lines: str) -> None:
    """Write the span, what explains a table, and notes."""
    asked = f"{when(question.since)} to {when(question.until)} UTC; in brackets the 95 % interval"
    out.show(*(Text(line, "dim") for line in (asked, *lines) if line))
    if notes:
        out.show(*(Text(clean(note), "yellow") for note in notes))


def behind(out: Output, folder: Place, question: Question, *more: str) -> None:
    """Write the command that lists the predictions behind a figure."""
    line = command_line("events", folder, question, "--dataset", PREDICTION, *more)
    out.show(Text(""), Text("The events behind", "bold"), typed_text(line))


def of_group(question: Question, by: Mapping[str, Cell]) -> list[str]:
    """Give the arguments that narrow a command to one group."""
    more: list[str] = []
    for name, value in by.items():
        if name == "model" and question.model is None and value is not None:
            more += ["--model", clean(value)]
        elif name != "model":
            more += ["--where", *typed([equal(dimension(name), value)])]
    return more


def group_name(by: Mapping[str, Cell]) -> str:
    """Write a group on one line."""
    return " ".join(cell(value) for value in by.values())


def steps_of(steps: TimeBucket, times: Sequence[datetime]) -> list[datetime]:
    """List all steps from the first to the last, those without events as well."""
    known = sorted(set(times))
    width = timedelta(seconds=steps.every * SECONDS[steps.unit])
    number = (known[-1] - known[0]) // width + 1 if known else 0
    return [known[0] + width * position for position in range(number)]


def sampled(weighted: bool) -> str:
    """Explain the asterisk, where there is one."""
    if not weighted:
        return ""
    return (
        "* sampled: each prediction counts as many times as it stands for; the counts are what is "
        "stored"
    )
