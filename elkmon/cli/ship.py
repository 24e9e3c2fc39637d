"""``elkmon ship``: from files to Elasticsearch, or to Logstash."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from typing import Any

import click

from elkmon.cli.program import INTERRUPTED
from elkmon.cli.ship_options import route_options, shown_shipping
from elkmon.cli.stopping import stopping
from elkmon.events.cluster_settings import access
from elkmon.present.empty_answer import no_events
from elkmon.ship.pace import Patience
from elkmon.ship.ship import Route, shipper

__all__ = ["command"]


@click.command("ship")
@route_options
@click.option("--follow", is_flag=True, help="Go on as events are written, until SIGTERM, Ctrl-C.")
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Give up after so long without success; 600, or never with --follow, if not given.",
)
def command(*, follow: bool, patience: float | None, **way: Any) -> None:  # noqa: ANN401 - a Route
    """Send events to Elasticsearch, or to Logstash.

    Each event is there once, whatever is interrupted or fails in between. What is not taken goes to
    deadletter/ below the store, with the reason. The last line balances: read = created + already
    there + dead letters.
    """
    route = Route(folder=way.pop("store"), **way)
    limit = patience if patience is not None or follow else 600.0
    if not route.folder.exists() and not follow:
        click.echo(no_events(route.folder))
        return
    with stopping() as stop, ExitStack() as afterwards:
        with shown_shipping() as (tell, progress):
            one = shipper(route, access(), patience=Patience(stop, tell, limit), progress=progress)
            # not beside the bar, which would take it to standard error
            afterwards.callback(lambda: click.echo(one.tally.balance(one.taken)))
            if route.allow_old:
                tell("events of any age are taken: each month of history makes an index a kind")
            one.run(follow=follow)
        if stop.by == signal.SIGINT and not follow:
            raise click.exceptions.Exit(INTERRUPTED)
