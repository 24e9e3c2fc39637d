"""``elkmon events``: the events themselves."""

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
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most."
)
@click.option("--oldest-first", is_flag=True, help="The oldest first, instead of the newest.")
@format_options
def command(
    store: Place,
    dataset: str | None,
    limit: int,
    oldest_first: bool,
    form: Form,
    output: Path | None,
    **asked: Any,  # noqa: ANN401 - what a question takes
) -> None:
    """List events, as they were written.

    The newest of the last 7 days, if nothing else is said; predictions come with what their labels
    make of them. --format json gives NDJSON: each event whole, one a line.
    """
    question = Question.of(**asked)
    with closing(open_store(store)) as source, output_to(form, output) as out:
        found = source.events(
            dataset or where.dataset_of(question.conditions),
            where=question.filter,
            limit=limit,
            newest_first=not oldest_first,
        )
        first = next(iter(found), None)
        events = () if first is None else chain((first,), found)
        if form == "json":
            for event in events:
                write_line(out, event)
        elif form == "csv":
            rows = ([*(where.lookup(e, name) for name in _FIELDS), summary_of(e)] for e in events)
            write_csv(out, _COLUMNS, rows)
        elif first is not None:
            shown = list(events)
            out.show(fit_width(out, lambda wide: _table(out, shown, wide=wide)))
        if first is None:
            more = [] if dataset is None else ["--dataset", dataset]
            why = explanation(source.catalog(), store, question, "events", *more)
            for line in why:
                click.echo(line, err=form != "table" or output is not None)


def _table(output: Output, events: Sequence[Event], *, wide: bool) -> Table:
    """Make the table; where it is narrow, what happened stands below the model."""
    heads = ["time (UTC)", "dataset", *(["model", "what"] if wide else ["model, what"])]
    made = table(output, heads)
    for event in events:
        parts = [Text(model_of(event), "bold"), Text(summary_of(event))]
        made.add_row(
            Text(time_of(event)[:19]),
            Text(dataset_of(event), colour_of(event)),
            *(parts if wide else [below(*(part for part in parts if part))]),
        )
    return made
