"""``elkmon models``: show what is in a store, and whether its figures can be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from elkmon.cli.options import format_options, store_option
from elkmon.events.datasets import short_name
from elkmon.present.empty_answer import no_events
from elkmon.present.formatting import ABSENT, when
from elkmon.present.output import (
    Form,
    Output,
    below,
    clean,
    fit_width,
    output_to,
    table,
    write_csv,
    write_json,
)
from elkmon.present.result import plain
from elkmon.stores.location import Place
from elkmon.stores.protocol import Catalog, ModelEntry, ProcessEntry
from elkmon.stores.registry import open_store

__all__ = ["command"]

_COLUMNS = (
    *("model", "version", "first", "last", "deployed_at", "predictions", "failures"),
    *("model_labelled", "model_labels", "model_orphans", "model_sampled_out", "model_repeats"),
)


@click.command("models")
@store_option
@format_options
def command(store: Place, form: Form, output: Path | None) -> None:
    """Show what is in the store, and how complete it is.

    It lists models with their versions, in the order in which they went live, and their labels; and
    for each process how many of its events are missing: without them, denominators are too small.
    """
    with closing(open_store(store)) as source:
        catalog = source.catalog()
    with output_to(form, output) as out:
        if form == "json":
            write_json(out, plain(catalog))
        elif form == "csv":
            write_csv(out, _COLUMNS, _rows(catalog))
        else:
            _show(out, store, catalog)


def _rows(catalog: Catalog) -> Iterator[list[object]]:
    for model in catalog.models:
        for row in model.versions:
            yield [
                *(model.name, row.version, row.span.first, row.span.last, row.deployed_at),
                *(row.predictions, row.failures, model.labelled, model.labels),
                *(model.orphans, model.sampled_out, model.repeats),
            ]


def _show(output: Output, store: Place, catalog: Catalog) -> None:
    if catalog.span is None:
        output.show(Text(no_events(store)))
        return
    counts = ", ".join(
        f"{count:,} {short_name(name)} events" for name, count in catalog.datasets.items()
    )
    output.show(
        Text.assemble(
            (clean(store), "bold"),
            f": {when(catalog.span.first)} to {when(catalog.span.last)} UTC; {counts}",
        )
    )
    for model in catalog.models:
        _show_model(output, model)
    if catalog.processes:
        _show_processes(output, catalog.processes)
    lines = list(catalog.notes)
    if catalog.bad_lines:
        lines.append(
            f"{catalog.bad_lines:,} torn or corrupt lines are not counted: elkmon doctor says where"
        )
    if catalog.labels_waiting:
        lines.append(f"{catalog.labels_waiting:,} labels wait to be joined: run elkmon join")
    if lines:
        output.show(Text(""), *(Text(clean(line), "yellow") for line in lines))


def _show_model(output: Output, model: ModelEntry) -> None:
    task = f" ({', '.join(model.tasks)})" if model.tasks else ""
    grid = fit_width(output, lambda wide: _versions_table(output, model, wide=wide))
    output.show(Text(""), Text.assemble((clean(model.name), "bold"), clean(task)), grid)
    output.show(*(Text(clean(line), "dim") for line in _facts(model)))


def _versions_table(output: Output, model: ModelEntry, *, wide: bool) -> Table:
    seen = ["first seen (UTC)", "last seen (UTC)"] if wide else ["first, last seen"]
    numbers = ["predictions", "failures"]
    grid = table(output, ["version", *seen, "deployed (UTC)", *numbers], right=set(numbers))
    for row in model.versions:
        times = [Text(when(row.span.first)), Text(when(row.span.last))]
        grid.add_row(
            Text(clean(row.version)),
            *(times if wide else [below(*times)]),
            Text(ABSENT if row.deployed_at is None else when(row.deployed_at)),
            Text(f"{row.predictions:,}"),
            Text(f"{row.failures:,}"),
        )
    return grid


def _facts(model: ModelEntry) -> list[str]:
    successes = model.predictions - model.failures
    lines = []
    lines.append(
        f"labelled: {model.labelled:,} of {successes:,} successful predictions, by "
        f"{model.labels:,} labels; {model.orphans:,} labels have no prediction, "
        f"{model.sampled_out:,} belong to predictions that were sampled out"
    )
    if model.lowest_rate < 1:
        lines.append(f"sampled: down to {model.lowest_rate:.4g} of the predictions are kept")
    if model.repeats:
        lines.append(
            f"repeated ids: {model.repeats:,} predictions were written again with the same id, and "
            f"count once; {model.differing:,} of them differ from the first"
        )
    if model.segments:
        lines.append(f"segments: {', '.join(model.segments)}")
    return lines


def _show_processes(output: Output, processes: tuple[ProcessEntry, ...]) -> None:
    grid = fit_width(output, lambda wide: _processes_table(output, processes, wide=wide))
    output.show(
        Text(""),
        Text("How complete it is", "bold"),
        grid,
        Text(
            "missing: events that a process numbered but that are not in the store; dropped: those "
            "of them that the process reports as not written",
            "dim",
        ),
    )


def _processes_table(output: Output, processes: tuple[ProcessEntry, ...], *, wide: bool) -> Table:
    who = ["process", "service", "host"] if wide else ["process"]
    numbers = ["events", "missing", "dropped"]
    grid = table(output, [*who, "last event (UTC)", *numbers], right=set(numbers))
    for row in processes:
        service, host = clean(row.service or ABSENT), clean(row.host or ABSENT)
        name_cells = [Text(clean(row.entity_id)), Text(service), Text(host)]
        if not wide:
            name_cells = [below(name_cells[0], Text(f"{service} on {host}", "dim"))]
        unexplained = row.missing > row.dropped
        grid.add_row(
            *name_cells,
            Text(when(row.span.last)),
            Text(f"{row.events:,}"),
            Text(f"{row.missing:,}", "red" if unexplained else ""),
            Text(f"{row.dropped:,}", "yellow" if row.dropped else ""),
        )
    return grid
