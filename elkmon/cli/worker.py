"""``elkmon worker``: ship and join in one process."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from typing import Any

import click

from elkmon.cli.ship_options import route_options
from elkmon.cli.stopping import stopping
from elkmon.events.cluster_settings import access
from elkmon.join.join_pass import JoinReport, join
from elkmon.join.passes import Passes
from elkmon.present.output import clean
from elkmon.ship.pace import Patience
from elkmon.ship.route import Route, make_shipper
from elkmon.ship.shipper import Shipper
from elkmon.ship.worker import Job, Worker, health_page
from elkmon.stores.elastic.connect import connect, store_errors

__all__ = ["command"]


@click.command("worker")
@route_options
@click.option(
    "--join-at",
    metavar="URL",
    help="Address of Elasticsearch, where labels are joined; needed with --via logstash.",
)
@click.option(
    "--join-every",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between two passes of the join.",
)
@click.option(
    "--listen",
    default="127.0.0.1:8089",
    show_default=True,
    metavar="HOST:PORT",
    help="Address on which to answer /healthz.",
)
def command(join_at: str | None, join_every: float, listen: str, **options: Any) -> None:  # noqa: ANN401
    """Ship and join in one process, for containers and systemd.

    It does the work of elkmon ship --follow and elkmon join --follow until SIGTERM or Ctrl-C, which
    end it cleanly. /healthz answers 200 while both run, also while the destination is away. If one
    of them cannot go on, the process ends with exit code 3.
    """
    route = Route(folder=options.pop("store"), **options)
    at = join_at or (route.to if route.via == "elasticsearch" else None)
    if at is None:
        raise click.UsageError(
            "--via logstash needs --join-at, the address of Elasticsearch, to join labels there"
        )
    settings = access()
    with closing(connect(at, settings)) as client, stopping() as stop:
        patience = Patience(stop, lambda sentence: click.echo(clean(sentence), err=True))
        shipper = make_shipper(route, settings, patience=patience)

        def run_pass() -> JoinReport:
            with store_errors(at, "join labels"):
                return join(
                    client,
                    settings.prefix,
                    retention=timedelta(days=route.retention),
                    stop=stop.is_set,
                )

        passes = Passes(run_pass, join_every, stop, patience.tell)
        jobs = [
            Job("ship", lambda: shipper.run(follow=True), lambda: _shipping(shipper, patience)),
            Job("join", passes.run, lambda: _joining(passes)),
        ]
        worker = Worker(jobs, stop)
        with health_page(listen, worker.health) as port:
            click.echo(f"shipping {route.folder} to {route.to}; /healthz is on port {port}")
            try:
                worker.run()
            finally:
                click.echo(shipper.tally.balance(shipper.success))
                click.echo(passes.total.balance())


def _shipping(shipper: Shipper, patience: Patience) -> Mapping[str, object]:
    tally = shipper.tally
    return {
        "read": tally.read,
        shipper.success: tally.created,
        "already": tally.already,
        "dead": tally.dead,
        "behind_bytes": tally.behind,
        "waiting_for": patience.trouble,
    }


def _joining(passes: Passes) -> Mapping[str, object]:
    total = passes.total
    return {
        "read": total.read,
        "joined": total.joined,
        "orphans": total.orphans,
        "left": total.left,
        "waiting_for": passes.trouble,
    }
