"""``elkmon tail``: show events as they are written."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any

import click
from rich.text import Text

from elkmon.cli.options import dataset_option, folder_option, where_option
from elkmon.cli.program import INTERRUPTED
from elkmon.present.empty_answer import no_events
from elkmon.present.event_line import colour_of, dataset_of, model_of, summary_of, time_of
from elkmon.present.output import Output, output_to
from elkmon.query.conditions import conditions, matches
from elkmon.stores.local.follow import Follower
from elkmon.stores.protocol import Condition

__all__ = ["command"]

_PAUSE = 0.25
"""Seconds between two looks at the folder."""


@click.command("tail")
@folder_option
@dataset_option
@where_option
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Number of past events to show first.",
)
def command(store: Path, dataset: str | None, where: tuple[str, ...], lines: int) -> None:
    """Follow events live.

    It shows what all processes write to the folder, until Ctrl-C. Events are shown as they were
    written, without labels that come later.
    """
    filters = conditions(where)
    if dataset is not None:
        filters = (*filters, Condition("event.dataset", "=", (dataset,)))
    follower = Follower(store, lambda event: matches(event, filters), partial(click.echo, err=True))
    try:
        with output_to("table", None) as out:
            for event in follower.last(lines):
                _show(out, event)
            if not store.exists():
                click.echo(f"{no_events(store)}; waiting for it", err=True)
            while True:
                for event in follower.new():
                    _show(out, event)
                out.stream.flush()
                sleep(_PAUSE)
    except KeyboardInterrupt:  # the usual way to end it: no message
        raise click.exceptions.Exit(INTERRUPTED) from None


def _show(output: Output, event: Mapping[str, Any]) -> None:
    kind = dataset_of(event)
    failed = kind == "prediction" and summary_of(event).startswith("failed")
    output.show(
        Text.assemble(
            (time_of(event), "dim"),
            " ",
            (f"{kind:<10}", colour_of(event)),
            " ",
            (model_of(event), "bold"),
            " " if model_of(event) else "",
            (summary_of(event), "red" if failed else ""),
        )
    )
