"""Options and the progress bar of the commands that send events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from elkmon.cli.options import folder_option, retention_option
from elkmon.present.output import clean
from elkmon.ship.tally import Tally

__all__ = ["age_options", "name_option", "route_options", "shipping_progress"]

_Command = Callable[..., Any]
_MIB = 1024 * 1024

name_option = click.option(
    "--name",
    default="ship",
    show_default=True,
    help="Name of the shipper; a second destination of a folder needs its own.",
)


def age_options(command: _Command) -> _Command:
    """Add the options for how old events may be."""
    for option in reversed(
        (
            retention_option(
                "Days; older events become dead letters, as they would be deleted at once."
            ),
            click.option("--allow-old", is_flag=True, help="Send events however old they are."),
        )
    ):
        command = option(command)
    return command


def route_options(command: _Command) -> _Command:
    """Add the options of a route: where from, where to, and how."""
    for option in reversed(
        (
            folder_option,
            click.option(
                "--to",
                envvar="ELKMON_SHIP_TO",
                required=True,
                metavar="URL",
                help="Address of the destination, such as https://es:9200; also ELKMON_SHIP_TO.",
            ),
            click.option(
                "--via",
                type=click.Choice(["elasticsearch", "logstash"]),
                default="elasticsearch",
                show_default=True,
                help="Kind of the destination: Elasticsearch, or Logstash's http input.",
            ),
            name_option,
            click.option(
                "--moved", is_flag=True, help="The destination has moved to another address."
            ),
            age_options,
        )
    ):
        command = option(command)
    return command


@contextmanager
def shipping_progress() -> Iterator[tuple[Callable[[str], None], Callable[[Tally], None]]]:
    """Show the progress of shipping on standard error, with a bar if that is a terminal.

    Yields:
        A function to call with a sentence, and one to call with the counts.
    """
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[figures]}", markup=False),
    )
    started = monotonic()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("shipping", total=None, figures="")
        most = 0

        def tell(sentence: str) -> None:
            if console.is_terminal:
                bar.console.print(clean(sentence), soft_wrap=True)
            else:
                click.echo(clean(sentence), err=True)

        def update(tally: Tally) -> None:
            nonlocal most
            most = max(most, tally.behind)
            rate = tally.read / max(monotonic() - started, 1e-3)
            figures = (
                f"{tally.read:,} events, {rate:,.0f}/s, {tally.behind / _MIB:,.1f} MiB behind, "
                f"{tally.dead:,} dead letters"
            )
            bar.update(task, completed=most - tally.behind, total=most, figures=figures)

        yield tell, update
