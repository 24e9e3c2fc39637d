"""``elkmon ship``: send events from files to Elasticsearch, or to Logstash."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from typing import Any

import click

from elkmon.cli.program import INTERRUPTED
from elkmon.cli.ship_options import route_options, shipping_progress
from elkmon.cli.stopping import stopping
from elkmon.events.cluster_settings import access
from elkmon.present.empty_answer import no_events
from elkmon.ship.pace import Patience
from elkmon.ship.route import Route, make_shipper

__all__ = ["command"]


@click.command("ship")
@route_options
@click.option("--follow", is_flag=True, help="Keep sending new events until SIGTERM or Ctrl-C.")
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Give up after this time without success; default: 600, or never with --follow.",
)
def command(*, follow: bool, patience: float | None, **options: Any) -> None:  # noqa: ANN401 - a Route
    """Send events to Elasticsearch, or to Logstash.

    Each event arrives once, whatever fails or is interrupted in between. What is not taken goes to
    deadletter/ below the store, with the reason. The last line accounts for every event: read =
    created + already there + dead letters.
    """
    route = Route(folder=options.pop("store"), **options)
    limit = patience if patience is not None or follow else 600.0
    if not route.folder.exists() and not follow:
        click.echo(no_events(route.folder))
        return
    with stopping() as stop, ExitStack() as afterwards:
        with shipping_progress() as (tell, progress):
            shipper = make_shipper(
                route, access(), patience=Patience(stop, tell, limit), progress=progress
            )
            # after the bar has ended, which would print it on standard error
            afterwards.callback(lambda: click.echo(shipper.tally.balance(shipper.success)))
            if route.allow_old:
                tell(
                    "--allow-old sends events of any age: each month of history makes one index "
                    "for each dataset"
                )
            shipper.run(follow=follow)
        if stop.by == signal.SIGINT and not follow:
            raise click.exceptions.Exit(INTERRUPTED)
