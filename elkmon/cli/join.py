"""``elkmon join``: join late labels to their predictions, in Elasticsearch."""

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
@click.option("--follow", is_flag=True, help="Repeat the pass until SIGTERM or Ctrl-C.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="With --follow: time between two passes.",
)
@retention_option("Days that a label's prediction is looked for: as long as events are kept.")
def command(store: str, every: float, retention: int, *, follow: bool) -> None:
    """Join late labels to their predictions, in Elasticsearch.

    A folder needs no join: there, labels are joined whenever a question is asked. The join can be
    interrupted anywhere, and repeated. The last line accounts for every label: read = joined +
    without a prediction + sampled out. Exit code 1 if labels are left that could not be written.
    """
    if not is_cluster(store):
        raise click.UsageError(
            f"{store} is not a cluster: give the address of Elasticsearch, as in --store "
            "https://es:9200 (in a folder, labels are joined whenever a question is asked)"
        )
    settings = access()
    with closing(connect(store, settings)) as client, stopping() as stop:

        def run_pass() -> JoinReport:
            with store_errors(store, "join labels"), progress_bar("joining labels") as progress:
                return join(
                    client,
                    settings.prefix,
                    retention=timedelta(days=retention),
                    progress=progress,
                    stop=stop.is_set,
                )

        if follow:
            passes = Passes(
                run_pass, every, stop, lambda message: click.echo(message, err=True), _print_if_any
            )
            passes.run()
            click.echo(f"in all: {passes.total.balance()}")
        elif _print(run_pass()).left:
            raise click.exceptions.Exit(1)


def _print_if_any(report: JoinReport) -> None:
    if report.read or report.late:
        _print(report)


def _print(report: JoinReport) -> JoinReport:
    for reason, count in report.reasons.most_common():
        click.echo(f"left {count:,}: {reason}")
    if report.late:
        click.echo(f"joined {report.late:,} predictions that came after their labels")
    if report.stopped:
        click.echo("stopped before the end: the next pass goes on from here")
    click.echo(report.balance())
    return report
