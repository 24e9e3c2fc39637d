"""``elkmon forget``: a person's events are erased."""

from __future__ import annotations

from pathlib import Path

import click

from elkmon.cli.options import store_option
from elkmon.cli.progress import shown_progress
from elkmon.emit.recorder import clean_id
from elkmon.events.cluster_settings import access
from elkmon.present.empty_answer import no_events
from elkmon.present.output import clean
from elkmon.retention.erasure import Erased, Wanted
from elkmon.stores.elastic.connect import connect, speaking
from elkmon.stores.elastic.erase import forget_in_indices
from elkmon.stores.local.erase import forget_in_files
from elkmon.stores.location import Place

__all__ = ["command"]


@click.command("forget")
@store_option
@click.option("--prediction", metavar="ID", help="A prediction, its labels, errors and logs.")
@click.option("--model", metavar="NAME", help="Of this model only; else of any that has this id.")
@click.option("--user", metavar="HASH", help="All of a user's, by user.hash.")
@click.option("--dry-run", is_flag=True, help="Only count.")
@click.option("--yes", is_flag=True, help="Do not ask.")
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

    Of a prediction all that was said of it: itself, its labels, its errors and logs. Of a user all
    that has the user's hash, and all that was said of the user's predictions. Exit code 1 where
    something is left, such as events in a file that is still written to.
    """
    if (prediction is None) == (user is None):
        raise click.UsageError("say whose events: either --prediction ID or --user HASH")
    if model is not None and prediction is None:
        raise click.UsageError("--model belongs to --prediction")
    if not (prediction if user is None else user):
        raise click.UsageError("an empty id or hash is nobody's")
    if isinstance(store, Path) and not store.exists():
        click.echo(no_events(store))
        return

    def erase(*, dry_run: bool) -> Erased:
        wanted = Wanted(user)
        if prediction is not None:
            wanted.add(clean_id(prediction), model)
        return _erased(store, wanted, dry_run=dry_run)

    if dry_run or not yes:
        found = erase(dry_run=True)
        if dry_run or not found.counts:
            _say(found, "would be erased")
            return
        _count(found)
        total = sum(found.counts.values())
        click.confirm(f"erase {total:,} event{'s' * (total != 1)} for good?", abort=True)
    _say(erase(dry_run=False), "erased")


def _erased(store: Place, wanted: Wanted, *, dry_run: bool) -> Erased:
    if isinstance(store, Path):
        with shown_progress("looking through files") as progress:
            return forget_in_files(store, wanted, dry_run=dry_run, progress=progress)
    settings = access()
    with connect(store, settings) as client, speaking(store, "erase events"):
        return forget_in_indices(client, settings.prefix, wanted, dry_run=dry_run)


def _say(erased: Erased, what: str) -> None:
    _count(erased)
    for left in erased.left:
        click.echo(f"left: {clean(left)}")
    total = sum(erased.counts.values())
    found = total or erased.left
    click.echo(f"{total:,} event{'s' * (total != 1)} {what}" if found else "nothing found to erase")
    if erased.left:
        raise click.exceptions.Exit(1)


def _count(erased: Erased) -> None:
    for dataset, count in sorted(erased.counts.items()):
        click.echo(f"{clean(dataset)}\t{count:,}")
