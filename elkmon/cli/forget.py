"""``elkmon forget``: erase the events of a person, or of one prediction."""

from __future__ import annotations

from contextlib import closing

import click

from elkmon.cli.options import store_option
from elkmon.cli.progress import progress_bar
from elkmon.emit.encode.scalars import clean_id
from elkmon.events.errors import StoreError
from elkmon.present.empty_answer import no_events
from elkmon.present.output import clean
from elkmon.retention.erasure import ErasureReport, ErasureRequest
from elkmon.stores.location import Place, is_missing
from elkmon.stores.protocol import Erasable
from elkmon.stores.registry import open_store

__all__ = ["command"]


@click.command("forget")
@store_option
@click.option("--prediction", metavar="ID", help="Erase a prediction, its labels, errors and logs.")
@click.option(
    "--model", metavar="NAME", help="With --prediction: only of this model; default: any model."
)
@click.option("--user", metavar="HASH", help="Erase all events of a user, by user.hash.")
@click.option("--dry-run", is_flag=True, help="Only count what would be erased.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def command(
    store: Place,
    prediction: str | None,
    model: str | None,
    user: str | None,
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    """Erase a person's events, or those of one prediction.

    For a prediction it erases the prediction itself, its labels, its errors and its logs. For a
    user it erases all events with the user's hash, and all events about the user's predictions.
    Exit code 1 if something is left, such as events in a file that is still written to.
    """
    if (prediction is None) == (user is None):
        raise click.UsageError("give either --prediction ID or --user HASH")
    if model is not None and prediction is None:
        raise click.UsageError("--model goes only with --prediction")
    if not (prediction if user is None else user):
        raise click.UsageError("the id or hash is empty: give the one to erase")
    if is_missing(store):
        click.echo(no_events(store))
        return

    def erase(source: Erasable, *, dry_run: bool) -> ErasureReport:
        request = ErasureRequest(user)
        if prediction is not None:
            request.add(clean_id(prediction), model)
        with progress_bar("looking through events") as progress:
            return source.erase(request, dry_run=dry_run, progress=progress)

    with closing(open_store(store)) as source:
        if not isinstance(source, Erasable):
            raise StoreError(
                f"{store} cannot forget: its store cannot erase events; erase them where it keeps "
                "them"
            )
        if dry_run or not yes:
            report = erase(source, dry_run=True)
            if dry_run or not report.counts:
                _print(report, "would be erased")
                return
            _count(report)
            total = sum(report.counts.values())
            click.confirm(f"erase {total:,} event{'s' * (total != 1)} for good?", abort=True)
        _print(erase(source, dry_run=False), "erased")


def _print(report: ErasureReport, verb: str) -> None:
    _count(report)
    for left in report.left:
        click.echo(f"left: {clean(left)}")
    total = sum(report.counts.values())
    if total or report.left:
        click.echo(f"{total:,} event{'s' * (total != 1)} {verb}")
    else:
        click.echo("found nothing to erase")
    if report.left:
        raise click.exceptions.Exit(1)


def _count(report: ErasureReport) -> None:
    for dataset, count in sorted(report.counts.items()):
        click.echo(f"{clean(dataset)}\t{count:,}")
