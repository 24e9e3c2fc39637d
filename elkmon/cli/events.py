"""``elkmon events``: list the events themselves."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from elkmon.cli.options import dataset_option, format_options, question_options, store_option
from elkmon.present.empty_answer import explanation
from elkmon.present.event_line import colour_of, dataset_of, model_of, summary_of, time_of
from elkmon.present.output import (
    Form,
    Output,
    below,
    fit_width,
    output_to,
    table,
    write_csv,
    write_line,
)
from elkmon.query import conditions as where
from elkmon.query.question import Question
from elkmon.stores.location import Place
from elkmon.stores.protocol import Event
from elkmon.stores.registry import open_store

__all__ = ["command"]

_FIELDS = ("@timestamp", "event.dataset", "ml.model.name", "ml.model.version", "event.id")
_COLUMNS = ("time", "dataset", "model", "version", "id", "what")


@click.command("events")
@store_option
@question_options
@dataset_option
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Most to show."
)
@click.option("--oldest-first", is_flag=True, help="List the oldest first, not the newest.")
@format_options
def command(
    store: Place,
    dataset: str | None,
    limit: int,
    oldest_first: bool,
    form: Form,
    output: Path | None,
    **options: Any,  # noqa: ANN401 - those of a question
) -> None:
    """List events, as they were written.

    By default, it lists the newest events of the last 7 days. Predictions are shown together with
    their labels. --format json writes NDJSON: one whole event on each line.
    """
    question = Question.of(**options)
    with closing(open_store(store)) as source, output_to(form, output) as out:
        answer = source.events(
            dataset or where.dataset_of(question.conditions),
            where=question.filter,
            limit=limit,
            newest_first=not oldest_first,
        )
        first = next(iter(answer), None)
        events = () if first is None else chain((first,), answer)
        if form == "json":
            for event in events:
                write_line(out, event)
        elif form == "csv":
            rows = ([*(where.lookup(e, name) for name in _FIELDS), summary_of(e)] for e in events)
            write_csv(out, _COLUMNS, rows)
        elif first is not None:
            listed = list(events)
            out.show(fit_width(out, lambda wide: _table(out, listed, wide=wide)))
        if first is None:
            more = [] if dataset is None else ["--dataset", dataset]
            for line in explanation(source.catalog(), store, question, "events", *more):
                click.echo(line, err=form != "table" or output is not None)


def _table(output: Output, events: Sequence[Event], *, wide: bool) -> Table:
    """Return the table; in a narrow one, what happened is below the model."""
    heads = ["time (UTC)", "dataset", *(["model", "what"] if wide else ["model, what"])]
    grid = table(output, heads)
    for event in events:
        parts = [Text(model_of(event), "bold"), Text(summary_of(event))]
        grid.add_row(
            Text(time_of(event)[:19]),
            Text(dataset_of(event), colour_of(event)),
            *(parts if wide else [below(*(part for part in parts if part))]),
        )
    return grid
