"""``elkmon models``: what is in a store, and whether its figures can be trusted."""

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

    Models with their versions in the order in which they went live, their labels, and for each
    process how many of its events are missing: without them every denominator is too small.
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
        for each in model.versions:
            yield [
                *(model.name, each.version, each.span.first, each.span.last, each.deployed_at),
                *(each.predictions, each.failures, model.labelled, model.labels),
                *(model.orphans, model.sampled_out, model.repeats),
            ]


def _show(output: Output, store: Place, catalog: Catalog) -> None:
    if catalog.span is None:
        output.show(Text(no_events(store)))
        return
    counted = ", ".join(
        f"{count:,} {short_name(name)} events" for name, count in catalog.datasets.items()
    )
    output.show(
        Text.assemble(
            (clean(store), "bold"),
            f": {when(catalog.span.first)} to {when(catalog.span.last)} UTC; {counted}",
        )
    )
    for model in catalog.models:
        _show_model(output, model)
    if catalog.processes:
        _show_processes(output, catalog.processes)
    lines = list(catalog.notes)
    if catalog.bad_lines:
        lines.append(
            f"{catalog.bad_lines:,} torn or corrupt lines were set apart: elkmon doctor says where"
        )
    if catalog.labels_waiting:
        lines.append(f"{catalog.labels_waiting:,} labels wait to be joined")
    if lines:
        output.show(Text(""), *(Text(clean(line), "yellow") for line in lines))


def _show_model(output: Output, model: ModelEntry) -> None:
    task = f" ({', '.join(model.tasks)})" if model.tasks else ""
    made = fit_width(output, lambda wide: _versions_table(output, model, wide=wide))
    output.show(Text(""), Text.assemble((clean(model.name), "bold"), clean(task)), made)
    output.show(*(Text(clean(line), "dim") for line in _facts(model)))


def _versions_table(output: Output, model: ModelEntry, *, wide: bool) -> Table:
    seen = ["first seen (UTC)", "last seen (UTC)"] if wide else ["first, last seen"]
    numbers = ["predictions", "failures"]
    made = table(output, ["version", *seen, "deployed (UTC)", *numbers], right=set(numbers))
    for each in model.versions:
        times = [Text(when(each.span.first)), Text(when(each.span.last))]
        made.add_row(
            Text(clean(each.version)),
            *(times if wide else [below(*times)]),
            Text(ABSENT if each.deployed_at is None else when(each.deployed_at)),
            Text(f"{each.predictions:,}"),
            Text(f"{each.failures:,}"),
        )
    return made


def _facts(model: ModelEntry) -> list[str]:
    successes = model.predictions - model.failures
    lines = []
    lines.append(
        f"labelled: {model.labelled:,} of {successes:,} successful predictions, by "
        f"{model.labels:,} labels; {model.orphans:,} labels have no prediction, "
        f"{model.sampled_out:,} belong to sampled-out ones"
    )
    if model.lowest_rate < 1:
        lines.append(f"sampled: down to {model.lowest_rate:.4g} of the predictions are kept")
    if model.repeats:
        lines.append(
            f"written again under the same id: {model.repeats:,}, counted once; "
            f"{model.differing:,} of them say something else"
        )
    if model.segments:
        lines.append(f"segments: {', '.join(model.segments)}")
    return lines


def _show_processes(output: Output, processes: tuple[ProcessEntry, ...]) -> None:
    made = fit_width(output, lambda wide: _processes_table(output, processes, wide=wide))
    output.show(
        Text(""),
        Text("How complete it is", "bold"),
        made,
        Text(
            "missing: events that a process numbered and that are not here; dropped: those of them "
            "that it says it could not write",
            "dim",
        ),
    )


def _processes_table(output: Output, processes: tuple[ProcessEntry, ...], *, wide: bool) -> Table:
    who = ["process", "service", "host"] if wide else ["process"]
    numbers = ["events", "missing", "dropped"]
    made = table(output, [*who, "last event (UTC)", *numbers], right=set(numbers))
    for each in processes:
        service, host = clean(each.service or ABSENT), clean(each.host or ABSENT)
        named = [Text(clean(each.entity_id)), Text(service), Text(host)]
        if not wide:
            named = [below(named[0], Text(f"{service} on {host}", "dim"))]
        unexplained = each.missing > each.dropped
        made.add_row(
            *named,
            Text(when(each.span.last)),
            Text(f"{each.events:,}"),
            Text(f"{each.missing:,}", "red" if unexplained else ""),
            Text(f"{each.dropped:,}", "yellow" if each.dropped else ""),
        )
    return made
