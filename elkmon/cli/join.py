"""``elkmon join``: late labels onto their predictions, in Elasticsearch."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import click

from elkmon.cli.options import cluster_option, retention_option
from elkmon.cli.progress import progress_bar
from elkmon.cli.stopping import stopping
from elkmon.events.cluster_settings import access
from elkmon.join.join_pass import JoinReport, join
from elkmon.join.passes import Passes
from elkmon.stores.elastic.connect import connect, store_errors
from elkmon.stores.location import is_cluster

__all__ = ["command"]


@click.command("join")
@cluster_option
@click.option("--follow", is_flag=True, help="Go on, pass after pass, until SIGTERM or Ctrl-C.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="With --follow: the time between two passes.",
)
@retention_option("How long a label's prediction is looked for: as long as events are kept.")
def command(store: str, every: float, retention: int, *, follow: bool) -> None:
    """Join late labels to their predictions, in Elasticsearch.

    A folder needs no join: it is done there whenever something is asked. It can be interrupted
    anywhere, and repeated. The last line balances: read = joined + without a prediction + sampled
    out. Exit code 1 where labels are left that could not be written.
    """
    if not is_cluster(store):
        raise click.UsageError(
            f"{store} is no cluster: name Elasticsearch, as in --store https://es:9200 (in a "
            "folder labels are joined whenever something is asked)"
        )
    settings = access()
    with closing(connect(store, settings)) as client, stopping() as stop:

        def one() -> JoinReport:
            with store_errors(store, "join labels"), progress_bar("joining labels") as progress:
                return join(
                    client,
                    settings.prefix,
                    retention=timedelta(days=retention),
                    progress=progress,
                    stop=stop.is_set,
                )

        if follow:
            passes = Passes(one, every, stop, lambda said: click.echo(said, err=True), _worth)
            passes.run()
            click.echo(f"in all: {passes.total.balance()}")
        elif _say(one()).left:
            raise click.exceptions.Exit(1)


def _worth(report: JoinReport) -> None:
    if report.read or report.late:
        _say(report)


def _say(report: JoinReport) -> JoinReport:
    for reason, count in report.reasons.most_common():
        click.echo(f"left {count:,}: {reason}")
    if report.late:
        click.echo(f"{report.late:,} predictions came after their labels, and were joined")
    if report.stopped:
        click.echo("stopped before the end: the next pass goes on from here")
    click.echo(report.balance())
    return report
